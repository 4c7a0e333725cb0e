"""Which contact a call is about, and why: looked up once, when the call begins, by its number alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from voipcrm.contacts.models import Organization, Person, PhoneNumber
from voipcrm.core.prepared import Connection, Prepared


@dataclass(frozen=True, slots=True)
class Match:
    """The contact and the reason, in words that a person can check. company is empty if there is none."""

    person_id: int
    name: str
    company: str
    reason: str


_WITH_NUMBER = Prepared(
    lambda: (
        sa.select(Person.id, Person.name, Organization.name.label("company"))
        .select_from(PhoneNumber)
        .join(Person, Person.id == PhoneNumber.person_id)
        .outerjoin(Organization, Organization.id == Person.organization_id)
        .where(PhoneNumber.number == sa.bindparam("number"))
        .order_by(sa.func.coalesce(Person.updated_at, Person.created_at).desc(), Person.id.desc())
        .limit(sa.literal_column("20"))
    )
)


def match(connection: Connection, number: str | None, *, preferred: int | None = None) -> Match | None:
    """The contact with this E.164 number, or None. Several may share it: then `preferred` (the contact whose phone
    icon was clicked) if it is among them, else the one changed last, and the reason says so."""
    return ask_match(connection, number, preferred=preferred)()


def ask_match(
    connection: Connection, number: str | None, *, preferred: int | None = None
) -> Callable[[], Match | None]:
    """The same, to be read later."""
    if not number:
        return lambda: None
    asked = _WITH_NUMBER.ask(connection, {"number": number})
    return lambda: _matched(asked.rows(), preferred)


def _matched(found: list[Any], preferred: int | None) -> Match | None:
    if not found:
        return None
    clicked = next((row for row in found if row.id == preferred), None)
    row = clicked or found[0]
    if clicked is not None:
        reason = "The call was placed from this contact."
    elif len(found) == 1:
        reason = "The number is this person's."
    else:
        others = "others" if len(found) > 2 else "another person"
        reason = f"The number is shared with {others}; this person was changed last."
    return Match(row.id, row.name, row.company or "", reason)
