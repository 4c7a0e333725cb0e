"""Contacts that may be the same: they share a number, an e-mail or a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from voipcrm.contacts.models import EmailAddress, Organization, Person, PhoneNumber
from voipcrm.core.db import db

BY = {"name": "Same name", "email": "Same e-mail", "number": "Same number"}
GROUPS, MEMBERS = 20, 10  # of a page, of a group
_COLUMNS: dict[str, tuple[Any, Any]] = {  # what is the same, and the person
    "name": (Person.sort_name, Person.id),
    "email": (EmailAddress.address, EmailAddress.person_id),
    "number": (PhoneNumber.number, PhoneNumber.person_id),
}


@dataclass(frozen=True, slots=True)
class Group:
    """Persons with the same key, at most MEMBERS of them."""

    key: str
    persons: list[Person]


def groups(scope: sa.Select[Person], by: str, *, after: str = "") -> tuple[list[Group], str | None]:
    """A page of groups by key, and the key to go on after; None at the end. `by` of BY."""
    column, person_id = _COLUMNS[by]
    shared = sa.select(column).where(column > after).group_by(column).having(sa.func.count() > 1)
    keys = list(db.session.scalars(shared.order_by(column).limit(GROUPS + 1)))
    rows = db.session.execute(sa.select(column, person_id).where(column.in_(keys[:GROUPS])).order_by(person_id)).all()
    members: dict[str, list[int]] = {}
    for key, one in rows:
        members.setdefault(key, []).append(one)
    wanted = {one for some in members.values() for one in some[:MEMBERS]}
    whole = scope.where(Person.id.in_(wanted)).options(selectinload(Person.numbers), selectinload(Person.emails))
    people = {person.id: person for person in db.session.scalars(whole).unique()}
    found = [
        Group(key, [people[one] for one in members.get(key, [])[:MEMBERS] if one in people]) for key in keys[:GROUPS]
    ]
    return [group for group in found if len(group.persons) > 1], keys[GROUPS - 1] if len(keys) > GROUPS else None


def of_person(scope: sa.Select[Person], person: Person) -> list[tuple[Person, list[str]]]:
    """Others who may be this person, with what they share ("number", "e-mail", "name"), most shared first."""
    shared: dict[int, list[str]] = {}
    for (column, other), what, keys in (
        (_COLUMNS["number"], "number", [one.number for one in person.numbers]),
        (_COLUMNS["email"], "e-mail", [one.address for one in person.emails]),
        (_COLUMNS["name"], "name", [person.sort_name]),
    ):
        query = sa.select(other).where(column.in_(keys), other != person.id).distinct().limit(MEMBERS)
        for one in db.session.scalars(query) if keys else ():
            shared.setdefault(one, []).append(what)
    whole = scope.where(Person.id.in_(shared)).options(selectinload(Person.numbers))
    found = [(one, shared[one.id]) for one in db.session.scalars(whole).unique()]
    return sorted(found, key=lambda pair: (-len(pair[1]), pair[0].sort_name, pair[0].id))


def of_organization(scope: sa.Select[Organization], organization: Organization) -> list[Organization]:
    """Others with the same name; at most MEMBERS."""
    same: Any = Organization.sort_name == organization.sort_name
    others = db.session.scalars(scope.where(same, Organization.id != organization.id).limit(MEMBERS))
    return list(others)
