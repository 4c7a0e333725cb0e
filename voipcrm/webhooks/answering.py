"""The TwiML that each question of the provider is answered with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog
from flask import g, request

from voipcrm.calls import ledger, trunking
from voipcrm.calls.callbacks import callback
from voipcrm.calls.holding import into_conference
from voipcrm.calls.models import Call
from voipcrm.calls.opening import Arrival, adopt_events, caller_of, meant_for, open_inbound, opened_before
from voipcrm.contacts.matching import ask_match
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.core.prepared import Connection, conclude, fetch_soon, hurry
from voipcrm.core.sealing import SealBroken
from voipcrm.core.short import short_transaction
from voipcrm.core.static import asset
from voipcrm.routes import deciding
from voipcrm.routes.models import MAX_STEPS
from voipcrm.routes.rules import Question
from voipcrm.routes.trying import Decision
from voipcrm.telephony import numbers, tokens, twiml
from voipcrm.telephony.facts import LEG_RANKS, TERMINAL_RANK, DialEnded, VoiceRequest, browser_parameters
from voipcrm.trunks.dialling import Way, dial_trunk
from voipcrm.trunks.models import CalledLine
from voipcrm.webhooks import door, messages

log = structlog.get_logger(__name__)
RING_OUTSIDE_SECONDS = 45  # an outgoing call


def placed_by_browser(asked: VoiceRequest) -> str:
    """A browser connects a call that it was allowed to place. Of what it sends only the call's id is used, and only
    together with the identity that the provider vouches for; numbers and caller ID are ours."""
    public_id = browser_parameters(g.form).get("call", "")
    call = db.session.query(Call).filter_by(public_id=public_id).with_for_update().one_or_none()
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
            **_callbacks(call.public_id, recorded=False),
        )
    return _outside(call)


def arriving(asked: VoiceRequest) -> str:
    """Somebody calls one of our numbers. They hear silence until we answer, so most calls are two trips to the
    database: one that asks all there is to know, one that writes all that follows."""
    with short_transaction(db.engine) as connection:
        arrival, answer = _arrive(connection, asked)
    opened = arrival.opened.first()
    if opened and not opened.has_early_events:
        return answer
    with short_transaction(db.engine) as connection:
        call = opened_before(connection, asked.call_sid)
        return answer if opened else _arrive(connection, asked, call)[1]


def _arrive(connection: Connection, asked: VoiceRequest, known: Any = None) -> tuple[Arrival, str]:
    """The answer holds when the arrival opened its call, or when this is it: the row `known`."""
    caller = caller_of(asked)
    called = CalledLine.ask(connection, asked.to)
    contact_of = ask_match(connection, caller)
    fetch_soon(connection)
    routes = deciding.ask(connection, asked.to)
    fetch_soon(connection)
    first = door.entry("voice", sid=asked.call_sid, status=asked.status)
    line, contact = called(), contact_of()
    arrival = open_inbound(connection, asked, number=caller, line=line, contact=contact)
    hurry(connection)
    ledger.enter_first(connection, first)
    hurry(connection)
    question = Question(asked.to, line.id if line else None, caller, clock.now())
    decision = routes.decide(connection, question)
    call_id, public_id = (known.id, known.public_id) if known else (0, arrival.public_id)  # 0: not asked for
    says_first = bool(line and line.says_before_recording)
    if not known and (decision.way or decision.mailbox or says_first):
        opened = arrival.opened.first()
        if opened is None:
            return arrival, ""
        call_id = opened.id
    if decision.way:
        decision = _with_a_channel(connection, decision, question, call_id, public_id)
    meant_for(connection, asked.call_sid, decision.meant)
    if decision.mailbox:
        return arrival, messages.ask_for_one(connection, call_id, public_id, decision.mailbox)
    sentence = line.says_before_recording if line and decision.rings else ""
    if sentence:
        ledger.keep(connection, replace(door.entry("announced", sid=asked.call_sid), public_id=public_id))
        if line and line.recording == "consent":
            return arrival, twiml.ask_for_key(text=sentence, action_url=callback("consent", public_id))
    conclude(connection)
    return arrival, _carry_out(
        decision,
        public_id,
        caller_id=caller or (line.number if line else settings.twilio_number),
        card=_card(
            number=caller,
            name=contact.name if contact else "",
            company=contact.company if contact else "",
            line=line.label if line else "",
            place=arrival.place,
        ),
        recorded=arrival.is_recorded,
        announcement=sentence,
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
        if call.trunk_id is not None:
            trunking.free(db.session.connection(), call.id)
        return _next_step(call)
    if call.direction == "outbound" and "trunk" in request.args and told.failed_on_the_way:
        # A repeat of this question, after its answer got lost, finds the call on the next trunk and leaves it there.
        if request.args["trunk"] == str(call.trunk_id):
            trunking.choose_next(call, sip_code=told.sip_code)
        return _outside(call)
    return twiml.hang_up()


def _outside(call: Call) -> str:
    """An outgoing call, through its trunk or the provider's own network."""
    is_told = call.line is not None and bool(call.line.says_before_recording(call.recording))
    rings: dict[str, Any] = {
        "caller_id": call.line.number if call.line else settings.twilio_number,
        "ring_seconds": RING_OUTSIDE_SECONDS,
        "whisper_url": callback("announcement", call.public_id) if is_told else None,
        **_callbacks(call.public_id, recorded=call.is_recorded_by_dial),
    }
    while call.trunk_id is not None and (way := Way.of(db.session.connection(), call.trunk_id)):
        through = rings | {"action_url": callback("dial", call.public_id, trunk=str(way.id))}
        try:
            return dial_trunk(way, call.peer_number or "", **through)
        except SealBroken:  # its test says so on the page
            log.error("trunk_password_unreadable", trunk=call.trunk_id)
            trunking.choose_next(call, sip_code=None)
    return twiml.dial_number(number=call.peer_number or "", **rings)


