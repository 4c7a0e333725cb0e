"""Missed calls that nobody has returned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.calls.words import MISSED
from voipcrm.core import clock

RETURN_WITHIN = timedelta(days=14)  # older ones are history; it also bounds what a page of few rows looks through


@dataclass(frozen=True, slots=True)
class Missed:
    """The latest missed call of a number, and how many there are of it in the list at hand."""

    call: Call
    times: int


def to_return(user: User) -> sa.Select[Call]:
    """The missed calls that this person may see and that wait for a call back.

    One is returned once its number was called, or called again and got through. A withheld number cannot be called
    back, so it is not here; the history has it."""
    later = aliased(Call)
    got_through = sa.or_(
        sa.and_(later.direction == "outbound", later.root_sid.is_not(None)), later.outcome == "answered"
    )
    returned = sa.exists().where(later.peer_number == Call.peer_number, later.started_at > Call.started_at, got_through)
    return Call.visible_to(user).where(
        Call.direction == "inbound",
        Call.outcome.in_(MISSED),
        Call.peer_number.is_not(None),
        Call.started_at > clock.now() - RETURN_WITHIN,
        ~returned,
    )


def by_number(calls: Iterable[Call]) -> list[Missed]:
    """One entry for each number; `calls` are newest first."""
    groups: dict[str | None, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.peer_number, []).append(call)
    return [Missed(same[0], len(same)) for same in groups.values()]
