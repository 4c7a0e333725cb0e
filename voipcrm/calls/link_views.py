"""Whom a call is with: the page to choose it, and undo."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls import linking
from voipcrm.calls.linking import Relink
from voipcrm.calls.models import Call
from voipcrm.contacts.choices import sharers
from voipcrm.contacts.forms import PersonForm
from voipcrm.contacts.models import Person
from voipcrm.contacts.saving import save
from voipcrm.contacts.searching import page_of_persons
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.house import house
from voipcrm.core.pages import render
from voipcrm.core.texts import one_line
from voipcrm.telephony import numbers

bp = Blueprint("links", __name__, url_prefix="/calls/<public_id>/contact")
FOUND = 10  # persons that the search offers


@bp.get("")
@requires(Can.EDIT_CONTACTS)
def choose(public_id: str) -> Any:
    """Those who share the number, a search for others, and nobody."""
    return _choose(_call(public_id))


@bp.post("")
@requires(Can.EDIT_CONTACTS)
def link(public_id: str) -> Any:
    """Link the call to `person`, 0 for nobody; `for=number`: all calls with its number."""
    call = _call(public_id)
    chosen = request.form.get("person", type=int)
    for_number = request.form.get("for") == "number"
    if chosen is None:
        return _choose(call, problem="Choose somebody, or nobody."), 422
    if for_number and call.peer_number is None:
        return _choose(call, problem="The caller hid the number: only this call can be linked."), 422
    person = find(Person.visible_to(current_user), chosen) if chosen else None
    linking.relink(call, person, for_number=for_number, by=current_user)
    db.session.commit()
    calls = "All calls with this number are" if for_number else "The call is"
    return _linked(call, f"{calls} linked to {person.name}." if person else "The contact is off.")


@bp.post("/undo/<int(max=2147483647):relink_id>")
@requires(Can.EDIT_CONTACTS)
def undo(public_id: str, relink_id: int) -> Any:
    call = _call(public_id)
    last = linking.to_undo(linking.decisions(call))
    if last is None or last.id != relink_id:  # another browser was quicker
        return _linked(call, "The link was changed meanwhile.")
    linking.undo(db.session.get_one(Relink, relink_id), by=current_user)
    db.session.commit()
    db.session.expire_all()
    return _linked(call, "Undone.")


@bp.get("/create")
@requires(Can.EDIT_CONTACTS)
def begin(public_id: str) -> Any:
    """A new contact with the number of the call."""
    call = _call(public_id)
    person = _somebody_new()
    form = PersonForm.about(person)
    number = call.peer_number
    form.numbers[0].form.number.data = numbers.display(number, house.default_country) if number else ""
    return render("contacts/form.html", "contacts/_form.html", form=form, person=person)


@bp.post("/create")
@requires(Can.EDIT_CONTACTS)
def create(public_id: str) -> Any:
    call = _call(public_id)
    person = _somebody_new()
    if (again := save(person)) is not None:
        return again
    has_number = call.peer_number in {one.number for one in person.numbers}
    linking.relink(call, person, for_number=has_number, by=current_user)
    db.session.commit()
    return _linked(call, f"{person.name} is a contact now.")


@bp.get("/card")
@requires(Can.VIEW_CALLS)
def card(public_id: str) -> Any:
    """Why the phone in the page says who this is, and who else it could be."""
    return _card(find(Call.with_names(Call.visible_to(current_user)), public_id, by="public_id"))


def _call(public_id: str) -> Call:
    """A call that may be linked: seen by this person, and with somebody outside."""
    outside = Call.visible_to(current_user).where(Call.direction != "internal")
    return find(Call.with_names(outside), public_id, by="public_id")


def _somebody_new() -> Person:
    return Person(name="", note="", owner_id=current_user.id)


def _choose(call: Call, *, problem: str = "") -> Any:
    query = one_line(request.values.get("q"))[:200]
    scope = Person.visible_to(current_user)
    shared = sharers(scope, call.peer_number)
    found = page_of_persons(scope, query, size=FOUND).rows if query else []
    known = {one.person_id for one in shared}
    return render(
        "calls/contact.html",
        "calls/_found.html",
        call=call,
        shared=shared,
        found=[person for person in found if person.id not in known],
        q=query,
        problem=problem,
    )


def _card(call: Call) -> Any:
    """Nothing of it for a call between colleagues."""
    shared = sharers(Person.visible_to(current_user), call.peer_number)
    return render("phone/_call_contact.html", call=call, shared=shared)


def _linked(call: Call, said: str) -> Any:
    """The page of the call; the phone's card, if that asked, with word to the phone of whom the call is with now."""
    if request.form.get("in") != "phone":
        flash(said, "good")
        return redirect(url_for("calls.show", public_id=call.public_id), code=303)
    answer = make_response(_card(call))
    answer.headers["HX-Trigger"] = "voipcrm:call-linked"
    return answer
