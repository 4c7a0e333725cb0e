"""What a person wants to see of the recordings: read from the address, turned into conditions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from voipcrm.calls import history
from voipcrm.calls.models import DIRECTIONS, Call
from voipcrm.core import asking
from voipcrm.recordings.models import STATES, Recording
from voipcrm.telephony.numbers import digits

ADDRESS = {"since": "from", "until": "to", "user_id": "person", "line_id": "line", "shortest": "min", "longest": "max"}


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
    number: str = ""  # part of the other party's
    shortest: int | None = None  # seconds
    longest: int | None = None

    @classmethod
    def read(cls, args: MultiDict[str, str]) -> Filters:
        return cls(
            q=args.get("q", "").strip()[:100],
            since=args.get("from", type=asking.day),
            until=args.get("to", type=asking.day),
            user_id=args.get("person", type=asking.row_id),
            line_id=args.get("line", type=asking.row_id),
            direction=_one_of(DIRECTIONS, args.get("direction")),
            state=_one_of(STATES, args.get("state")),
            number=number if len(digits(number := args.get("number", "").strip()[:40])) >= 3 else "",
            shortest=args.get("min", type=_seconds),
            longest=args.get("max", type=_seconds),
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What is set, as it stands in the address."""
        found = [(ADDRESS.get(one.name, one.name), getattr(self, one.name)) for one in fields(self)]
        lengths = {"min", "max"}
        return [
            (name, f"{value}s" if name in lengths else str(value)) for name, value in found if value not in (None, "")
        ]

    @property
    def is_set(self) -> bool:
        return self != Filters()

    def apply(self, query: sa.Select[Recording], zone: ZoneInfo) -> sa.Select[Recording]:
        """The query narrowed to what was asked for; days are days of `zone`."""
        if self.since:
            query = query.where(Recording.started_at >= asking.start_of(self.since, zone))
        if self.until:
            query = query.where(Recording.started_at < asking.start_of(self.until + timedelta(days=1), zone))
        if self.state:
            query = query.where(Recording.state == self.state)
        if self.shortest is not None:
            query = query.where(Recording.duration_seconds >= self.shortest)
        if self.longest is not None:
            query = query.where(Recording.duration_seconds <= self.longest)
        if self.user_id or self.line_id or self.direction:
            wanted = history.Filters(person=self.user_id, line=self.line_id, direction=self.direction or None)
            query = query.where(_of_one_of(wanted))
        if self.number:
            wanted = history.Filters(number=self.number)
            query = query.where(_of_one_of(wanted) if _is_fragment(self.number) else _of_few(wanted))
        if self.q:
            wanted = history.Filters(q=self.q)
            # A name or a whole number has few calls, from which it is quick to go to their recordings; a fragment may
            # have most of them, and then the newest page is soon full. The databases cannot know which.
            query = query.where(_of_one_of(wanted) if _is_fragment(self.q) else _of_few(wanted))
        return query


def _of_one_of(wanted: history.Filters) -> sa.ColumnElement[bool]:
    calls = history.filtered(sa.select(Call), wanted).where(Call.id == Recording.call_id)
    return calls.with_only_columns(Call.id).correlate(Recording).exists()


def _of_few(wanted: history.Filters) -> sa.ColumnElement[bool]:
    return Recording.call_id.in_(history.filtered(sa.select(Call), wanted).with_only_columns(Call.id))


def _is_fragment(q: str) -> bool:
    return len(digits(q)) < history.WHOLE_NUMBER_DIGITS and not any(character.isalpha() for character in q)


def _seconds(text: str) -> int:
    """1:30, 1.5 or 90s: ninety seconds; 1:00:00 is an hour. Raises ValueError."""
    text = text.strip().lower().replace(",", ".")
    if ":" in text:
        found = 0
        for part in text.split(":"):
            found = found * 60 + int(part)
    else:
        found = int(text.removesuffix("s")) if text.endswith("s") else round(float(text) * 60)
    if not 0 <= found <= 86_400:
        raise ValueError(text)
    return found


def _one_of(known: tuple[str, ...], given: str | None) -> str:
    return given if given in known else ""
