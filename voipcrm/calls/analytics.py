"""Sums over the calls with the outside in a period: by day, hour, line and person, and how long callers waited.

Nothing is kept ready: every number is added up from the same calls, by the same conditions, as the history lists them,
so they cannot disagree. Ended calls are read from an index that covers all of it (ix_calls_figures).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from voipcrm.accounts.models import User
from voipcrm.calls import history
from voipcrm.calls.models import Call, CallTarget
from voipcrm.calls.narrowing import Narrow
from voipcrm.calls.periods import Period
from voipcrm.core.db import db, unix

ENDED = Call.state == sa.literal_column("'ended'")  # written out, or the partial index is not known to fit
QUARTER = 900  # seconds: every zone of today is ahead of UTC by a multiple of it


@dataclass(slots=True)
class Figures:
    """Counts of calls. missed: nobody answered; abandoned: the caller hung up first; voicemail: left a message.
    Waiting is that of answered incoming calls, from the first ring to the answer."""

    incoming: int = 0
    answered: int = 0
    missed: int = 0
    abandoned: int = 0
    voicemail: int = 0
    outgoing: int = 0
    talk_seconds: int = 0
    wait_seconds: int = 0

    @property
    def calls(self) -> int:
        return self.incoming + self.outgoing

    @property
    def unanswered(self) -> int:
        return self.missed + self.abandoned

    @property
    def answered_share(self) -> float | None:
        """Of the incoming calls that were answered or could have been; None where there were none."""
        could = self.answered + self.unanswered + self.voicemail
        return self.answered / could if could else None

    @property
    def average_wait(self) -> int | None:
        """Seconds."""
        return round(self.wait_seconds / self.answered) if self.answered else None

    def add(self, direction: str, outcome: str | None, count: int, talk: int, wait: int) -> None:
        self.talk_seconds += talk
        if direction == "outbound":
            self.outgoing += count
            return
        self.incoming += count
        if outcome == "answered":
            self.answered += count
            self.wait_seconds += wait
        elif outcome == "missed":
            self.missed += count
        elif outcome == "abandoned":
            self.abandoned += count
        elif outcome == "voicemail":
            self.voicemail += count


@dataclass(frozen=True, slots=True)
class Waits:
    """How long callers waited until somebody answered, whole seconds; None where nobody was answered."""

    median: int | None
    nine_in_ten: int | None  # so long at most


@dataclass(slots=True)
class Report:
    period: Period
    total: Figures
    before: Figures  # of the period before
    waits: Waits
    days: dict[date, Figures]  # each day of the period
    hours: dict[int, Figures]  # those in which there were calls
    busy: dict[tuple[int, int], int] = field(default_factory=dict)  # (weekday, hour): incoming calls
    lines: dict[int | None, Figures] = field(default_factory=dict)  # by id; None: calls on no line of ours
    people: dict[int, Figures] = field(default_factory=dict)  # by id of a user


def report(user: User, period: Period, *, line: int | None, scope: str | None) -> Report:
    """All sums of what this person may see. line, scope: as in the filters of the history."""
    asked = history.Filters(since=period.since, until=period.until, line=line, narrow=Narrow(outside=True, scope=scope))
    before = replace(asked, since=period.before.since, until=period.before.until)
    days, hours = {day: Figures() for day in period.days}, defaultdict[int, Figures](Figures)
    total, busy = Figures(), Counter[tuple[int, int]]()
    for quarter, *sums in _sums(user, asked, unix(Call.started_at) // QUARTER):
        local = datetime.fromtimestamp(quarter * QUARTER, period.zone)
        for figures in (total, days[local.date()], hours[local.hour]):
            figures.add(*sums)
        if sums[0] == "inbound":
            busy[local.weekday(), local.hour] += sums[2]
    return Report(
        period=period,
        total=total,
        before=_by(user, before, sa.literal(0)).get(0, Figures()),
        waits=_waits(user, asked),
        days=days,
        hours=dict(sorted(hours.items())),
        busy=dict(busy),
        lines=_by(user, asked, Call.line_id),
        people=_by_person(user, asked),
    )


def _by(user: User, asked: history.Filters, key: Any) -> dict[Any, Figures]:
    found = defaultdict[Any, Figures](Figures)
    for value, *sums in _sums(user, asked, key):
        found[value].add(*sums)
    return dict(found)


def _by_person(user: User, asked: history.Filters) -> dict[int, Figures]:
    """A missed call counts for each for whom it was meant, so those of all people can be more than there were."""
    found = defaultdict[int, Figures](Figures)
    for user_id, *sums in _sums(user, asked, Call.user_id):
        if user_id is not None:
            found[user_id].add(*sums)
    target = aliased(CallTarget)
    columns = (target.user_id, Call.outcome, sa.func.count())
    for outcome in ("unanswered", "voicemail"):
        nobodys = history.filtered(Call.visible_to(user), replace(asked, outcome=outcome, direction="inbound"))
        meant = nobodys.join(target, target.call_id == Call.id).with_only_columns(*columns)
        for user_id, came_to, count in db.session.execute(meant.group_by(target.user_id, Call.outcome)):
            found[user_id].add("inbound", came_to, count, 0, 0)
    return dict(found)


def _sums(user: User, asked: history.Filters, key: Any) -> Iterator[tuple[Any, ...]]:
    """(key, direction, outcome, calls, talk seconds, wait seconds) of ended calls, then of live ones."""
    wait = sa.case((Call.outcome == "answered", unix(Call.answered_at) - unix(Call.started_at)), else_=0)
    columns = (
        key.label("key"),
        Call.direction,
        Call.outcome,
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(Call.talk_seconds), 0),
        sa.func.coalesce(sa.func.sum(wait), 0),
    )
    query = history.filtered(Call.visible_to(user), asked).with_only_columns(*columns)
    query = query.group_by(sa.literal_column("key"), Call.direction, Call.outcome)
    for part in (query.where(ENDED), query.where(~ENDED)):
        for row in db.session.execute(part):
            yield row[0], row[1], row[2], int(row[3]), int(row[4]), int(row[5])


def _waits(user: User, asked: history.Filters) -> Waits:
    answered = history.filtered(Call.visible_to(user), replace(asked, direction="inbound", outcome="answered"))
    wait = (unix(Call.answered_at) - unix(Call.started_at)).label("wait")
    columns = (wait, sa.func.count())
    counted = answered.where(ENDED, Call.answered_at.is_not(None)).with_only_columns(*columns).group_by("wait")
    found = sorted((int(seconds), count) for seconds, count in db.session.execute(counted))
    return Waits(_at_share(found, 0.5), _at_share(found, 0.9))


def _at_share(found: list[tuple[int, int]], share: float) -> int | None:
    """The least value that so much of all reach or stay below; found: (value, how often), rising."""
    wanted, seen = share * sum(count for _, count in found), 0
    for value, count in found:
        seen += count
        if seen >= wanted:
            return value
    return None
