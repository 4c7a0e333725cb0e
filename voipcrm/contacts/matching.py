"""Which contact a call is about, and why: looked up once, when the call begins, by its number alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.contacts.choices import MOST_SHARERS, NumberChoice
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
        sa.select(
            Person.id,
            Person.name,
            Organization.name.label("company"),
            PhoneNumber.label.label("label"),
            NumberChoice.number.label("choice"),
            NumberChoice.person_id.label("chosen_id"),
            User.name.label("chosen_by"),
        )
        .select_from(PhoneNumber)
        .join(Person, Person.id == PhoneNumber.person_id)
        .outerjoin(Organization, Organization.id == Person.organization_id)
        .outerjoin(NumberChoice, NumberChoice.number == PhoneNumber.number)
        .outerjoin(User, User.id == NumberChoice.by_id)
        .where(PhoneNumber.number == sa.bindparam("number"))
        .order_by(
            sa.case((NumberChoice.person_id == Person.id, sa.literal_column("0")), else_=sa.literal_column("1")),
            sa.func.coalesce(Person.updated_at, Person.created_at).desc(),
            Person.id.desc(),
        )
        .limit(sa.literal_column(str(MOST_SHARERS)))
    )
)


def match(connection: Connection, number: str | None, *, preferred: int | None = None) -> Match | None:
    """The contact with this E.164 number, or None. Several may share it: then `preferred` (the contact whose phone
    icon was clicked) if it is among them, else whom somebody chose for the number, else the one changed last. The
    reason says which. None also when somebody chose that the number is nobody's."""
    return ask_match(connection, number, preferred=preferred)()


def ask_match(
    connection: Connection, number: str | None, *, preferred: int | None = None
) -> Callable[[], Match | None]:
    """The same, to be read later."""
    if not number:
        return lambda: None
    asked = _WITH_NUMBER.ask(connection, {"number": number})
    return lambda: _matched(number, asked.rows(), preferred)


def _matched(number: str, found: list[Any], preferred: int | None) -> Match | None:
    if not found:
        return None
    clicked = next((row for row in found if row.id == preferred), None)
    if clicked is not None:
        return Match(clicked.id, clicked.name, clicked.company or "", "The call was placed from this contact.")
    first = found[0]
    if first.choice is not None and first.chosen_id is None:
        return None
    return Match(first.id, first.name, first.company or "", _reason(number, first, len(found)))


def chosen_reason(by: str) -> str:
    """Why a call is about whom somebody chose for its number."""
    return f"The number was given to this person by {by or 'somebody'}."


def _reason(number: str, row: Any, sharing: int) -> str:
    if row.chosen_id == row.id:
        return chosen_reason(row.chosen_by)
    if sharing > 1:
        people = f"{sharing} people or more" if sharing == MOST_SHARERS else f"{sharing} people"
        return f"{number} is shared by {people}; this person was changed last."
    return f"{number} is {row.name}'s {row.label + ' ' if row.label else ''}number."
