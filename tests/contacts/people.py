"""Contacts that tests find again."""

from __future__ import annotations

from voipcrm.contacts.models import EmailAddress, Organization, Person, PhoneNumber
from voipcrm.core.db import db


def contact(
    name: str, company: str = "", *, numbers: tuple[str, ...] = (), emails: tuple[str, ...] = (), **more: object
) -> Person:
    """A committed contact; numbers are E.164."""
    person = Person(
        name=name,
        organization=Organization.named(company),
        numbers=[PhoneNumber(number=one, position=at) for at, one in enumerate(numbers)],
        emails=[EmailAddress(address=one, position=at) for at, one in enumerate(emails)],
        **more,
    )
    db.session.add(person)
    db.session.commit()
    return person
