"""The ledger's SQL. A webhook runs four or five of these, hence Prepared."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from voipcrm.calls.models import Call, CallEvent, CallTarget, Leg
from voipcrm.core.db import insert
from voipcrm.core.prepared import Prepared

calls, legs, events, targets = (cast(sa.Table, model.__table__) for model in (Call, Leg, CallEvent, CallTarget))

_CALL = sa.select(
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
).with_for_update(of=calls, key_share=True)  # others may go on referring to the call meanwhile
_LEG_OF_CALL = sa.select(legs.c.call_id).where(
    sa.or_(legs.c.sid == bindparam("sid"), legs.c.sid == bindparam("parent_sid"))
)

CALL_BY_PUBLIC_ID = Prepared(lambda: _CALL.where(calls.c.public_id == bindparam("public_id")))
CALL_BY_ID = Prepared(lambda: _CALL.where(calls.c.id == bindparam("call_id")))
CALL_BY_SIDS = Prepared(
    lambda: _CALL.where(
        sa.or_(
            calls.c.root_sid == bindparam("sid"),
            calls.c.root_sid == bindparam("parent_sid"),
            calls.c.id.in_(_LEG_OF_CALL),
        )
    ).limit(sa.literal_column("1"))
)

_EVENT = sa.select(
    events.c.key,
    events.c.kind,
    events.c.call_sid,
    events.c.status,
    events.c.sequence,
    events.c.at,
    events.c.to_party,
    events.c.duration_seconds,
    events.c.sip_code,
    # Only the end of a <Dial> says more than the columns do.
    sa.case((events.c.kind == sa.literal_column("'dial'"), events.c.body)).label("body"),
).order_by(events.c.id)
_ID_OF_CALL = sa.select(calls.c.id).where(calls.c.public_id == bindparam("public_id")).scalar_subquery()
_ID_BY_ROOT = sa.select(calls.c.id).where(calls.c.root_sid == bindparam("root_sid")).scalar_subquery()

EVENTS = Prepared(lambda: _EVENT.where(events.c.call_id == bindparam("call_id")))
EVENTS_BY_PUBLIC_ID = Prepared(lambda: _EVENT.where(events.c.call_id == _ID_OF_CALL))

# One look at the few events without a call, whatever the size of the ledger.
_EARLY = sa.and_(
    events.c.call_id.is_(None),
    sa.or_(events.c.call_sid == bindparam("root_sid"), events.c.parent_sid == bindparam("root_sid")),
)
ADOPT_EVENTS = Prepared(
    lambda: events.update().where(_EARLY).values(call_id=bindparam("of_call")).returning(events.c.id)
)


def _values(table: sa.Table, *names: str) -> dict[str, sa.BindParameter]:
    return {name: bindparam(name, type_=table.c[name].type) for name in names}


def _keep_event(call_id: Any) -> sa.Insert:
    columns = [column.key for column in events.columns if column.key not in {"id", "call_id", "error"}]
    values = {**_values(events, *columns), "call_id": call_id}
    return insert(events).values(values).inline().on_conflict_do_nothing(index_elements=["key"])


_LEG_FIRST = ("call_id", "sid", "parent_sid", "user_id", "from_party", "to_party", "created_at")
_LEG_STATE = ("status", "ringing_at", "answered_at", "ended_at", "duration_seconds", "sip_code")


def _write_leg() -> sa.Insert:
    statement = insert(legs).values(_values(legs, *_LEG_FIRST, *_LEG_STATE)).inline()
    return statement.on_conflict_do_update(
        index_elements=["sid"], set_={name: statement.excluded[name] for name in _LEG_STATE}
    )


def _write_first_leg() -> sa.Insert:
    values = {**_values(legs, *_LEG_FIRST, *_LEG_STATE), "call_id": _ID_BY_ROOT}
    return insert(legs).values(values).inline().on_conflict_do_nothing(index_elements=["sid"])


# A repeat of its key does nothing, and a call that is not known yet leaves it without one. The call goes by its name,
# so that the event travels together with the question for it.
KEEP_EVENT = Prepared(lambda: _keep_event(_ID_OF_CALL))
NOT_UNDERSTOOD = Prepared(
    lambda: events.update().where(events.c.key == bindparam("of_event")).values(_values(events, "error"))
)
WRITE_LEG = Prepared(_write_leg)

# Of a call that may just be coming into being: named by its root_sid, so that they travel with its own INSERT.
KEEP_FIRST_EVENT = Prepared(lambda: _keep_event(_ID_BY_ROOT))
WRITE_FIRST_LEG = Prepared(_write_first_leg)  # a later state of the leg stays


@cache
def update_call(columns: tuple[str, ...]) -> Prepared:
    """UPDATE of just these columns of a call; each is given as `new_…`."""
    values = {name: bindparam(f"new_{name}", type_=calls.c[name].type) for name in columns}
    return Prepared(lambda: calls.update().where(calls.c.id == bindparam("of_call")).values(values))


_INBOUND = (
    "public_id", "root_sid", "line_id", "peer_number", "peer_text", "peer_place", "person_id", "person_reason",
    "recording", "started_at", "created_at",
)  # fmt: skip


def _open_inbound() -> sa.Insert:
    always = {"direction": "inbound", "state": "ringing", "talk_seconds": 0, "has_recording": False}
    statement = insert(calls).values({**_values(calls, *_INBOUND), **always})
    return statement.on_conflict_do_nothing(index_elements=["root_sid"]).returning(
        calls.c.id, sa.exists().where(_EARLY).label("has_early_events")
    )


OPEN_INBOUND = Prepared(_open_inbound)  # no row when its first leg is known already


@cache
def name_targets(count: int) -> Prepared:
    """INSERT of so many people whom a call is meant for, each given as `user_…` by number: a group is one statement."""
    rows = [{"call_id": _ID_BY_ROOT, "user_id": bindparam(f"user_{at}")} for at in range(count)]
    return Prepared(lambda: insert(targets).values(rows).on_conflict_do_nothing(index_elements=["call_id", "user_id"]))
