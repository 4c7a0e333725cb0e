"""Writing events in the ledger, and the columns of calls and legs that follow from them.

One event is one short transaction: keep it as it came, read all events of its call, work the state out again, write
what changed. The call's row is locked meanwhile, so twenty deliveries at once leave what one would.
This is the hottest path of the app (eleven webhooks a call), hence Core statements and no ORM objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog

from voipcrm.calls.models import Call, CallEvent, Leg
from voipcrm.calls.states import CallState, LegState, Told, call_state, leg_states
from voipcrm.core import clock
from voipcrm.core.db import db, insert
from voipcrm.telephony.facts import DialEnded, Form
from voipcrm.telephony.tokens import user_id_from

log = structlog.get_logger(__name__)

_calls, _legs, _events = Call.__table__, Leg.__table__, CallEvent.__table__
_CALL_COLUMNS = (
    _calls.c.id,
    _calls.c.public_id,
    _calls.c.direction,
    _calls.c.root_sid,
    _calls.c.user_id,
    _calls.c.state,
    _calls.c.outcome,
    _calls.c.reason,
    _calls.c.answered_at,
    _calls.c.ended_at,
    _calls.c.talk_seconds,
    _calls.c.held_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event to be written. `at` is the provider's moment; None: now."""

    kind: str
    key: str
    body: list[tuple[str, str]]
    public_id: str | None = None  # of the call, where the callback's address named it
    sid: str | None = None
    parent_sid: str | None = None
    status: str | None = None
    sequence: int | None = None
    at: datetime | None = None


def enter(entry: Entry) -> int | None:
    """Write one event and what follows from it; the caller commits. Returns the call's id, None if it is not known yet.

    A repeat changes nothing. An event that cannot be understood is kept all the same, with the reason."""
    call = _lock_call(entry)
    if call is None:
        _keep(entry, None)
        return None
    known = _events_of(call.id)
    if all(row.key != entry.key for row in known):
        _write(call, [*(_told(row) for row in known), _told_now(entry)], entry)
    return call.id


def work_out_again(call_id: int) -> None:
    """State and legs of a call from the events it has; for events that were linked to it later. The caller commits."""
    call = db.session.execute(sa.select(*_CALL_COLUMNS).where(_calls.c.id == call_id).with_for_update()).one()
    events = [_told(row) for row in _events_of(call_id)]
    for leg in leg_states(events).values():
        _write_leg(call.id, leg, None)
    _write_call(call, call_state(call.direction, call.root_sid, events))


def _write(call: Any, events: list[Told], entry: Entry) -> None:
    error = None
    try:
        legs = leg_states(events)
        state = call_state(call.direction, call.root_sid, events)
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        log.exception("event_not_understood", kind=entry.kind, call=call.public_id)
        error = repr(problem)[:500]
    _keep(entry, call.id, error)
    if error is None:
        if entry.sid in legs:
            _write_leg(call.id, legs[entry.sid], entry)
        _write_call(call, state)


def _lock_call(entry: Entry) -> Any:
    query = sa.select(*_CALL_COLUMNS).with_for_update(of=_calls)
    if entry.public_id:
        query = query.where(_calls.c.public_id == entry.public_id)
    else:
        sids = [sid for sid in (entry.sid, entry.parent_sid) if sid]
        of_leg = sa.select(_legs.c.call_id).where(_legs.c.sid.in_(sids))
        query = query.where(sa.or_(_calls.c.root_sid.in_(sids), _calls.c.id.in_(of_leg))).limit(1)
    return db.session.execute(query).first()


def _keep(entry: Entry, call_id: int | None, error: str | None = None) -> None:
    values = {
        "key": entry.key,
        "kind": entry.kind,
        "call_id": call_id,
        "call_sid": entry.sid,
        "parent_sid": entry.parent_sid,
        "status": entry.status,
        "sequence": entry.sequence,
        "at": entry.at or clock.now(),
        "received_at": clock.now(),
        "body": entry.body,
        "error": error,
    }
    db.session.execute(insert(_events).values(values).on_conflict_do_nothing(index_elements=["key"]))


def _events_of(call_id: int) -> Sequence[Any]:
    columns = (_events.c.key, _events.c.kind, _events.c.call_sid, _events.c.status, _events.c.sequence, _events.c.at)
    return db.session.execute(
        sa.select(*columns, _events.c.body).where(_events.c.call_id == call_id).order_by(_events.c.id)
    ).all()


def _told(row: Any) -> Told:
    return _read(row, sid=row.call_sid, at=row.at)


def _told_now(entry: Entry) -> Told:
    return _read(entry, sid=entry.sid, at=entry.at or clock.now())


def _read(event: Any, *, sid: str | None, at: datetime) -> Told:
    form = Form((name, value) for name, value in event.body)
    return Told(
        kind=event.kind,
        sid=sid,
        status=event.status,
        sequence=event.sequence,
        at=at,
        to=form.text("To"),
        duration_seconds=form.whole("CallDuration"),
        sip_code=form.whole("SipResponseCode"),
        dial=DialEnded.read(event.body) if event.kind == "dial" else None,
    )


def _write_leg(call_id: int, leg: LegState, entry: Entry | None) -> None:
    state = {
        "status": leg.status,
        "ringing_at": leg.ringing_at,
        "answered_at": leg.answered_at,
        "ended_at": leg.ended_at,
        "duration_seconds": leg.duration_seconds,
        "sip_code": leg.sip_code,
    }
    form = Form(entry.body if entry else ())
    first = {
        "call_id": call_id,
        "sid": leg.sid,
        "parent_sid": entry.parent_sid if entry else None,
        "user_id": leg.user_id or user_id_from(form.text("From")),
        "from_party": form.text("From") or "",
        "to_party": leg.to or "",
        "created_at": clock.now(),
    }
    statement = insert(_legs).values({**first, **state})
    db.session.execute(statement.on_conflict_do_update(index_elements=["sid"], set_=state))


def _write_call(call: Any, state: CallState) -> None:
    values = {
        "state": state.state,
        "outcome": state.outcome,
        "reason": state.reason,
        "answered_at": state.answered_at,
        "ended_at": state.ended_at,
        "talk_seconds": state.talk_seconds,
        "held_at": state.held_at,
    }
    if call.direction == "inbound":
        values["user_id"] = state.answered_by
    changed = {name: value for name, value in values.items() if getattr(call, name) != value}
    if changed:
        db.session.execute(_calls.update().where(_calls.c.id == call.id).values(changed))
