"""What a person wants to see of the recordings: read from the address, turned into conditions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from voipcrm.calls import history
from voipcrm.calls.models import DIRECTIONS, Call
from voipcrm.core import asking
from voipcrm.recordings.models import STATES, Recording
from voipcrm.telephony.numbers import digits


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
            since=args.get("from", type=asking.day),
            until=args.get("to", type=asking.day),
            user_id=args.get("person", type=asking.row_id),
            line_id=args.get("line", type=asking.row_id),
            direction=_one_of(DIRECTIONS, args.get("direction")),
            state=_one_of(STATES, args.get("state")),
        )

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
        if self.user_id or self.line_id or self.direction:
            wanted = history.Filters(person=self.user_id, line=self.line_id, direction=self.direction or None)
            query = query.where(_of_one_of(wanted))
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


def _one_of(known: tuple[str, ...], given: str | None) -> str:
    return given if given in known else ""
