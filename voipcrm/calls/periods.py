"""Spans of whole days in somebody's time zone: what a report is about, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

MOST_DAYS = 400
USUAL = "28d"
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of `since` to the end of `until` as the clocks of `zone` show them. A day with a change of the
    clocks has 23 or 25 hours."""

    since: date
    until: date
    zone: ZoneInfo

    @property
    def length(self) -> int:
        """Days."""
        return (self.until - self.since).days + 1

    @property
    def days(self) -> list[date]:
        return [self.since + A_DAY * at for at in range(self.length)]

    @property
    def before(self) -> Period:
        """As many days, right before it."""
        return Period(self.since - A_DAY * self.length, self.since - A_DAY, self.zone)


def _month(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - A_DAY


# name: (words, (since, until) given today). "This month" ends today, so that the month before is not compared with days
# that are yet to come.
PRESETS: dict[str, tuple[str, Callable[[date], tuple[date, date]]]] = {
    "today": ("Today", lambda today: (today, today)),
    "yesterday": ("Yesterday", lambda today: (today - A_DAY, today - A_DAY)),
    "7d": ("Last 7 days", lambda today: (today - 6 * A_DAY, today)),
    "28d": ("Last 28 days", lambda today: (today - 27 * A_DAY, today)),
    "month": ("This month", lambda today: (today.replace(day=1), today)),
    "last-month": ("Last month", lambda today: _month(today.replace(day=1) - A_DAY)),
}


def preset(name: str, *, today: date, zone: ZoneInfo) -> Period:
    """One of PRESETS. Raises KeyError."""
    since, until = PRESETS[name][1](today)
    return Period(since, until, zone)


def problem_of(since: date, until: date) -> str | None:
    """Why these days cannot be reported on, as a sentence; None when they can."""
    if until < since:
        return "The last day is before the first. Exchange them."
    if (until - since).days >= MOST_DAYS:
        return f"Choose at most {MOST_DAYS} days."
    return None
