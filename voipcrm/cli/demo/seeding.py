"""Put the demo's people, contacts, lines, routes and a trunk into an empty house, once."""

from __future__ import annotations

from urllib.parse import urlsplit

import sqlalchemy as sa

from voipcrm.accounts import audit
from voipcrm.accounts.models import Presence, Role, Team, User, is_password
from voipcrm.calls.trunking import make_channels
from voipcrm.cli.demo import cast
from voipcrm.contacts.models import EmailAddress, Organization, Person, PhoneNumber
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.routes.models import ringing
from voipcrm.trunks.models import Line, Trunk


def seed_once() -> bool:
    """Seed a house without people; False and nothing changed where there are some.

    People are never deleted, so a house that was seeded once stays as its people made it."""
    if not settings.is_sandbox or db.session.scalars(sa.select(User.id).limit(1)).first() is not None:
        return False
    people = _people()
    _lines_and_routes(people)
    _trunk()
    _contacts(people)
    db.session.flush()
    return True


def logins() -> list[dict[str, str]]:
    """The demo people who can still sign in with the demo's password."""
    return [
        {"email": email, "password": cast.PASSWORD, "about": about}
        for email, _, _, about in cast.PEOPLE
        if User.signing_in(email, cast.PASSWORD)
    ]


def shut_out() -> list[str]:
    """Take the demo's password, which is published, from those who still have it, and sign them out everywhere. Their
    e-mails. For a house that goes live with the data of its demo; `flask users link` lets one of them in again."""
    known = [user for email, *_ in cast.PEOPLE if (user := User.of_email(email))]
    found = [user for user in known if is_password(user.password_hash, cast.PASSWORD)]
    for user in found:
        user.password_hash = ""
        user.end_sessions()
        Presence.report(user.id, "offline")
        audit.note("changed", user, by=None, before={"password": "the demo's"}, after={"password": "none"})
    return [user.email for user in found]


def _people() -> dict[str, User]:
    roles = {role.name: role for role in db.session.scalars(sa.select(Role))}
    team = Team(name=cast.TEAM)
    people = {}
    for email, name, held, _ in cast.PEOPLE:
        user = User(email=email, name=name, roles=[roles[role] for role in held], time_zone=house.default_time_zone)
        user.team = team if "agent" in held else None
        user.set_password(cast.PASSWORD)
        db.session.add(user)
        people[email] = user
    return people


def _lines_and_routes(people: dict[str, User]) -> None:
    lines = [Line(number=number, label=label) for number, label in cast.LINES]
    if settings.twilio_number not in {line.number for line in lines}:
        lines.append(Line(number=settings.twilio_number, label="Main line"))
    db.session.add_all(lines)
    for position, (index, description, rung) in enumerate(cast.ROUTES):
        line = None if index is None else lines[index]
        db.session.add(
            ringing(*(people[email] for email in rung), line=line, description=description, position=position)
        )


def _trunk() -> None:
    """One that really answers tests and takes calls: the sandbox listens for SIP where it listens for HTTP."""
    name, username, password, prefixes = cast.TRUNK
    at = urlsplit(settings.sandbox_url)
    trunk = Trunk(
        name=name,
        host=at.hostname,
        port=at.port,
        transport="udp",
        username=username,
        prefixes=prefixes,
        max_calls=2,
    )
    trunk.set_password(password)
    db.session.add(trunk)
    db.session.flush()
    make_channels(trunk)


def _contacts(people: dict[str, User]) -> None:
    owner = people[cast.PEOPLE[0][0]]
    companies: dict[str, Organization] = {}
    db.session.flush()
    for name, company, numbers, email, note in cast.CONTACTS:
        person = Person(
            name=name,
            organization=companies.setdefault(company, Organization(name=company)),
            owner_id=owner.id,
            note=note,
            numbers=[
                PhoneNumber(number=number, label=label, position=position)
                for position, (label, _, number) in enumerate(one.rpartition(" ") for one in numbers.split("; "))
            ],
            emails=[EmailAddress(address=email)] if email else [],
        )
        db.session.add(person)
