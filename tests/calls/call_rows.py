"""Calls as the ledger leaves them, for tests of what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from voipcrm.calls import aftermath
from voipcrm.calls.models import Call, CallTarget, Leg
from voipcrm.calls.states import CallState
from voipcrm.core.db import db

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PRIYA = "+13125550100"
_numbers = count(1)


def sid() -> str:
    return f"CA{next(_numbers):032x}"


def after(seconds: float, since: datetime = NOON) -> datetime:
    return since + timedelta(seconds=seconds)


def inbound(*, rung=(), by=None, outcome=None, at=NOON, number=PRIYA, **more) -> Call:
    """Rings each user id of `rung` a second later; `by` answers after five seconds and talks for a minute."""
    call = Call(direction="inbound", root_sid=sid(), peer_number=number, started_at=at, state="ringing", **more)
    call.legs.append(Leg(sid=call.root_sid, from_=number or "Anonymous", to="+12025550140", status="in-progress"))
    call.targets.extend(CallTarget(user_id=user_id) for user_id in rung)
    for user_id in rung:
        call.legs.append(_leg(call, user_id=user_id, to=f"client:u_{user_id}", ringing_at=after(1, at)))
    if by is not None:
        _answer(call, next(leg for leg in call.legs if leg.user_id == by), at)
        call.user_id = by
    elif outcome:
        status = "canceled" if outcome == "abandoned" else "no-answer"
        for leg in call.legs[1:]:
            leg.status, leg.ended_at = status, after(20, at)
        _end(call, outcome, after(21, at))
    return call


def outbound(user_id: int, *, outcome="answered", at=NOON, number=PRIYA, **more) -> Call:
    """The other side rings after a second; where they answer, it is as in `inbound`."""
    call = Call(direction="outbound", root_sid=sid(), user_id=user_id, peer_number=number, started_at=at, **more)
    call.legs.append(Leg(sid=call.root_sid, user_id=user_id, from_=f"client:u_{user_id}", to="", status="in-progress"))
    call.legs.append(_leg(call, to=number, ringing_at=after(1, at)))
    return _finish(call, outcome, at)


def internal(user_id: int, colleague_id: int, *, outcome="answered", at=NOON, **more) -> Call:
    call = Call(
        direction="internal", root_sid=sid(), user_id=user_id, other_user_id=colleague_id, started_at=at, **more
    )
    call.legs.append(Leg(sid=call.root_sid, user_id=user_id, from_=f"client:u_{user_id}", to="", status="in-progress"))
    call.legs.append(_leg(call, user_id=colleague_id, to=f"client:u_{colleague_id}", ringing_at=after(1, at)))
    return _finish(call, outcome, at)


def note_missed(*calls: Call) -> None:
    """What the ledger does at the end of each of these kept calls, for the inbox of missed ones. Commits."""
    for call in calls:
        aftermath.write(db.session.connection(), call, CallState(state="ended", outcome=call.outcome))
    db.session.commit()


def _finish(call: Call, outcome: str, at: datetime) -> Call:
    if outcome == "answered":
        _answer(call, call.legs[1], at)
    else:
        call.legs[1].status, call.legs[1].ended_at = outcome, after(20, at)
        _end(call, outcome, after(21, at))
    return call


def _leg(call: Call, **more) -> Leg:
    return Leg(sid=sid(), parent_sid=call.root_sid, from_=more.pop("from_", ""), status="ringing", **more)


def _answer(call: Call, winner: Leg, at: datetime) -> None:
    winner.status, winner.answered_at, winner.ended_at = "completed", after(5, at), after(65, at)
    call.answered_at, call.talk_seconds = winner.answered_at, 60
    for leg in call.legs[1:]:
        if leg is not winner:
            leg.status, leg.ended_at = "no-answer", after(5, at)
    _end(call, "answered", after(65, at))


def _end(call: Call, outcome: str, at: datetime) -> None:
    call.state, call.outcome, call.ended_at = "ended", outcome, at
    call.legs[0].status, call.legs[0].ended_at = "completed", at
