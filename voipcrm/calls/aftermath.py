"""What an ended call leaves to be done: a wrap-up for the agent who talked, or a number to call back.

At most one statement for a call, in the transaction in which the ledger sees its end; both may run again."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from voipcrm.calls.missed import MissedCall
from voipcrm.calls.models import Call, CallTarget
from voipcrm.calls.states import CallState
from voipcrm.calls.words import MISSED
from voipcrm.calls.wrapping_up import WrapUp, WrapUpPolicy
from voipcrm.core import clock
from voipcrm.core.db import insert
from voipcrm.core.prepared import Connection, Prepared

calls, wrap_ups, policy, missed_calls, targets = (
    cast(sa.Table, model.__table__) for model in (Call, WrapUp, WrapUpPolicy, MissedCall, CallTarget)
)


def _wrap_up() -> Any:
    """Nothing where the house has turned it off."""
    moment = wrap_ups.c.began_at.type
    row = sa.select(
        bindparam("call_id", type_=sa.Integer()),
        bindparam("user_id", type_=sa.Integer()),
        bindparam("began_at", type_=moment),
        bindparam("now", type_=moment),
        policy.c.limit_seconds,
        sa.literal_column("''"),
        sa.literal_column("''"),
    ).where(policy.c.is_on)
    columns = ["call_id", "user_id", "began_at", "created_at", "limit_seconds", "note", "follow_up"]
    statement = insert(wrap_ups).from_select(columns, row, include_defaults=False)
    return statement.on_conflict_do_nothing(index_elements=["call_id", "user_id"])


def _missed() -> Any:
    """Its owner is the one person whom the route named; of several nobody is, until one takes it."""
    only = sa.func.min(targets.c.user_id)
    only_one = sa.select(sa.case((sa.func.count() == sa.literal_column("1"), only)))
    owner = only_one.where(targets.c.call_id == calls.c.id).correlate(calls).scalar_subquery()
    row = sa.select(
        calls.c.peer_number,
        calls.c.id,
        sa.literal_column("1"),
        calls.c.started_at,
        calls.c.started_at,
        owner,
        bindparam("now", type_=calls.c.started_at.type),
    ).where(calls.c.id == bindparam("call_id"), calls.c.peer_number.is_not(None))
    columns = ["number", "call_id", "times", "first_at", "latest_at", "owner_id", "created_at"]
    statement = insert(missed_calls).from_select(columns, row, include_defaults=False)
    return statement.on_conflict_do_update(
        index_elements=["number"],
        index_where=sa.text("done_at IS NULL"),
        set_={
            "call_id": statement.excluded.call_id,
            "times": missed_calls.c.times + sa.literal_column("1"),
            "latest_at": statement.excluded.latest_at,
            "owner_id": sa.func.coalesce(missed_calls.c.owner_id, statement.excluded.owner_id),
        },
        # Not when word of the same call comes once more, nor for one that is older than what is known.
        where=statement.excluded.latest_at > missed_calls.c.latest_at,
    )


_WRAP_UP, _MISSED = Prepared(_wrap_up), Prepared(_missed)


def write(connection: Connection, call: Any, state: CallState) -> None:
    """For a call that has just come to this outcome. call: a row with id, direction and user_id."""
    if state.outcome == "answered" and call.direction != "internal":
        agent = state.answered_by if call.direction == "inbound" else call.user_id
        if agent is not None:
            given = {"call_id": call.id, "user_id": agent, "began_at": state.ended_at, "now": clock.now()}
            _WRAP_UP.run(connection, given)
    elif state.outcome in MISSED and call.direction == "inbound":
        _MISSED.run(connection, {"call_id": call.id, "now": clock.now()})
