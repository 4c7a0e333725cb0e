"""Who of a step has waited longest for a call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.core.prepared import Connection, Prepared
from voipcrm.routes.models import GroupMember, RouteStep, StepPerson
from voipcrm.routes.trying import Candidate

_NEVER = datetime.min.replace(tzinfo=UTC)


def _last_calls() -> Any:
    """When the latest call that each person of the step talked on ended; an index gives it without a look at others."""
    ended = (
        sa.select(Call.ended_at)
        .where(Call.user_id == User.id, Call.answered_at.is_not(None))
        .order_by(Call.started_at.desc(), Call.id.desc())
        .limit(sa.literal_column("1"))
        .correlate(User)
        .scalar_subquery()
    )
    named = sa.select(StepPerson.user_id).where(StepPerson.step_id == sa.bindparam("step_id"))
    grouped = (
        sa.select(GroupMember.user_id)
        .join(RouteStep, RouteStep.group_id == GroupMember.group_id)
        .where(RouteStep.id == sa.bindparam("step_id"))
    )
    return sa.select(User.id, ended.label("ended_at")).where(sa.or_(User.id.in_(named), User.id.in_(grouped)))


_LAST_CALLS = Prepared(_last_calls)


def longest_idle_first(connection: Connection, step_id: int, people: list[Candidate]) -> list[Candidate]:
    """The same people: who has no call behind them first, then by the end of their last; who is on one comes last."""
    ended = {row.id: row.ended_at for row in _LAST_CALLS.rows(connection, {"step_id": step_id})}
    return sorted(people, key=lambda one: (one.is_busy, ended.get(one.user_id) or _NEVER))
