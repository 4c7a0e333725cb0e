"""The numbers of a day: of what went through the house. Calls logged by hand count nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.calls.words import MISSED
from voipcrm.core.db import db


@dataclass(frozen=True, slots=True)
class Day:
    """Counts of calls since a moment. taken: incoming ones that were answered. placed: outgoing, answered or not."""

    taken: int
    missed: int
    placed: int
    talk_seconds: int


def day(user: User, since: datetime) -> Day:
    """The numbers of the calls this person may see, since that moment."""

    def count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

    came_in = Call.direction == "inbound"
    numbers = (
        count(came_in & (Call.outcome == "answered")),
        count(came_in & Call.outcome.in_(MISSED)),
        count(Call.direction == "outbound"),
        sa.func.coalesce(sa.func.sum(Call.talk_seconds), 0),
    )
    query = Call.visible_to(user).where(Call.started_at >= since, ~Call.is_by_hand).with_only_columns(*numbers)
    return Day(*(int(value) for value in db.session.execute(query).one()))
