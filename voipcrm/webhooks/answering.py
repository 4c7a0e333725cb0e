"""The TwiML that each question of the provider is answered with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog
from flask import request
from sqlalchemy import Connection

from voipcrm.calls import ledger
from voipcrm.calls.callbacks import callback
from voipcrm.calls.holding import into_conference
from voipcrm.calls.models import Call
from voipcrm.calls.opening import Arrival, adopt_events, meant_for, open_inbound
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.static import asset
from voipcrm.routes.deciding import decide
from voipcrm.telephony import numbers, tokens, twiml
from voipcrm.telephony.facts import LEG_RANKS, TERMINAL_RANK, DialEnded, VoiceRequest
from voipcrm.trunks.models import CalledLine
from voipcrm.webhooks import door

log = structlog.get_logger(__name__)


def placed_by_browser(asked: VoiceRequest) -> str:
    """A browser connects a call that it was allowed to place. Of what it sends only the call's id is used, and only
    together with the identity that the provider vouches for; numbers and caller ID are ours."""
    call = db.session.query(Call).filter_by(public_id=asked.custom.get("call", "")).with_for_update().one_or_none()
    user_id = tokens.user_id_from(asked.from_)
    if (
        call is None
        or call.user is None
        or call.user.id != user_id
        or not call.user.is_active
        or call.direction == "inbound"
        or call.root_sid not in (None, asked.call_sid)
    ):
        log.warning("call_not_theirs", user=user_id)
        return twiml.reject()
    if call.root_sid is None:
        call.root_sid = asked.call_sid
        db.session.flush()
        adopt_events(db.session.connection(), call.id, asked.call_sid)
    event = replace(door.entry("voice", sid=asked.call_sid, status=asked.status), public_id=call.public_id)
    ledger.enter(db.session.connection(), event)
    db.session.refresh(call)
    if not call.is_live:  # hung up again before the provider asked
        return twiml.hang_up()
    if call.direction == "internal" and call.other_user_id is not None:
        return twiml.dial_clients(
            identities=[tokens.identity(call.other_user_id)],
            caller_id=f"client:{tokens.identity(call.user.id)}",
            parameters={"call": call.public_id, "name": call.user.name, "company": "", "line": "", "number": ""},
            ring_seconds=settings.ring_seconds,
            **_callbacks(call.public_id, recorded=call.recording == "on"),
        )
    return twiml.dial_number(
        number=call.peer_number or "",
        caller_id=call.line.number if call.line else settings.twilio_number,
        ring_seconds=45,
        **_callbacks(call.public_id, recorded=call.recording == "on"),
    )


def arriving(connection: Connection, asked: VoiceRequest) -> str:
    """Somebody calls one of our numbers."""
    line = CalledLine.of(connection, asked.to)
    arrival = open_inbound(connection, asked, line)
    event = replace(door.entry("voice", sid=asked.call_sid, status=asked.status), public_id=arrival.public_id)
    if arrival.is_new:
        ledger.enter_first(connection, event, call_id=arrival.call_id)
        adopt_events(connection, arrival.call_id, asked.call_sid)
    else:
        ledger.enter(connection, event)
    decision = decide(connection, line.id if line else None)
    meant_for(connection, arrival.call_id, decision.meant)
    if not decision.user_ids:
        return twiml.say_and_hang_up(text=decision.message)
    return twiml.dial_clients(
        identities=[tokens.identity(user_id) for user_id in decision.user_ids],
        caller_id=arrival.number or (line.number if line else settings.twilio_number),
        parameters=_card(arrival),
        ring_seconds=decision.ring_seconds,
        **_callbacks(arrival.public_id, recorded=arrival.is_recorded),
    )


def after_dial(told: DialEnded) -> str:
    """The Dial of a plain call ended, or the conference that it was promoted to."""
    call = db.session.query(Call).filter_by(public_id=request.args.get("call", "")).one_or_none()
    is_over = LEG_RANKS.get(told.parent_status or "", -1) == TERMINAL_RANK
    if call is None or is_over or request.args.get("after") == "conference":
        return twiml.hang_up()
    if call.conference_name:  # promoted: the other leg was sent there and the Dial broke up; this one follows
        return into_conference(call)
    if call.direction == "inbound" and not told.was_answered:
        return twiml.say_and_hang_up(text=decide(db.session.connection(), call.line_id).message)
    return twiml.hang_up()


def hold_music_url() -> str:
    return settings.public_base_url + asset("sounds/hold-music.wav")


def _callbacks(public_id: str, *, recorded: bool) -> dict[str, Any]:
    return {
        "action_url": callback("dial", public_id),
        "status_url": callback("status", public_id),
        "recording_url": callback("recording", public_id) if recorded else None,
        "time_limit_seconds": settings.call_time_limit_seconds,
    }


def _card(arrival: Arrival) -> dict[str, str]:
    """What the browser shows while it rings."""
    return {
        "call": arrival.public_id,
        "name": arrival.contact.name if arrival.contact else "",
        "company": arrival.contact.company if arrival.contact else "",
        "number": numbers.display(arrival.number, settings.default_country) if arrival.number else "",
        "line": arrival.line.label if arrival.line else "",
        "place": arrival.place or "",
    }
