"""What a person wants to see of the recordings: read from the address, turned into conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from voipcrm.calls.history import start_of
from voipcrm.calls.models import DIRECTIONS, Call
from voipcrm.contacts.models import Person
from voipcrm.contacts.searching import page_of_persons
from voipcrm.recordings.models import STATES, Recording

NAMED_AT_MOST = 200  # persons whom a search for a name may stand for


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters that are set. A value that makes no sense counts as not set, so that every address shows a page."""

    q: str = ""
    since: date | None = None
    until: date | None = None  # that day included
    user_id: int | None = None
    line_id: int | None = None
    direction: str = ""
    state: str = ""

    @classmethod
    def read(cls, args: MultiDict[str, str]) -> Filters:
        return cls(
            q=args.get("q", "").strip()[:100],
            since=args.get("from", type=_day),
            until=args.get("to", type=_day),
            user_id=args.get("person", type=_row_id),
            line_id=args.get("line", type=_row_id),
            direction=_one_of(DIRECTIONS, args.get("direction")),
            state=_one_of(STATES, args.get("state")),
        )

    @property
    def is_set(self) -> bool:
        return self != Filters()

    def apply(self, query: sa.Select[Recording], zone: ZoneInfo) -> sa.Select[Recording]:
        """The query narrowed to what was asked for; days are days of `zone`."""
        of_call: list[Any] = []
        if self.since:
            query = query.where(Recording.started_at >= start_of(self.since, zone))
        if self.until:
            query = query.where(Recording.started_at < start_of(self.until + timedelta(days=1), zone))
        if self.state:
            query = query.where(Recording.state == self.state)
        if self.user_id is not None:
            of_call.append(sa.or_(Call.user_id == self.user_id, Call.other_user_id == self.user_id))
        if self.line_id is not None:
            of_call.append(Call.line_id == self.line_id)
        if self.direction:
            of_call.append(Call.direction == self.direction)
        if self.q:
            of_call.append(_matches(self.q))
        return query.where(Recording.call.has(sa.and_(*of_call))) if of_call else query


def _matches(q: str) -> Any:
    """Part of a number, or of a person's name."""
    digits = re.sub(r"\D", "", q)
    if len(digits) >= 3 and not re.search(r"[^\W\d_]", q):
        return Call.peer_number.contains(digits, autoescape=True)
    people = page_of_persons(sa.select(Person), q, size=NAMED_AT_MOST).rows
    return Call.person_id.in_([person.id for person in people])


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not 1990 <= day.year <= 2200:
        raise ValueError(text)
    return day


def _row_id(text: str) -> int:
    value = int(text)
    if not 0 < value < 2**31:
        raise ValueError(text)
    return value


def _one_of(known: tuple[str, ...], given: str | None) -> str:
    return given if given in known else ""
