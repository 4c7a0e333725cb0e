"""Pages of lines, and how they stand at the phone provider."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.admin import lines, wiring
from voipcrm.admin.line_forms import POLICIES, LineForm, NewLineForm
from voipcrm.admin.lines import CannotDo
from voipcrm.core.app import settings
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.house import house
from voipcrm.core.pages import render
from voipcrm.core.texts import one_line
from voipcrm.routes.models import InboundRoute
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import TelephonyError
from voipcrm.telephony.numbers import E164_PATTERN
from voipcrm.trunks.models import Line

bp = Blueprint("lines", __name__, url_prefix="/admin/voip/numbers")
A_LINE = "/<int(max=2147483647):line_id>"


@bp.get("/")
@requires(Can.ADMIN_NUMBERS)
def index() -> Any:
    query = sa.select(Line).order_by(Line.retired_at.is_not(None), sa.func.lower(Line.label), Line.id)
    return render(
        "numbers/index.html",
        lines=db.session.scalars(query).all(),
        routes=_routes_by_line(),
        policies=POLICIES,
        default_number=settings.twilio_number,
    )


@bp.get("/create")
@requires(Can.ADMIN_NUMBERS)
def create() -> Any:
    form = NewLineForm()
    form.number.data = one_line(request.args.get("number"))[:64]
    return render("numbers/create.html", form=form, is_sandbox=settings.is_sandbox)


@bp.post("/create")
@requires(Can.ADMIN_NUMBERS)
def add() -> Any:
    """A number becomes a line when the provider has it (in the sandbox it is added there)."""
    form = NewLineForm()
    if form.validate_on_submit():
        try:
            if db.session.scalar(Line.in_use().where(Line.number == form.e164).with_only_columns(Line.id)):
                raise CannotDo("This number is a line already.")
            facts = lines.found_at_provider(form.e164)
            line = lines.take_on(facts, label=form.label.data or "")
            form.write_to(line)
            db.session.flush()
            note("created", line, by=current_user, after=_facts(line))
            db.session.commit()
        except (CannotDo, TelephonyError) as problem:
            form.number.errors = [getattr(problem, "sentence", str(problem))]
        else:
            flash(f"Added {line.label}. Wire it below, so that its calls come here.", "good")
            return redirect(url_for("lines.index"), code=303)
    return render("numbers/create.html", form=form, is_sandbox=settings.is_sandbox), 422


@bp.get(A_LINE + "/edit")
@requires(Can.ADMIN_NUMBERS)
def edit(line_id: int) -> Any:
    line = find(Line.in_use(), line_id)
    return render("numbers/edit.html", form=LineForm(obj=line), line=line)


@bp.post(A_LINE + "/edit")
@requires(Can.ADMIN_NUMBERS)
def change(line_id: int) -> Any:
    line = find(Line.in_use(), line_id)
    form = LineForm()
    if not form.validate_on_submit():
        return render("numbers/edit.html", form=form, line=line), 422
    before = _facts(line)
    form.write_to(line)
    note("changed", line, by=current_user, before=before, after=_facts(line))
    db.session.commit()
    flash("Saved.", "good")
    return redirect(url_for("lines.index"), code=303)


@bp.get(A_LINE + "/remove")
@requires(Can.ADMIN_NUMBERS)
def ask_to_remove(line_id: int) -> Any:
    line = find(Line.in_use(), line_id)
    return render("numbers/remove.html", line=line, is_kept=lines.is_referred_to(line), problem="")


@bp.post(A_LINE + "/remove")
@requires(Can.ADMIN_NUMBERS)
def remove(line_id: int) -> Any:
    """Deleted if nothing refers to it, else retired."""
    line = find(Line.in_use(), line_id)
    label = line.label
    entry = note("deleted", line, by=current_user, before=_facts(line))
    try:
        is_kept = lines.remove(line)
    except CannotDo as problem:
        is_kept = lines.is_referred_to(line)
        return render("numbers/remove.html", line=line, is_kept=is_kept, problem=str(problem)), 422
    entry.verb = "retired" if is_kept else "deleted"
    db.session.commit()
    flash(f"{'Retired' if is_kept else 'Removed'} {label}.", "good")
    return redirect(url_for("lines.index"), code=303)


@bp.get("/provider")
@requires(Can.ADMIN_NUMBERS)
def at_provider() -> Any:
    """How each line is wired, and numbers of the account that are no lines yet. Asks the provider."""
    problem, found = "", None
    try:
        found = wiring.survey()
    except TelephonyError as error:
        problem = error.sentence
    known = db.session.scalars(Line.in_use().order_by(sa.func.lower(Line.label), Line.id)).all()
    return render("numbers/provider.html", "numbers/_provider.html", survey=found, problem=problem, lines=known)


@bp.post("/wirings")
@requires(Can.ADMIN_NUMBERS)
def wire() -> Any:
    """Make the provider send us the calls of one line (`line`), or the application's questions (without)."""
    line_id = request.form.get("line", type=int)
    try:
        found = wiring.survey()
        wanted = found.of_application if line_id is None else list(filter(None, [found.of_line(line_id)]))
        for one in wanted:
            one.carry_out()
            line = db.session.get(Line, line_id) if line_id is not None else None
            if line is not None and one.make is not None:
                note("wired", line, by=current_user)
            db.session.commit()
    except TelephonyError as error:
        flash(error.sentence, "bad")
        return redirect(url_for("lines.index"), code=303)
    by_hand = [one for one in wanted if one.make is None]
    if by_hand:
        flash(f"{by_hand[0].what} is {by_hand[0].now}. Change that in the provider’s console.", "warn")
    else:
        flash("Wired." if wanted else "It was wired already.", "good")
    return redirect(url_for("lines.index"), code=303)


@bp.post("/imports")
@requires(Can.ADMIN_NUMBERS)
def import_from_provider() -> Any:
    """Numbers of the account that were chosen become lines; each is named by its field label-+1…"""
    chosen = [number for number in request.form.getlist("number") if E164_PATTERN.fullmatch(number)]
    labels = {
        number: one_line(request.form.get(f"label-{number}"))[:80] or numbers.display(number, house.default_country)
        for number in chosen
    }
    if not chosen:
        flash("Choose at least one number to import.", "warn")
        return redirect(url_for("lines.index"), code=303)
    try:
        taken = lines.import_chosen(chosen, label_of=labels)
        db.session.flush()
        for line in taken:
            note("imported", line, by=current_user, after=_facts(line))
        db.session.commit()
    except TelephonyError as error:
        flash(error.sentence, "bad")
    else:
        what = "1 number" if len(taken) == 1 else f"{len(taken)} numbers"
        flash(f"Imported {what}. Calls come here from those that stand as wired below.", "good")
    return redirect(url_for("lines.index"), code=303)


def _facts(line: Line) -> dict[str, object]:
    """A line as the audit log keeps it."""
    return {
        "number": line.number,
        "label": line.label,
        "recording_in": line.recording_in,
        "recording_out": line.recording_out,
        "recording_notice": line.recording_notice,
        "recording_question": line.recording_question,
    }


def _routes_by_line() -> dict[int, list[InboundRoute]]:
    """The active routes that calls to each line may take, up to the first that takes them all."""
    routes = [route for route in db.session.scalars(InboundRoute.in_order()) if route.active]
    found: dict[int, list[InboundRoute]] = {}
    for line in db.session.scalars(Line.in_use()):
        for route in routes:
            if route.serves(line):
                found.setdefault(line.id, []).append(route)
                if not route.caller_prefix:
                    break
    return found