def _next_step(call: Call) -> str:
    """Nobody answered: on to the next step of the route. The address of the question says which step it was; the
    signature covers it, and it only ever rises."""
    route_id, step = (request.args.get(name, type=int) for name in ("route", "step"))
    question = Question(call.line.number if call.line else None, call.line_id, call.peer_number, clock.now())
    after = MAX_STEPS if step is None else step
    return _go_on(
        call, question, deciding.decide_again(db.session.connection(), question, route_id=route_id, after=after)
    )


def first_step(call: Call) -> str:
    """The caller was asked whether the call may be recorded; now somebody is rung."""
    question = Question(call.line.number if call.line else None, call.line_id, call.peer_number, clock.now())
    return _go_on(call, question, deciding.decide(db.session.connection(), question))


def _go_on(call: Call, question: Question, decision: Decision) -> str:
    connection = db.session.connection()
    decision = _with_a_channel(connection, decision, question, call.id, call.public_id)
    meant_for(connection, call.root_sid or "", decision.meant)
    if decision.mailbox:
        return messages.ask_for_one(connection, call.id, call.public_id, decision.mailbox)
    return _carry_out(
        decision,
        call.public_id,
        caller_id=call.peer_number or (call.line.number if call.line else settings.twilio_number),
        card=_card(
            number=call.peer_number,
            name=call.person.name if call.person else "",
            company=call.person.company if call.person else "",
            line=call.line.label if call.line else "",
            place=call.peer_place,
        ),
        recorded=call.is_recorded_by_dial,
    )


def _with_a_channel(
    connection: Connection, decision: Decision, question: Question, call_id: int, public_id: str
) -> Decision:
    """The same decision, with a channel taken where it needs one; what follows it where others were quicker."""
    while decision.way and decision.step and not trunking.take(connection, call_id, public_id, decision.way):
        decision = deciding.decide_again(connection, question, route_id=decision.route_id, after=decision.step.position)
    return decision


def _carry_out(
    decision: Decision,
    public_id: str,
    *,
    caller_id: str,
    card: dict[str, str],
    recorded: bool,
    announcement: str = "",
) -> str:
    """The TwiML of a route's decision for a call from outside."""
    if decision.step is None:
        return twiml.say_and_hang_up(text=decision.message)
    callbacks = _callbacks(public_id, recorded=recorded)
    callbacks["action_url"] = callback(
        "dial", public_id, route=str(decision.route_id), step=str(decision.step.position)
    )
    rings = {"ring_seconds": decision.ring_seconds, "announcement": announcement, **callbacks}
    if decision.way:
        return dial_trunk(decision.way, decision.step.sip_user or "", caller_id=caller_id, **rings)
    if decision.number:
        return twiml.dial_number(number=decision.number, caller_id=caller_id, **rings)
    return twiml.dial_clients(
        identities=[tokens.identity(user_id) for user_id in decision.user_ids],
        caller_id=caller_id,
        parameters={"call": public_id, **card},
        one_after_another=decision.in_turn,
        **rings,
    )


def hold_music_url() -> str:
    return settings.public_base_url + asset("sounds/hold-music.wav")


def _callbacks(public_id: str, *, recorded: bool) -> dict[str, Any]:
    return {
        "action_url": callback("dial", public_id),
        "status_url": callback("status", public_id),
        "recording_url": callback("recording", public_id) if recorded else None,
        "time_limit_seconds": settings.call_time_limit_seconds,
    }


def _card(*, number: str | None, name: str, company: str, line: str, place: str | None) -> dict[str, str]:
    """What the browser shows while it rings."""
    return {
        "name": name,
        "company": company,
        "number": numbers.display(number, house.default_country) if number else "",
        "line": line,
        "place": place or "",
    }
