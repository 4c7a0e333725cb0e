"""Whom people chose for a number, once and for all: calls from it follow the choice."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column

from voipcrm.accounts.models import User
from voipcrm.contacts.models import Person, PhoneNumber
from voipcrm.core import clock
from voipcrm.core.db import Model, db

MOST_SHARERS = 20


class NumberChoice(Model):
    """The person whom calls with a number are about, among those who share it; None: nobody."""

    __tablename__ = "number_choices"

    number: Mapped[str] = mapped_column(primary_key=True)  # E.164
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


def sharers(scope: sa.Select[Person], number: str | None) -> list[PhoneNumber]:
    """The rows of a number, each with its person, those of the scope by name; at most MOST_SHARERS."""
    if number is None:
        return []
    persons = scope.with_only_columns(Person.id)
    query = sa.select(PhoneNumber).join(PhoneNumber.person).where(PhoneNumber.number == number, Person.id.in_(persons))
    query = query.options(joinedload(PhoneNumber.person)).order_by(Person.sort_name, Person.id)
    return list(db.session.scalars(query.limit(MOST_SHARERS)).unique())


def choose(number: str, person: Person | None, *, by: User) -> tuple[NumberChoice | None, bool]:
    """Remember who stands behind a number, None for nobody; whoever is chosen has the number from now on.

    Returns what was chosen before, as a row of no session, and whether the person got the number just now."""
    known = db.session.get(NumberChoice, number)
    before = NumberChoice(number=number, person_id=known.person_id, by_id=known.by_id) if known else None
    if known is None:
        known = NumberChoice(number=number)
        db.session.add(known)
    known.person_id, known.by_id, known.created_at = person.id if person else None, by.id, clock.now()
    is_added = person is not None and number not in {one.number for one in person.numbers}
    if person is not None and is_added:
        person.numbers.append(PhoneNumber(number=number, position=len(person.numbers)))
        person.updated_at = clock.now()
    return before, is_added
