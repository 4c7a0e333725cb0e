"""/admin/voip/retention: for how long recordings are kept, by the house and by line. Nothing is saved that would let
recordings go before a person saw how many."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.admin.retention_forms import HouseRetentionForm, LineRetentionForm
from voipcrm.core.app import settings
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.house import HouseSettings, house
from voipcrm.core.pages import render
from voipcrm.recordings import retention
from voipcrm.trunks.models import Line

bp = Blueprint("retention", __name__, url_prefix="/admin/voip/retention")
A_LINE = "/lines/<int(max=2147483647):line_id>"


@bp.get("")
@requires(Can.MANAGE)
def index() -> Any:
    lines = sa.select(Line).order_by(Line.retired_at.is_not(None), sa.func.lower(Line.label), Line.id)
    return render(
        "retention/index.html",
        lines=db.session.scalars(lines).all(),
        of_house=retention.days_of(None),
        days_of=retention.days_of,
        provider_days=settings.provider_copy_days,
    )


@bp.get("/house")
@requires(Can.MANAGE)
def edit_house() -> Any:
    return _form(HouseRetentionForm.showing(house.keep_recordings_days), None)


@bp.post("/house")
@requires(Can.MANAGE)
def save_house() -> Any:
    form = HouseRetentionForm()
    if not form.validate_on_submit():
        return _form(form, None), 422
    if asked := _ask_first(form, None):
        return asked
    row = HouseSettings.to_change()
    before, row.keep_recordings_days = row.keep_recordings_days, form.chosen
    note("changed", row, by=current_user, before=_facts(before), after=_facts(form.chosen))
    db.session.commit()
    house.forget()
    return _saved()


@bp.get(A_LINE)
@requires(Can.MANAGE)
def edit_line(line_id: int) -> Any:
    line = find(sa.select(Line), line_id)
    return _form(LineRetentionForm.showing(line.keep_days), line)


@bp.post(A_LINE)
@requires(Can.MANAGE)
def save_line(line_id: int) -> Any:
    line, form = find(sa.select(Line), line_id), LineRetentionForm()
    if not form.validate_on_submit():
        return _form(form, line), 422
    if asked := _ask_first(form, line):
        return asked
    before, line.keep_days = line.keep_days, form.chosen
    note("changed", line, by=current_user, before=_facts(before), after=_facts(form.chosen))
    db.session.commit()
    return _saved()


def _form(form: HouseRetentionForm | LineRetentionForm, line: Line | None) -> Any:
    return render("retention/form.html", form=form, line=line, of_house=retention.days_of(None))


def _ask_first(form: HouseRetentionForm | LineRetentionForm, line: Line | None) -> Any:
    """The question before recordings go; None when none would, or the person saw how many."""
    if request.form.get("sure"):
        return None
    days = retention.days_of(None) if line is not None and form.chosen is None else form.chosen or None
    line_id = line.id if line else None
    going = retention.count_going(line, days)
    line = db.session.get(Line, line_id) if line_id else None
    if not going:
        return None
    most = retention.COUNTED_AT_MOST
    words = f"More than {most:,} recordings" if going > most else f"{going:,} recording{'s' if going > 1 else ''}"
    return render("retention/sure.html", form=form, line=line, words=words, days=days)


def _facts(days: int | None) -> dict[str, object]:
    """As the audit log keeps it."""
    return {"recordings kept": "as the house" if days is None else "for ever" if days == 0 else f"{days} days"}


def _saved() -> Any:
    flash("Saved.", "good")
    return redirect(url_for("retention.index"), code=303)
