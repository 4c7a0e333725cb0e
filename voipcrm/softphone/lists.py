"""Whom one can call from the dock: colleagues, contacts, and the other ends of one's own last calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from voipcrm.accounts.models import PRESENCE_EXPIRES, Presence, User
from voipcrm.accounts.permissions import Can
from voipcrm.calls.models import Call, Leg
from voipcrm.calls.wrapping_up import wrapping_up_now
from voipcrm.contacts.folding import folded, patterns, search_text
from voipcrm.contacts.models import Person
from voipcrm.contacts.searching import page_of_persons
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.telephony import numbers

WRAPPING_UP = "wrapping up"  # available, but for a call that they still wrap up
PRESENCES = ("available", WRAPPING_UP, *Presence.STATES[1:])
MOST_COLLEAGUES = 10
MOST_CONTACTS = 25
MOST_CALLS = 25
MOST_RINGS = 200  # how far back a missed call is looked for among those that rang here


@dataclass(frozen=True, kw_only=True)
class Callee:
    """A row of the Contacts tab: a colleague (user_id, presence) or one number of a contact (number, contact_id)."""

    name: str
    detail: str = ""
    number: str | None = None  # E.164
    contact_id: int | None = None
    user_id: int | None = None
    presence: str | None = None  # one of PRESENCES


@dataclass(frozen=True, kw_only=True)
class PastCall:
    """A row of the Recent tab, as this viewer saw the call: direction is outbound or inbound."""

    name: str
    number: str | None  # E.164; None for colleagues and withheld numbers
    contact_id: int | None
    user_id: int | None  # of the colleague
    direction: str
    outcome: str | None
    at: datetime
    seconds: int


def colleagues(viewer: User, query: str) -> list[Callee]:
    """Those who take calls and match, who is at the phone first. Three statements."""
    people = (
        sa.select(User, Presence.state, Presence.seen_at)
        .outerjoin(Presence, Presence.user_id == User.id)
        .where(User.deactivated_at.is_(None), User.id != viewer.id)
        .options(selectinload(User.roles))
    )
    wanted, oldest = patterns(query), clock.now() - PRESENCE_EXPIRES
    found: list[Callee] = []
    occupied = wrapping_up_now()
    for user, state, seen_at in db.session.execute(people):
        text = search_text(name=user.name, emails=[user.email])
        if user.may(Can.RECEIVE_CALLS) and all(any(one in text for one in group) for group in wanted):
            is_fresh = seen_at is not None and seen_at > oldest
            presence = state if is_fresh else "offline"
            if presence == "available" and user.id in occupied:
                presence = WRAPPING_UP
            found.append(Callee(name=user.name, user_id=user.id, presence=presence))
    found.sort(key=lambda one: (PRESENCES.index(one.presence or "offline"), folded(one.name), one.user_id))
    return found[:MOST_COLLEAGUES]


def contacts(viewer: User, query: str) -> list[Callee]:
    """Those who match, by name, with one row for each number. One statement."""
    reachable = Person.visible_to(viewer).where(Person.numbers.any())
    page = page_of_persons(reachable, query, size=MOST_CONTACTS)
    return [row for person in page.rows for row in _numbers_of(person)]


def _numbers_of(person: Person) -> Iterator[Callee]:
    for one in person.numbers:
        shown = numbers.display(one.number, house.default_country)
        beside = one.label_text if len(person.numbers) > 1 else person.company
        detail = f"{shown} · {beside}" if beside else shown
        yield Callee(name=person.name, detail=detail, number=one.number, contact_id=person.id)


def recent_calls(viewer: User) -> list[PastCall]:
    """The viewer's own last calls, newest first: placed, answered, or missed here. One statement.

    Each of the three comes from its own index and stops early; together they would be a walk over all calls."""
    newest = (Call.started_at.desc(), Call.id.desc())
    ended = sa.select(Call.id).where(Call.state == "ended").order_by(*newest).limit(MOST_CALLS)
    rang = sa.select(Leg.call_id).where(Leg.user_id == viewer.id).order_by(Leg.call_id.desc()).limit(MOST_RINGS)
    rang_here = rang.subquery()
    nobody_answered = (
        sa.select(Call.id)
        .join(rang_here, rang_here.c.call_id == Call.id)
        .where(Call.state == "ended", Call.user_id.is_(None))
        .order_by(rang_here.c.call_id.desc())
        .limit(MOST_CALLS)
    )
    own = sa.union(
        sa.select(ended.where(Call.user_id == viewer.id).subquery()),
        sa.select(ended.where(Call.other_user_id == viewer.id).subquery()),
        sa.select(nobody_answered.subquery()),
    )
    query = Call.with_names(sa.select(Call)).where(Call.id.in_(sa.select(own.subquery())))
    return [_as_seen_by(viewer, call) for call in db.session.scalars(query.order_by(*newest).limit(MOST_CALLS))]


def _as_seen_by(viewer: User, call: Call) -> PastCall:
    is_internal, is_called = call.direction == "internal", call.other_user_id == viewer.id
    colleague = (call.user if is_called else call.other_user) if is_internal else None
    return PastCall(
        name=colleague.name if colleague else call.person.name if call.person else "",
        number=call.peer_number,
        contact_id=call.person_id,
        user_id=colleague.id if colleague else None,
        direction=("inbound" if is_called else "outbound") if is_internal else call.direction,
        outcome=call.outcome,
        at=call.started_at,
        seconds=call.talk_seconds,
    )
