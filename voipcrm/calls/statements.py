"""The ledger's SQL, built once. A webhook runs four or five of these, and composing a statement costs Python more than
running it costs the database."""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from voipcrm.calls.models import Call, CallEvent, Leg
from voipcrm.core.db import insert

calls, legs, events = Call.__table__, Leg.__table__, CallEvent.__table__

_CALL = (
    calls.c.id,
    calls.c.public_id,
    calls.c.direction,
    calls.c.root_sid,
    calls.c.user_id,
    calls.c.state,
    calls.c.outcome,
    calls.c.reason,
    calls.c.answered_at,
    calls.c.ended_at,
    calls.c.talk_seconds,
    calls.c.held_at,
)
_LOCKED = sa.select(*_CALL).with_for_update(of=calls)
CALL_BY_PUBLIC_ID = _LOCKED.where(calls.c.public_id == bindparam("public_id"))
CALL_BY_ID = _LOCKED.where(calls.c.id == bindparam("call_id"))
CALL_BY_LEGS = _LOCKED.where(
    sa.or_(
        calls.c.root_sid.in_(bindparam("sids", expanding=True)),
        calls.c.id.in_(sa.select(legs.c.call_id).where(legs.c.sid.in_(bindparam("sids", expanding=True)))),
    )
).limit(1)

EVENTS = (
    sa.select(
        events.c.key,
        events.c.kind,
        events.c.call_sid,
        events.c.status,
        events.c.sequence,
        events.c.at,
        events.c.body,
    )
    .where(events.c.call_id == bindparam("of_call"))
    .order_by(events.c.id)
)

UPDATE_CALL = calls.update().where(calls.c.id == bindparam("of_call"))

_EVENT_COLUMNS = (
    "key", "kind", "call_id", "call_sid", "parent_sid", "status", "sequence", "at", "received_at", "body", "error",
)  # fmt: skip
_LEG_STATE = ("status", "ringing_at", "answered_at", "ended_at", "duration_seconds", "sip_code")
_LEG_FIRST = ("call_id", "sid", "parent_sid", "user_id", "from_party", "to_party", "created_at")


_INBOUND = (
    "public_id", "root_sid", "line_id", "peer_number", "peer_text", "peer_place", "person_id", "person_reason",
    "recording", "started_at", "created_at",
)  # fmt: skip
_INBOUND_ALWAYS = {"direction": "inbound", "state": "ringing", "talk_seconds": 0, "has_recording": False}


@cache
def open_inbound() -> Any:
    """INSERT of an arriving call, RETURNING its id; nothing when its first leg is known already."""
    values = {name: bindparam(name, type_=calls.c[name].type) for name in _INBOUND}
    statement = insert(calls).values({**values, **_INBOUND_ALWAYS})
    return statement.on_conflict_do_nothing(index_elements=["root_sid"]).returning(calls.c.id)


@cache
def keep_event() -> Any:
    """INSERT of an event; a repeat of its key does nothing."""
    values = {name: bindparam(name, type_=events.c[name].type) for name in _EVENT_COLUMNS}
    return insert(events).values(values).on_conflict_do_nothing(index_elements=["key"])


@cache
def write_leg() -> Any:
    """INSERT of a leg, or UPDATE of its state."""
    values = {name: bindparam(name, type_=legs.c[name].type) for name in (*_LEG_FIRST, *_LEG_STATE)}
    statement = insert(legs).values(values)
    return statement.on_conflict_do_update(
        index_elements=["sid"], set_={name: statement.excluded[name] for name in _LEG_STATE}
    )


@cache
def update_call(columns: tuple[str, ...]) -> Any:
    """UPDATE of just these columns of a call."""
    return UPDATE_CALL.values({name: bindparam(f"new_{name}", type_=calls.c[name].type) for name in columns})
