"""The forms of persons and organizations on their way into the rows, for all pages that have them."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from werkzeug.exceptions import Conflict

from voipcrm.accounts.models import User
from voipcrm.contacts import conflicts
from voipcrm.contacts.conflicts import Difference
from voipcrm.contacts.forms import OrganizationForm, PersonForm
from voipcrm.contacts.models import Organization, Person
from voipcrm.core.db import db
from voipcrm.core.pages import render


def save(person: Person) -> Any:
    """The page to show again, with another row, with what is wrong, or with what somebody else saved meanwhile; None
    once the form is in the rows. The caller commits."""
    form = PersonForm.about(person)
    add_to, remove = request.form.get("add"), request.form.get("remove")
    if add_to or remove:
        form.change_rows(add=add_to, remove=remove)
        return render("contacts/form.html", "contacts/_form.html", form=form, person=person, new_row=add_to)
    if not form.validate_on_submit():
        return render("contacts/form.html", "contacts/_form.html", form=form, person=person), 422
    return _write(form, person)


def save_organization(organization: Organization) -> Any:
    """The same for an organization."""
    form = OrganizationForm(organization)
    if not form.validate_on_submit():
        return render("organizations/form.html", form=form, organization=organization), 422
    return _write(form, organization)


def _write(form: Any, contact: Any) -> Any:
    if contact.id is not None:
        conflicts.lock(contact)
    values, differences = conflicts.settled(form.values(), contact)
    if differences:
        return _both(contact, values, differences), Conflict.code
    form.write(values, contact)
    db.session.add(contact)
    db.session.flush()
    return None


def _both(contact: Any, mine: dict[str, Any], differences: list[Difference]) -> str:
    owners = {one for both in differences if both.field == "owner_id" for one in (both.mine, both.theirs)}
    names = {user.id: user.name for one in owners if (user := db.session.get(User, one))}
    return render_template(
        "contacts/conflict.html",
        contact=contact,
        mine=mine,
        differences=differences,
        opened_with=conflicts.opened_with(contact),
        owners=names,
    )
