"""The call history: its filters, each an indexed condition, all of them in the address of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask_login import current_user

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.calls import peers
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.models import DIRECTIONS, OUTCOMES, Call
from voipcrm.calls.narrowing import Narrow
from voipcrm.calls.words import MISSED
from voipcrm.contacts.models import Person
from voipcrm.contacts.searching import first_ids
from voipcrm.core import asking
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.core.pages import viewer_zone
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import NumberInvalid
from voipcrm.trunks.models import Line

T = TypeVar("T")
SHORTEST_FRAGMENT = 3
WHOLE_NUMBER_DIGITS = 10  # from here on a number is taken for a whole one if it can be: that needs no scan
NAMED_AT_MOST = 200  # persons whom a search for a name may stand for
ASKED_OUTCOMES = (*OUTCOMES, "unanswered", "live")  # unanswered: missed or abandoned
NOBODYS = ("unanswered", "voicemail", *MISSED)  # outcomes of calls that nobody handled


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the viewer asked for; None where they did not. Days are whole days in the viewer's zone, ends included."""

    since: date | None = None
    until: date | None = None
    person: int | None = None  # a user of ours
    line: int | None = None
    direction: str | None = None
    outcome: str | None = None
    q: str | None = None  # part of the other party's name or number
    number: str | None = None  # part of their number
    contact: int | None = None
    recorded: bool | None = None
    logged: bool | None = None  # by hand
    disposition: int | None = None  # 0: calls that were talked on and have none
    narrow: Narrow | None = None  # what only the numbers of analytics ask for

    @classmethod
    def of(cls, args: Mapping[str, str]) -> Filters:
        """Read from an address; what is malformed counts as not asked."""
        q, number = args.get("q", "").strip()[:100], args.get("number", "").strip()[:100]
        return cls(
            since=_read(args, "since", asking.day),
            until=_read(args, "until", asking.day),
            person=_read(args, "person", asking.row_id),
            line=_read(args, "line", asking.row_id),
            direction=_one_of(args.get("direction"), DIRECTIONS),
            outcome=_one_of(args.get("outcome"), ASKED_OUTCOMES),
            q=q or None,
            number=number if len(numbers.digits(number)) >= SHORTEST_FRAGMENT else None,
            contact=_read(args, "contact", asking.row_id),
            recorded={"yes": True, "no": False}.get(args.get("recorded", "")),
            logged={"yes": True, "no": False}.get(args.get("logged", "")),
            disposition=0 if args.get("disposition") == "none" else _read(args, "disposition", asking.row_id),
            narrow=Narrow.of(args),
        )

    @property
    def any(self) -> bool:
        return any(getattr(self, one.name) is not None for one in fields(self))


