"""Pages on which calls are logged by hand, changed, deleted and brought back, by whoever wrote them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls import by_hand
from voipcrm.calls.by_hand import LoggedCall
from voipcrm.calls.by_hand_form import LogForm
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Person
from voipcrm.contacts.searching import page_of_persons
from voipcrm.core import asking
from voipcrm.core.db import db, find
from voipcrm.core.gates import can, requires
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.texts import one_line

bp = Blueprint("by_hand", __name__, url_prefix="/calls/by-hand")
ONE = "/<int(max=2147483647):logged_id>"
FOUND = 10  # persons that the search offers


@bp.get("/create")
@requires(Can.VIEW_CALLS)
def begin() -> Any:
    """?contact= a contact that is chosen already; ?q= a search for one."""
    person = _person(request.args.get("contact", 0, type=asking.row_id))
    return _page(LogForm(zone=viewer_zone(), person=person), person)


@bp.post("/create")
@requires(Can.VIEW_CALLS)
def create() -> Any:
    person = _chosen()
    form = LogForm(zone=viewer_zone(), person=person)
    if not form.validate_on_submit():
        return _page(form, person), 422
    one = by_hand.log(_facts(form), note=form.note.data or "", by=current_user)
    db.session.commit()
    return _done(one, "The call is logged.")


@bp.get(ONE)
@requires(Can.VIEW_CALLS)
def show(logged_id: int) -> Any:
    """The call; once it is deleted, the way to bring it back."""
    one = find(LoggedCall.of(current_user), logged_id)
    if one.call is not None:
        return redirect(url_for("calls.show", public_id=one.call.public_id))
    return render("calls/by_hand_deleted.html", one=one)


@bp.get(ONE + "/edit")
@requires(Can.VIEW_CALLS)
def edit(logged_id: int) -> Any:
    one, call = _one(logged_id)
    return _page(LogForm(zone=viewer_zone(), person=call.person, call=call), call.person, one)


@bp.post(ONE + "/edit")
@requires(Can.VIEW_CALLS)
def change(logged_id: int) -> Any:
    one, call = _one(logged_id)
    person = _chosen(call)
    form = LogForm(zone=viewer_zone(), person=person, call=call)
    if not form.validate_on_submit():
        return _page(form, person, one), 422
    by_hand.change(one, call, _facts(form), by=current_user)
    db.session.commit()
    return _done(one, "Saved.")


@bp.post(ONE + "/delete")
@requires(Can.VIEW_CALLS)
def delete(logged_id: int) -> Any:
    one, call = _one(logged_id)
    by_hand.delete(one, call, by=current_user)
    db.session.commit()
    return redirect(url_for("by_hand.show", logged_id=logged_id), code=303)


@bp.post(ONE + "/undo")
@requires(Can.VIEW_CALLS)
def undo(logged_id: int) -> Any:
    """Bring a deleted one back."""
    one = find(LoggedCall.of(current_user).with_for_update(), logged_id)
    if one.deleted_at is not None:
        by_hand.restore(one, by=current_user)
        db.session.commit()
    return _done(one, "The call is back.")


def _one(logged_id: int) -> tuple[LoggedCall, Call]:
    """One's own that is not deleted."""
    one = find(LoggedCall.of(current_user), logged_id)
    return (one, one.call) if one.call is not None else abort(404)


def _person(person_id: int) -> Person | None:
    """A contact that this viewer may see; 404 for others."""
    if not person_id:
        return None
    return find(Person.visible_to(current_user), person_id) if can(Can.VIEW_CONTACTS) else abort(404)


def _chosen(call: Call | None = None) -> Person | None:
    """The contact that was chosen. Who a call was with already stays so also for one who may not see contacts."""
    person_id = request.form.get("person", 0, type=asking.row_id)
    if call is not None and call.person_id and person_id == call.person_id:
        return call.person
    return _person(person_id)


def _facts(form: LogForm) -> dict[str, Any]:
    facts = by_hand.said(
        direction=form.direction.data,
        outcome=form.outcome.data,
        number=form.e164,
        person=form.person,
        started_at=form.started_at,
        seconds=form.seconds,
    )
    return {**facts, "disposition_id": form.disposition_id.data or None}


def _page(form: LogForm, person: Person | None, one: LoggedCall | None = None) -> Any:
    query = one_line(request.values.get("q"))[:200]
    seeks = query and can(Can.VIEW_CONTACTS)
    found = page_of_persons(Person.visible_to(current_user), query, size=FOUND).rows if seeks else []
    return render(
        "calls/by_hand.html",
        "calls/_found.html",
        form=form,
        person=person,
        one=one,
        found=[other for other in found if person is None or other.id != person.id],
        q=query,
    )


def _done(one: LoggedCall, said: str) -> Any:
    flash(said, "good")
    return redirect(url_for("by_hand.show", logged_id=one.id), code=303)
