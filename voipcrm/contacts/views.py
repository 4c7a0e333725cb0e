"""Pages of contacts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, stream_with_context, url_for
from flask_login import current_user

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.contacts import exporting, filters, merging, timeline
from voipcrm.contacts.folding import is_number
from voipcrm.contacts.forms import PersonForm
from voipcrm.contacts.models import Person, sharing
from voipcrm.contacts.notes import today
from voipcrm.contacts.saving import save
from voipcrm.contacts.searching import MOST_HITS, more_match, page_of_listed
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.house import house
from voipcrm.core.pages import render
from voipcrm.core.paging import cursor_of_request
from voipcrm.core.texts import one_line
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import NumberInvalid

EXPORTS_AT_ONCE = 2  # in a process: each holds a thread for as long as its reader likes
_exports = threading.BoundedSemaphore(EXPORTS_AT_ONCE)
bp = Blueprint("contacts", __name__, url_prefix="/contacts")
A_PERSON = "/persons/<int(max=2147483647):person_id>"


@bp.get("/persons")
@requires(Can.VIEW_CONTACTS)
def persons() -> Any:
    query, narrow = one_line(request.args.get("q"))[:200], filters.of(request.args)
    scope = Person.visible_to(current_user)
    page = page_of_listed(scope, query, narrow=narrow, cursor=cursor_of_request())
    ends_after_others = page.newer is not None and page.older is None
    is_partial = request.headers.get("HX-Request-Type") == "partial"
    return render(
        "contacts/persons.html",
        "contacts/_results.html",
        page=page,
        q=query,
        narrow=narrow,
        choices=None if is_partial else filters.choices(narrow),
        begin_with={"number" if is_number(query) else "name": query},
        cut_at=MOST_HITS if ends_after_others and more_match(query, narrow=narrow) else None,
    )


@bp.get("/persons/export")
@requires(Can.EXPORT_CONTACTS)
def export() -> Any:
    """The contacts of the list's search and filters as a CSV file."""
    if not _exports.acquire(blocking=False):
        flash("Other exports are running. Try again in a minute.", "warn")
        return redirect(f"{url_for('contacts.persons')}?{request.query_string.decode()}", code=303)
    query, narrow = one_line(request.args.get("q"))[:200], filters.of(request.args)
    release = _once(_exports.release)
    asked = {"search": query, "owner": narrow.owner_id, "tag": narrow.tag_id}
    note("exported", Person(name="Contacts"), by=current_user, after={k: v for k, v in asked.items() if v is not None})
    db.session.commit()
    file = exporting.lines(Person.visible_to(current_user), query, narrow, at_end=release)
    response = Response(stream_with_context(file), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="contacts-{today().isoformat()}.csv"'
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(release)  # a reader that went away before the first line
    return response


@bp.get("/persons/create")
@requires(Can.EDIT_CONTACTS)
def create() -> Any:
    """An empty form, or one begun: ?number= and ?name= come from a call with somebody unknown, ?company= from an
    organization's page."""
    return _form(_somebody_new())


@bp.post("/persons/create")
@requires(Can.EDIT_CONTACTS)
def add() -> Any:
    return _save(_somebody_new())


@bp.get(A_PERSON)
@requires(Can.VIEW_CONTACTS)
def show(person_id: int) -> Any:
    if kept_id := merging.gone_to(Person.visible_to(current_user), person_id):
        return redirect(url_for("contacts.show", person_id=kept_id))
    person = find(Person.visible_to(current_user), person_id)
    return render("contacts/show.html", **timeline.page(person))


@bp.get(A_PERSON + "/edit")
@requires(Can.EDIT_CONTACTS)
def edit(person_id: int) -> Any:
    return _form(find(Person.visible_to(current_user), person_id))


@bp.post(A_PERSON + "/edit")
@requires(Can.EDIT_CONTACTS)
def change(person_id: int) -> Any:
    return _save(find(Person.visible_to(current_user), person_id))


@bp.get(A_PERSON + "/delete")
@requires(Can.EDIT_CONTACTS)
def ask_to_delete(person_id: int) -> Any:
    """The question as a page, for browsers in which the dialog's script does not run."""
    return render("contacts/delete.html", person=find(Person.visible_to(current_user), person_id))


@bp.post(A_PERSON + "/delete")
@requires(Can.EDIT_CONTACTS)
def delete(person_id: int) -> Any:
    person = find(Person.visible_to(current_user), person_id)
    name = person.name
    db.session.delete(person)
    db.session.commit()
    flash(f"Deleted {name}.", "good")
    return redirect(url_for("contacts.persons"), code=303)


@bp.get("/numbers/hint")
@requires(Can.EDIT_CONTACTS)
def number_hint() -> Any:
    """Under the field of a number: who else has it. `except` is the person in the form; the number stands in the
    one argument that is named like the field."""
    typed = next((value for name, value in request.args.items() if name.endswith("-number")), "")
    try:
        number = numbers.parse(typed, house.default_country)
    except NumberInvalid:
        return render("contacts/_number_hint.html", others=[])
    known = request.args.get("except", 0, type=int)
    others = [one.person for one in sharing([number], db.session.get(Person, known))]
    return render("contacts/_number_hint.html", others=others)


def _once(act: Callable[[], Any]) -> Callable[[], None]:
    """The act, which happens at the first call only."""
    left = [act]
    return lambda: left.pop()() if left else None


def _somebody_new() -> Person:
    person = Person(name="", note="", owner_id=current_user.id)
    person.name = one_line(request.args.get("name"))[:200]
    return person


def _form(person: Person) -> Any:
    form = PersonForm.about(person)
    if person.id is None and (company := request.args.get("company")):
        form.company.data = one_line(company)[:200]
    if person.id is None and (number := request.args.get("number")):
        form.numbers[0].form.number.data = one_line(number)[:64]
    return render("contacts/form.html", "contacts/_form.html", form=form, person=person)


def _save(person: Person) -> Any:
    if (again := save(person)) is not None:
        return again
    db.session.commit()
    flash("Saved.", "good")
    return redirect(url_for("contacts.show", person_id=person.id), code=303)