def filtered(
    query: sa.Select[Call], wanted: Filters, zone: ZoneInfo | None = None, *, viewer: User | None = None
) -> sa.Select[Call]:
    """The calls of `query` that pass all filters. zone, viewer: whose days and whose own calls; without them, those of
    who is signed in."""
    zone = zone or viewer_zone()
    conditions = list(asking.within(Call.started_at, wanted.since, wanted.until, zone))
    if wanted.person is not None:
        conditions.append(sa.or_(*of_person(wanted.person, wanted.outcome)))
    for column, value in (
        (Call.line_id, wanted.line),
        (Call.direction, wanted.direction),
        (Call.person_id, wanted.contact),
        (Call.is_by_hand, wanted.logged),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.recorded is not None:  # as a word of the statement, by which the index is known to hold them
        conditions.append(Call.has_recording == (sa.true() if wanted.recorded else sa.false()))
    if wanted.narrow:
        conditions.extend(wanted.narrow.conditions(wanted.since, wanted.until, zone, viewer or current_user))
    if wanted.number:
        conditions.append(_has_number(wanted.number))
    if wanted.q:
        conditions.append(_has_number(wanted.q) if _reads_as_number(wanted.q) else _has_name(wanted.q))
    return query.where(*conditions, *_came_to(wanted))


def _came_to(wanted: Filters) -> Iterator[sa.ColumnElement[bool]]:
    """What came of it: for the network and for the people."""
    if wanted.outcome == "live":
        yield Call.state != "ended"
    elif wanted.outcome == "unanswered":
        yield Call.outcome.in_(MISSED)
    elif wanted.outcome:
        yield Call.outcome == wanted.outcome
    if wanted.disposition:
        yield Call.disposition_id == wanted.disposition
    elif wanted.disposition == 0:
        yield sa.and_(Call.disposition_id.is_(None), Call.outcome == "answered")


def _meant_for(person: int) -> list[sa.ColumnElement[bool]]:
    return [Call.is_meant_for([person])]


def of_person(
    person: int, outcome: str | None, *, meant_for: Callable[[int], list[sa.ColumnElement[bool]]] = _meant_for
) -> list[sa.ColumnElement[bool]]:
    """Each condition by which a call of this outcome is this person's: one of them has to be met. meant_for: how to say
    for whom a call was meant."""
    theirs: list[sa.ColumnElement[bool]] = [Call.user_id == person, Call.other_user_id == person]
    # Nobody handled a missed call, so there it counts for whom it was meant. Not elsewhere: it has no index.
    return [*theirs, *meant_for(person)] if outcome in NOBODYS else theirs


def choices(user: User, wanted: Filters) -> dict[str, list[tuple[int, str]]]:
    """What the filters can be set to, by name: (id, label) of each `line`, of each `person` whose calls this user may
    see (nobody for those who see only their own), of each `disposition`, and of the `contact` that is asked for. One
    statement, which also finds the numbers for `filtered`."""
    kinds: list[sa.Select[Any, Any, Any]] = [
        sa.select(sa.literal("line").label("kind"), Line.id, Line.label.label("label")),
        sa.select(sa.literal("disposition"), Disposition.id, Disposition.name),
    ]
    people = sa.select(sa.literal("person"), User.id, User.name)
    if user.may(Can.VIEW_ALL_CALLS):
        kinds.append(people)
    elif user.may(Can.VIEW_TEAM_CALLS) and user.team_id is not None:
        kinds.append(people.where(User.team_id == user.team_id))
    if wanted.contact is not None:
        one = Person.visible_to(user).where(Person.id == wanted.contact)
        kinds.append(one.with_only_columns(sa.literal("contact"), Person.id, Person.name))
    part = _part_of_number(wanted)
    if part:
        those = peers.of_part(part).subquery()
        kinds.append(sa.select(sa.literal("number"), those.c.id, those.c.number))
    found: dict[str, list[tuple[int, str]]] = {
        kind: [] for kind in ("line", "person", "disposition", "contact", "number")
    }
    for kind, row_id, label in db.session.execute(sa.union_all(*kinds)):
        found[kind].append((row_id, label))
    having = found.pop("number")
    if part:
        peers.remember(part, [number for _, number in having])
    for options in found.values():
        options.sort(key=lambda option: option[1].casefold())
    return found


def _reads_as_number(text: str) -> bool:
    return len(numbers.digits(text)) >= SHORTEST_FRAGMENT and not any(character.isalpha() for character in text)


def _part_of_number(wanted: Filters) -> str | None:
    text = wanted.number or (wanted.q if wanted.q and _reads_as_number(wanted.q) else None)
    return _fragment(text) if text else None


def _has_number(text: str) -> sa.ColumnElement[bool]:
    fragment = _fragment(text)
    return peers.having(fragment) if fragment else Call.peer_number == numbers.parse(text, house.default_country)


def _fragment(text: str) -> str | None:
    """The digits to look for in numbers; None for a whole number."""
    fragment = numbers.digits(text)
    if len(fragment) >= WHOLE_NUMBER_DIGITS:
        try:
            numbers.parse(text, house.default_country)
        except NumberInvalid:
            pass  # it may still be a part of one
        else:
            return None
    # Numbers are kept with their country code: the 0 that is dialled before an area code is not in them.
    return fragment.lstrip("0") or fragment


def _has_name(text: str) -> sa.ColumnElement[bool]:
    return Call.person_id.in_(sa.select(first_ids(text, NAMED_AT_MOST).subquery()))


def _read(args: Mapping[str, str], name: str, read: Callable[[str], T]) -> T | None:
    try:
        return read(args.get(name, ""))
    except ValueError:
        return None


def _one_of(text: str | None, allowed: tuple[str, ...]) -> str | None:
    return text if text in allowed else None
