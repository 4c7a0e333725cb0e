"""A person's form on its way into the rows, for all pages that have it."""

from __future__ import annotations

from typing import Any

from flask import request

from voipcrm.contacts.forms import PersonForm
from voipcrm.contacts.models import Person
from voipcrm.core.db import db
from voipcrm.core.pages import render


def save(person: Person) -> Any:
    """The page to show again, with another row or with what is wrong; None once the form is in the rows. The caller
    commits."""
    form = PersonForm.about(person)
    add_to, remove = request.form.get("add"), request.form.get("remove")
    if add_to or remove:
        form.change_rows(add=add_to, remove=remove)
        return render("contacts/form.html", "contacts/_form.html", form=form, person=person, new_row=add_to)
    if not form.validate_on_submit():
        return render("contacts/form.html", "contacts/_form.html", form=form, person=person), 422
    form.write_to(person)
    db.session.add(person)
    db.session.flush()
    return None
