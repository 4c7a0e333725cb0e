"""What the numbers of analytics ask of the history beyond its usual filters: calls with the outside only, an hour of
the day, a day of the week, calls on no line, and fewer people than one may see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.core.asking import end_of, start_of
from voipcrm.core.db import unix

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SCOPES = {"own": "My calls", "team": "My team"}
HOUR, DAY = 3_600, 86_400  # seconds
THURSDAY = 3  # of 1 January 1970


@dataclass(frozen=True, kw_only=True)
class Narrow:
    """None where it was not asked for."""

    outside: bool | None = None  # calls that went through the house to or from somebody outside it
    no_line: bool | None = None
    hour: int | None = None  # 0 to 23, by the viewer's clock
    weekday: int | None = None  # 0 is Monday
    scope: str | None = None  # SCOPES

    @classmethod
    def of(cls, args: Mapping[str, str]) -> Narrow | None:
        """Read from an address; None if there is nothing of it."""
        found = cls(
            outside=True if args.get("outside") == "yes" else None,
            no_line=True if args.get("no_line") == "yes" else None,
            hour=_below(24, args.get("hour")),
            weekday=_below(7, args.get("weekday")),
            scope=scope if (scope := args.get("scope")) in SCOPES else None,
        )
        return None if found == cls() else found

    @property
    def args(self) -> dict[str, str]:
        """As in the address of a page."""
        set_ = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: "yes" if value is True else str(value) for name, value in set_.items() if value is not None}

    @property
    def words(self) -> str:
        """'with the outside, Mondays, from 10:00 to 11:00'"""
        told = [
            SCOPES[self.scope].lower() if self.scope else "",
            "with the outside" if self.outside else "",
            "on no line of ours" if self.no_line else "",
            f"on {WEEKDAYS[self.weekday]}s" if self.weekday is not None else "",
            f"begun from {self.hour}:00 to {self.hour}:59" if self.hour is not None else "",
        ]
        return ", ".join(filter(None, told))

    def conditions(
        self, since: date | None, until: date | None, zone: ZoneInfo, viewer: User
    ) -> Iterator[sa.ColumnElement[bool]]:
        """What a call has to meet for this viewer; hour and weekday count only where both days are given: then the
        clock of the zone is known for each moment between them."""
        if self.outside:
            yield Call.direction.in_(("inbound", "outbound"))
            yield ~Call.is_by_hand
        if self.no_line:
            yield Call.line_id.is_(None)
        if self.scope == "own":
            yield Call.of_people([viewer.id])
        elif self.scope == "team":
            yield Call.of_people(sa.select(User.id).where(User.team_id == viewer.team_id))
        if since and until and since <= until and (self.hour is not None or self.weekday is not None):
            yield sa.or_(*(self._in_stretch(*stretch) for stretch in stretches(since, until, zone)))

    def _in_stretch(self, begins: datetime, ends: datetime, offset: int) -> sa.ColumnElement[bool]:
        local: Any = unix(Call.started_at) + offset
        wanted = [Call.started_at >= begins, Call.started_at < ends]
        if self.hour is not None:
            wanted.append(local // HOUR % 24 == self.hour)
        if self.weekday is not None:
            wanted.append((local // DAY + THURSDAY) % 7 == self.weekday)
        return sa.and_(*wanted)


@lru_cache(maxsize=200)
def stretches(since: date, until: date, zone: ZoneInfo) -> tuple[tuple[datetime, datetime, int], ...]:
    """(begin, end, seconds ahead of UTC): the days cut where the clocks of the zone are changed."""
    found: list[tuple[datetime, datetime, int]] = []
    at, end = start_of(since, zone), end_of(until, zone)
    while at < end:
        stop = min(at + timedelta(days=1), end)
        if _offset(stop, zone) != _offset(at, zone):
            stop = min(_change(at, stop, zone), end)
        if found and found[-1][2] == _offset(at, zone):
            found[-1] = (found[-1][0], stop, found[-1][2])
        else:
            found.append((at, stop, _offset(at, zone)))
        at = stop
    return tuple(found)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The moment between these two at which the offset of `low` ends, to the second."""
    before = _offset(low, zone)
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    ahead = moment.astimezone(UTC).astimezone(zone).utcoffset() or timedelta()
    return round(ahead.total_seconds())


def _below(limit: int, text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 3 and int(text) < limit else None
