"""Sums over the calls with the outside in a period: by day, hour, line and person, and how long callers waited.

Nothing is kept ready: every number is added up from the same calls, by the same conditions, as the history lists them,
so they cannot disagree, also when word of a call comes late. Ended calls are read from an index that covers all of it
(ix_calls_figures); live ones, which are few, from theirs.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from voipcrm.accounts.models import User
from voipcrm.calls import history
from voipcrm.calls.models import Call, CallTarget
from voipcrm.calls.narrowing import Narrow, stretches
from voipcrm.calls.periods import Period
from voipcrm.calls.words import MISSED
from voipcrm.core.db import db, unix

ENDED = Call.state == sa.literal_column("'ended'")  # written out, or the partial index is not known to fit
QUARTER = 900  # seconds: every zone of today is ahead of UTC by a multiple of it
HOUR = timedelta(hours=1)
KEPT = "%Y-%m-%d %H:%M:%S.%f"  # how SQLite holds a moment


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

    @classmethod
    def of(cls, sums: Iterable[Any]) -> Figures:
        """Of a row of COLUMNS."""
        return cls(*map(int, sums))

    def __iadd__(self, other: Figures) -> Figures:
        self.incoming += other.incoming
        self.answered += other.answered
        self.missed += other.missed
        self.abandoned += other.abandoned
        self.voicemail += other.voicemail
        self.outgoing += other.outgoing
        self.talk_seconds += other.talk_seconds
        self.wait_seconds += other.wait_seconds
        return self

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


@dataclass(frozen=True, slots=True)
class Waits:
    """How long callers waited until somebody answered, whole seconds; None where nobody was answered."""

    median: int | None
    nine_in_ten: int | None  # so long at most


@dataclass(slots=True)
class Report:
    """When there were calls, and how it was before."""

    period: Period
    before: Figures  # of the period before
    waits: Waits
    days: dict[date, Figures]  # each day of the period
    total: Figures = field(default_factory=Figures)
    hours: dict[int, Figures] = field(default_factory=dict)  # those in which there were calls
    busy: dict[tuple[int, int], int] = field(default_factory=dict)  # (weekday, hour): incoming calls


@dataclass(slots=True)
class Shares:
    """Whose calls they were."""

    lines: dict[int | None, Figures]  # by id; None: calls on no line of ours
    people: dict[int, Figures]  # by id of a user


def asked_of(period: Period, *, line: int | None = None, scope: str | None = None) -> history.Filters:
    """The calls that a report is about. line, scope: as in the filters of the history."""
    return history.Filters(since=period.since, until=period.until, line=line, narrow=Narrow(outside=True, scope=scope))


def total(user: User, asked: history.Filters) -> Figures:
    """Of all these calls that this person may see."""
    found = Figures()
    for row in db.session.execute(_either(_seen(user, asked).with_only_columns(*_columns()))):
        found += Figures.of(row)
    return found


def report(user: User, period: Period, asked: history.Filters) -> Report:
    """asked: of that period."""
    earlier = replace(asked, since=period.before.since, until=period.before.until)
    days, hours, busy = {day: Figures() for day in period.days}, defaultdict[int, Figures](Figures), Counter()
    found = Report(period, total(user, earlier), _waits(user, asked), days)
    for local, figures in _by_time(user, period, asked):
        found.total += figures
        days[local.date()] += figures
        hours[local.hour] += figures
        busy[local.weekday(), local.hour] += figures.incoming
    found.hours = {hour: hours[hour] for hour in sorted(hours) if hours[hour].calls}
    found.busy = {at: count for at, count in busy.items() if count}
    return found


def shares(user: User, asked: history.Filters) -> Shares:
    """A missed call counts for each for whom it was meant, so those of all people can be more than there were."""
    lines, people = defaultdict[Any, Figures](Figures), defaultdict[int, Figures](Figures)
    keys = (Call.line_id, Call.user_id)
    query = _seen(user, asked).with_only_columns(*keys, *_columns()).group_by(*keys)
    rows: Any = db.session.execute(_either(query))
    for line_id, user_id, *sums in rows:
        figures = Figures.of(sums)
        lines[line_id] += figures
        if user_id is not None:
            people[user_id] += figures
    target = aliased(CallTarget)  # whose calls one may see asks this table too
    meant = _seen(user, asked).join(target, target.call_id == Call.id)
    meant = meant.where(ENDED, Call.direction == "inbound", Call.outcome.in_((*MISSED, "voicemail")))
    meant = meant.with_only_columns(target.user_id, *_columns()).group_by(target.user_id)
    for user_id, *sums in db.session.execute(meant):
        people[user_id] += Figures.of(sums)
    return Shares(dict(lines), dict(people))


def _seen(user: User, asked: history.Filters) -> sa.Select[Any]:
    return history.filtered(Call.visible_to(user), asked)


def _either(query: Any) -> Any:
    """Of ended calls, and of live ones: each from its own index."""
    return sa.union_all(query.where(ENDED), query.where(~ENDED))


def _columns() -> list[sa.ColumnElement[int]]:
    """One for each of Figures."""
    came_in = Call.direction == "inbound"
    answered = came_in & (Call.outcome == "answered")
    counted = [came_in, answered, *(came_in & (Call.outcome == one) for one in ("missed", "abandoned", "voicemail"))]
    wait = sa.func.sum(unix(Call.answered_at) - unix(Call.started_at)).filter(answered)
    return [
        *(sa.func.count().filter(one) for one in (*counted, Call.direction == "outbound")),
        sa.func.coalesce(sa.func.sum(Call.talk_seconds), 0),
        sa.func.coalesce(wait, 0),
    ]


def _by_time(user: User, period: Period, asked: history.Filters) -> Iterator[tuple[datetime, Figures]]:
    """Figures of stretches of time that lie in one hour of a day as its clocks show it, with a moment of each."""
    ahead = {one for *_, one in stretches(period.since, period.until, period.zone)}
    unit = QUARTER if any(one % HOUR.total_seconds() for one in ahead) else 3_600
    slot = (unix(Call.started_at) // unit).label("slot")
    query = _seen(user, asked).with_only_columns(slot, *_columns()).group_by(sa.literal_column("slot"))
    is_hashed = db.engine.dialect.name == "postgresql"
    for at, *sums in db.session.execute(_either(query) if is_hashed else query.where(~ENDED)):
        yield datetime.fromtimestamp(at * unit, period.zone), Figures.of(sums)
    if not is_hashed:
        yield from _hour_by_hour(user, period, asked)


def _hour_by_hour(user: User, period: Period, asked: history.Filters) -> Iterator[tuple[datetime, Figures]]:
    """SQLite groups by sorting, which takes four times as long as to walk the index an hour at a time. `asked` must not
    say its days here, or it would seek those for each hour."""
    hours = list(_hours(period))
    each = sa.func.json_each(json.dumps([(one.strftime(KEPT), end.strftime(KEPT)) for one, end in hours]))
    each = each.table_valued("key", "value")
    begins, ends = (sa.type_coerce(each.c.value.op("->>")(at), Call.started_at.type) for at in (0, 1))
    within = _seen(user, replace(asked, since=None, until=None)).where(ENDED)
    within = within.where(Call.started_at >= begins, Call.started_at < ends)
    sums = within.with_only_columns(sa.func.json_array(*_columns())).correlate(each).scalar_subquery()
    for at, text in db.session.execute(sa.select(each.c.key, sa.type_coerce(sums, sa.Text))):
        yield hours[at][0].astimezone(period.zone), Figures.of(json.loads(text))


def _hours(period: Period) -> Iterator[tuple[datetime, datetime]]:
    """(begin, end) in UTC of each hour, as the clocks show it; a change of the clocks can cut one."""
    for at, end, ahead in stretches(period.since, period.until, period.zone):
        begins = at
        while begins < end:
            into = (begins.timestamp() + ahead) % HOUR.total_seconds()
            stops = min(begins + HOUR - timedelta(seconds=into), end)
            yield begins.astimezone(UTC), stops.astimezone(UTC)
            begins = stops


def _waits(user: User, asked: history.Filters) -> Waits:
    answered = _seen(user, replace(asked, direction="inbound", outcome="answered"))
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
