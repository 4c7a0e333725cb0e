"""Writing events in the ledger, and the columns of calls and legs that follow from them.

One event is one short transaction: keep it as it came, read all events of its call, work the state out again, write
what changed. The call's row is locked meanwhile, so twenty deliveries at once leave what one would.
This is the hottest path of the app (eleven webhooks a call), hence Core statements and no ORM objects.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from voipcrm.calls import aftermath, statements
from voipcrm.calls.states import CallState, LegState, Told, call_state, leg_states
from voipcrm.core import clock
from voipcrm.core.prepared import Connection, fetch_soon, hurry
from voipcrm.telephony.facts import DialEnded, Form
from voipcrm.telephony.tokens import user_id_from

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One event to be written. `at` is the provider's moment; None: now."""

    kind: str
    key: str
    form: Form  # kept as it came
    public_id: str | None = None  # of the call, where the callback's address named it
    sid: str | None = None
    parent_sid: str | None = None
    status: str | None = None
    sequence: int | None = None
    at: datetime | None = None


def enter(connection: Connection, entry: Entry) -> int | None:
    """Write one event and what follows from it; the caller commits. Returns the call's id, None if it is not known yet.

    A repeat changes nothing. An event that cannot be understood is kept all the same, with the reason."""
    if entry.public_id:
        return enter_read(connection, entry.public_id, lambda: entry)
    call = statements.CALL_BY_SIDS.first(connection, {"sid": entry.sid, "parent_sid": entry.parent_sid})
    known = statements.EVENTS.rows(connection, {"call_id": call.id}) if call else []
    keep(connection, replace(entry, public_id=call.public_id if call else None))
    return _follow(connection, call, known, entry)


def enter_read(connection: Connection, public_id: str | None, read: Callable[[], Entry]) -> int | None:
    """The same for an event of a call that the callback's address names: the database looks the call up while `read`
    makes an Entry of the callback. public_id: as that Entry has it; None where the call has to be found by its legs."""
    if not public_id:
        return enter(connection, read())
    # Always two statements, though they travel together: joined to the one that locks, the other would read what stood
    # there before the lock had to be waited for.
    named = {"public_id": public_id}
    locked = statements.CALL_BY_PUBLIC_ID.ask(connection, named)
    known = statements.EVENTS_BY_PUBLIC_ID.ask(connection, named)
    fetch_soon(connection)
    entry = read()
    keep(connection, entry)
    hurry(connection)  # it is kept while we think
    return _follow(connection, locked.first(), known.rows(), entry)


def enter_deed(connection: Connection, kind: str, *, public_id: str, by: int) -> None:
    """Write what the user `by` did to a call; the caller commits. It is our own event, with a key of its own."""
    form = Form([("By", str(by))])
    entry = Entry(kind=kind, key=f"{kind}:{secrets.token_hex(12)}", form=form, public_id=public_id, at=clock.now())
    enter(connection, entry)


def keep(connection: Connection, entry: Entry) -> None:
    """Write an event from which nothing follows as long as its call lasts; the caller commits."""
    statements.KEEP_EVENT.run(connection, _event(entry))


def enter_first(connection: Connection, entry: Entry) -> None:
    """Write the first event and leg of a call whose row this very transaction makes, or finds; the caller commits.
    When it was there already, its state has to be worked out again."""
    root = {"root_sid": entry.sid}
    statements.KEEP_FIRST_EVENT.run(connection, _event(entry) | root)
    for leg in leg_states([_now(entry)]).values():
        statements.WRITE_FIRST_LEG.run(connection, _leg(None, leg, entry) | root)


def work_out_again(connection: Connection, call_id: int) -> None:
    """State and legs of a call from the events it has, for events that were linked to it later; the caller commits."""
    call = statements.CALL_BY_ID.first(connection, {"call_id": call_id})
    rows = statements.EVENTS.rows(connection, {"call_id": call_id})
    told = [_read(row) for row in rows]
    legs = leg_states(told)
    for leg in legs.values():
        _write_leg(connection, call_id, leg, None)
    _write_call(connection, call, call_state(call.direction, call.root_sid, told, legs))


def _follow(connection: Connection, call: Any, known: list[Any], entry: Entry) -> int | None:
    """What follows from an event for the locked row of its call, and the events that the call had."""
    if call is None:
        return None
    if all(row.key != entry.key for row in known):
        _write(connection, call, [*map(_read, known), _now(entry)], entry)
    return call.id


def _write(connection: Connection, call: Any, told: list[Told], entry: Entry) -> None:
    try:
        legs = leg_states(told)
        state = call_state(call.direction, call.root_sid, told, legs)
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        log.exception("event_not_understood", kind=entry.kind, call=call.public_id)
        statements.NOT_UNDERSTOOD.run(connection, {"of_event": entry.key, "error": repr(problem)[:500]})
        return
    if entry.sid in legs:
        _write_leg(connection, call.id, legs[entry.sid], entry)
    _write_call(connection, call, state)


def _event(entry: Entry) -> dict[str, Any]:
    form = entry.form
    return {
        "key": entry.key,
        "kind": entry.kind,
        "public_id": entry.public_id,
        "call_sid": entry.sid,
        "parent_sid": entry.parent_sid,
        "status": entry.status,
        "sequence": entry.sequence,
        "at": entry.at or clock.now(),
        "received_at": clock.now(),
        "to_party": form.text("To"),
        "duration_seconds": form.whole("CallDuration"),
        "sip_code": form.whole("SipResponseCode"),
        "body": form.pairs,
    }


def _now(entry: Entry) -> Told:
    form = entry.form
    return Told(
        kind=entry.kind,
        sid=entry.sid,
        status=entry.status,
        sequence=entry.sequence,
        at=entry.at or clock.now(),
        to=form.text("To"),
        duration_seconds=form.whole("CallDuration"),
        sip_code=form.whole("SipResponseCode"),
        dial=DialEnded.read(form) if entry.kind == "dial" else None,
    )


def _read(row: Any) -> Told:
    return Told(
        kind=row.kind,
        sid=row.call_sid,
        status=row.status,
        sequence=row.sequence,
        at=row.at,
        to=row.to_party,
        duration_seconds=row.duration_seconds,
        sip_code=row.sip_code,
        dial=DialEnded.read(Form(row.body)) if row.kind == "dial" else None,
    )


def _write_leg(connection: Connection, call_id: int, leg: LegState, entry: Entry | None) -> None:
    statements.WRITE_LEG.run(connection, _leg(call_id, leg, entry))


def _leg(call_id: int | None, leg: LegState, entry: Entry | None) -> dict[str, Any]:
    from_ = entry.form.text("From") if entry else None
    return {
        "call_id": call_id,
        "sid": leg.sid,
        "parent_sid": entry.parent_sid if entry else None,
        "user_id": leg.user_id or user_id_from(from_),
        "from_party": from_ or "",
        "to_party": leg.to or "",
        "created_at": clock.now(),
        "status": leg.status,
        "ringing_at": leg.ringing_at,
        "answered_at": leg.answered_at,
        "ended_at": leg.ended_at,
        "duration_seconds": leg.duration_seconds,
        "sip_code": leg.sip_code,
    }


def _write_call(connection: Connection, call: Any, state: CallState) -> None:
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
        new = {f"new_{name}": value for name, value in changed.items()}
        statements.update_call(tuple(changed)).run(connection, {"of_call": call.id, **new})
    if changed.get("outcome"):
        aftermath.write(connection, call, state)
