"""Values as people leave them in the address of a page: read strictly, so that nonsense can count as not asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa


def day(text: str) -> date:
    """An ISO date of 1990 to 2200. Raises ValueError."""
    read = date.fromisoformat(text)
    if not 1990 <= read.year <= 2200:
        raise ValueError(text)
    return read


def row_id(text: str) -> int:
    """A number that can be the id of a row. Raises ValueError."""
    value = int(text)
    if not 0 < value < 2**31:
        raise ValueError(text)
    return value


def start_of(begun: date, zone: ZoneInfo) -> datetime:
    """The moment a day begins in a zone, in UTC; right also where a clock change skips midnight."""
    return datetime.combine(begun, time(), zone).astimezone(UTC)


def end_of(ended: date, zone: ZoneInfo) -> datetime:
    """The first moment that is no longer in a day of a zone, in UTC."""
    return start_of(ended + timedelta(days=1), zone)


def within(at: Any, since: date | None, until: date | None, zone: ZoneInfo) -> Iterator[sa.ColumnElement[bool]]:
    """That the moment in the column `at` lies on one of these days of a zone, both included; None is no bound."""
    if since:
        yield at >= start_of(since, zone)
    if until:
        yield at < end_of(until, zone)
