"""The call history: its filters, each an indexed condition, all of them in the address of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from voipcrm.calls.models import DIRECTIONS, OUTCOMES, Call
from voipcrm.core.pages import viewer_zone
from voipcrm.telephony.numbers import digits

SHORTEST_FRAGMENT = 3


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the viewer asked for; None where they did not. Days are whole days in the viewer's zone, ends included."""

    since: date | None = None
    until: date | None = None
    person: int | None = None  # a user of ours
    line: int | None = None
    direction: str | None = None
    outcome: str | None = None
    number: str | None = None  # digits of the other party
    contact: int | None = None
    recorded: bool | None = None

    @classmethod
    def of(cls, args: Mapping[str, str]) -> Filters:
        """Read from an address; what is malformed counts as not asked."""
        number = digits(args.get("number", ""))
        return cls(
            since=_day(args.get("since")),
            until=_day(args.get("until")),
            person=_whole(args.get("person")),
            line=_whole(args.get("line")),
            direction=_one_of(args.get("direction"), DIRECTIONS),
            outcome=_one_of(args.get("outcome"), (*OUTCOMES, "live")),
            number=number if len(number) >= SHORTEST_FRAGMENT else None,
            contact=_whole(args.get("contact")),
            recorded=True if args.get("recorded") == "yes" else None,
        )

    @property
    def any(self) -> bool:
        return any(getattr(self, one.name) is not None for one in fields(self))


def filtered(query: sa.Select[tuple[Call]], wanted: Filters) -> sa.Select[tuple[Call]]:
    """The calls of `query` that pass all filters."""
    conditions: list[sa.ColumnElement[bool]] = []
    zone = viewer_zone()
    if wanted.since:
        conditions.append(Call.started_at >= start_of(wanted.since, zone))
    if wanted.until:
        conditions.append(Call.started_at < start_of(wanted.until + timedelta(days=1), zone))
    if wanted.person is not None:
        conditions.append(sa.or_(Call.user_id == wanted.person, Call.other_user_id == wanted.person))
    if wanted.line is not None:
        conditions.append(Call.line_id == wanted.line)
    if wanted.direction:
        conditions.append(Call.direction == wanted.direction)
    if wanted.outcome == "live":
        conditions.append(Call.state != "ended")
    elif wanted.outcome:
        conditions.append(Call.outcome == wanted.outcome)
    if wanted.number:
        conditions.append(Call.peer_number.contains(wanted.number, autoescape=True))
    if wanted.contact is not None:
        conditions.append(Call.person_id == wanted.contact)
    if wanted.recorded:
        conditions.append(Call.has_recording)
    return query.where(*conditions)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The moment a day begins in a zone, in UTC; right also where a clock change skips midnight."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if date(1990, 1, 1) <= day <= date(2200, 1, 1) else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def _one_of(text: str | None, allowed: tuple[str, ...]) -> str | None:
    return text if text in allowed else None
