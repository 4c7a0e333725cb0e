"""/settings/dispositions: what can come of a conversation, and whether agents are asked for it after each call."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError
from wtforms import BooleanField, IntegerField
from wtforms.validators import InputRequired, NumberRange

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.admin.forms import NameForm
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.wrapping_up import LONGEST_SECONDS, WrapUpPolicy, run_out_all
from voipcrm.core import ordering
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render

bp = Blueprint("dispositions", __name__, url_prefix="/settings/dispositions")
ONE = "/<int(max=2147483647):disposition_id>"


class PolicyForm(FlaskForm):
    is_on = BooleanField("Ask agents after each call that they talked on")
    limit_seconds = IntegerField(
        "Time limit in seconds",
        [
            InputRequired("Enter a number of seconds, 0 for no limit."),
            NumberRange(0, LONGEST_SECONDS, f"Enter 0 to {LONGEST_SECONDS} seconds."),
        ],
    )


@bp.get("")
@requires(Can.MANAGE)
def index() -> Any:
    return _page()


@bp.post("")
@requires(Can.MANAGE)
def add() -> Any:
    one = Disposition(name="")
    form = NameForm.about(one)
    if not form.validate_on_submit():
        return _page(form=form), 422
    one.name = form.name.data or ""
    one.enter()
    if not _is_written(form):
        return _page(form=form), 422
    note("created", one, by=current_user, after={"name": one.name})
    return _done(f"Added {one.name}.")


@bp.get(ONE)
@requires(Can.MANAGE)
def edit(disposition_id: int) -> Any:
    one = find(sa.select(Disposition), disposition_id)
    return render("dispositions/edit.html", one=one, form=NameForm.about(one))


@bp.post(ONE)
@requires(Can.MANAGE)
def rename(disposition_id: int) -> Any:
    """The calls that have it show the new name."""
    one = find(sa.select(Disposition), disposition_id)
    form, before = NameForm.about(one), {"name": one.name}
    if not form.validate_on_submit():
        return render("dispositions/edit.html", one=one, form=form), 422
    one.name = form.name.data or ""
    if not _is_written(form):
        return render("dispositions/edit.html", one=find(sa.select(Disposition), disposition_id), form=form), 422
    if one.name != before["name"]:
        note("changed", one, by=current_user, before=before, after={"name": one.name})
    return _done("Saved.")


@bp.post(ONE + "/moves")
@requires(Can.MANAGE)
def move(disposition_id: int) -> Any:
    step = ordering.step_of_request()
    one = find(Disposition.in_order(), disposition_id)
    before = one.position
    ordering.move(one, step, among=Disposition.in_order())
    note("moved", one, by=current_user, before={"position": before}, after={"position": one.position})
    return _done("")


@bp.post(ONE + "/retire")
@requires(Can.MANAGE)
def retire(disposition_id: int) -> Any:
    """Nobody can choose it any more; the calls that have it keep it."""
    one = find(Disposition.in_order(), disposition_id)
    one.retire()
    note("retired", one, by=current_user)
    return _done(f"Retired {one.name}. The calls that have it keep it.")


@bp.post(ONE + "/restore")
@requires(Can.MANAGE)
def restore(disposition_id: int) -> Any:
    one = find(sa.select(Disposition), disposition_id)
    if one.retired_at is not None:
        one.enter()
        note("restored", one, by=current_user)
    return _done(f"{one.name} can be chosen again.")


@bp.post("/policy")
@requires(Can.MANAGE)
def set_policy() -> Any:
    policy = WrapUpPolicy.present()
    form = PolicyForm()
    if not form.validate_on_submit():
        return _page(policy_form=form), 422
    before = {"asked": policy.is_on, "limit_seconds": policy.limit_seconds}
    policy.is_on, policy.limit_seconds = bool(form.is_on.data), form.limit_seconds.data or 0
    db.session.add(policy)
    if not policy.is_on:
        run_out_all()
    db.session.flush()
    after = {"asked": policy.is_on, "limit_seconds": policy.limit_seconds}
    note("changed", policy, by=current_user, before=before, after=after)
    return _done("Saved.")


def _is_written(form: NameForm) -> bool:
    """False, with the reason in the form, if somebody took the name a moment ago."""
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        form.name.errors = ["This name is taken."]
        return False
    return True


def _page(*, form: NameForm | None = None, policy_form: PolicyForm | None = None) -> Any:
    return render(
        "dispositions/index.html",
        used=db.session.scalars(Disposition.in_order()).all(),
        retired=db.session.scalars(Disposition.retired()).all(),
        form=form or NameForm.about(Disposition(name="")),
        policy_form=policy_form or PolicyForm(obj=WrapUpPolicy.present()),
    )


def _done(words: str) -> Any:
    db.session.commit()
    if words:
        flash(words, "good")
    return redirect(url_for("dispositions.index"), code=303)
