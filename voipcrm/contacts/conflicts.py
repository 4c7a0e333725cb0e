"""Two people who edit the same contact: the second to save sees what the first one saved, and chooses.

A form carries what its contact was when the form was opened. If the contact is another by the time the form comes back,
nothing is written: both are shown side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import request

from voipcrm.contacts.models import Organization, Person
from voipcrm.core.db import db

OPENED_WITH = "opened_with"  # the form's hidden field
KEEP = "keep-"  # and a field's name: "mine", "theirs" or "both"
LISTS = ("numbers", "emails")  # of which both can be kept; of notes too
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of which the two say different things, and which of them is proposed."""

    field: str
    mine: Any
    theirs: Any
    proposed: str

    @property
    def can_keep_both(self) -> bool:
        return bool((self.field in LISTS or self.field == "note") and self.mine and self.theirs)


def values_of(contact: Person | Organization) -> Values:
    """What its form shows of a contact, of JSON's types."""
    if isinstance(contact, Organization):
        return {"name": contact.name, "website": contact.website, "note": contact.note}
    return {
        "name": contact.name,
        "company": contact.company,
        "owner_id": contact.owner_id or 0,
        "note": contact.note,
        "numbers": [[one.number, one.label] for one in contact.numbers],
        "emails": [one.address for one in contact.emails],
    }


def opened_with(contact: Person | Organization) -> str:
    """For the hidden field."""
    return json.dumps(values_of(contact)) if contact.id is not None else ""


def lock(contact: Person | Organization) -> None:
    """Nobody else saves it before we have committed, and what we know of it is what it is now."""
    model: Any = type(contact)
    db.session.scalar(sa.select(model.id).where(model.id == contact.id).with_for_update())
    db.session.expire(contact)


def settled(mine: Values, contact: Person | Organization) -> tuple[Values, list[Difference]]:
    """What is to be written, or the differences that somebody must settle first. `mine`: what the form says; `contact`
    is locked."""
    opened, now = _opened(), values_of(contact)
    if opened is None or opened == now:
        return {field: _kept(field, mine[field], now[field]) for field in mine}, []
    return mine, [
        Difference(field, mine[field], now[field], "theirs" if mine[field] == opened.get(field) else "mine")
        for field in mine
        if mine[field] != now[field]
    ]


def _opened() -> Mapping[str, Any] | None:
    """None for a form without it: a new contact."""
    try:
        opened = json.loads(request.form.get(OPENED_WITH, ""))
    except ValueError:
        return None
    return opened if isinstance(opened, dict) else None


def _kept(field: str, mine: Any, theirs: Any) -> Any:
    choice = request.form.get(KEEP + field)
    if choice == "theirs":
        return theirs
    if choice != "both":
        return mine
    if field == "note":
        return "\n".join(filter(None, (theirs, mine)))
    known = {one[0] if field == "numbers" else one for one in theirs}
    return [*theirs, *(one for one in mine if (one[0] if field == "numbers" else one) not in known)]
