"""What a call and its legs have come to, worked out from all that is known of them: pure, and the same in any order.

Nothing here steps from one state to the next. Each event is a fact; the state is what the facts add up to, so late,
doubled and missing events cannot lead astray. Source for the meaning of the fields: Twilio, "Call status callbacks"
and "Dial: action".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Protocol, TypeVar

from voipcrm.telephony.facts import LEG_RANKS, TERMINAL_RANK, DialEnded, is_trunks_fault
from voipcrm.telephony.tokens import user_id_from

RINGING, ANSWERED = 2, 3
UNANSWERED = {"busy": "busy", "no-answer": "no-answer", "failed": "failed", "canceled": "canceled"}
REASONS = {
    404: "That is not a working number.",
    480: "Nobody can be reached there now.",
    484: "The number is not complete.",
    503: "The phone network could not take the call.",
    603: "The call was declined.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event as the ledger reads it back."""

    kind: str
    sid: str | None
    status: str | None = None
    sequence: int | None = None
    at: datetime
    to: str | None = None
    duration_seconds: int | None = None
    sip_code: int | None = None
    dial: DialEnded | None = None

    @property
    def rank(self) -> int:
        return LEG_RANKS.get(self.status or "", -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegState:
    """One leg. `status` is in Twilio's words; moments are None while they have not come."""

    sid: str
    status: str
    to: str | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: int | None = None
    sip_code: int | None = None

    @property
    def is_over(self) -> bool:
        return LEG_RANKS.get(self.status, -1) == TERMINAL_RANK

    @property
    def user_id(self) -> int | None:
        """Whose browser it rings; None for the phone network."""
        return user_id_from(self.to) if (self.to or "").startswith("client:") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallState:
    """One conversation. outcome and reason are None until it ended."""

    state: str
    outcome: str | None = None
    reason: str | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: int = 0
    answered_by: int | None = None  # user id
    held_at: datetime | None = None


class Try(Protocol):
    """A leg that was rung: LegState, or a row of legs."""

    @property
    def to(self) -> Any: ...
    @property
    def status(self) -> Any: ...
    @property
    def sip_code(self) -> Any: ...
    @property
    def answered_at(self) -> Any: ...
    @property
    def ended_at(self) -> Any: ...


T = TypeVar("T", bound=Try)


def leg_states(events: Iterable[Told]) -> dict[str, LegState]:
    """The state of each leg that the events speak of, by CallSid. A status nobody knows changes nothing."""
    known = sorted((e for e in events if e.sid and e.rank >= 0), key=lambda e: e.sid or "")
    return {sid: _leg(sid, list(told)) for sid, told in groupby(known, key=lambda e: e.sid or "")}


def _leg(sid: str, events: Sequence[Told]) -> LegState:
    # Never down in rank; between two ends the one the provider numbered last wins.
    last = max(events, key=lambda e: (e.rank, -1 if e.sequence is None else e.sequence, e.at, e.status or ""))
    ringing = min((e.at for e in events if e.rank == RINGING), default=None)
    answered = min((e.at for e in events if e.rank == ANSWERED), default=None)
    ended = last.at if last.rank == TERMINAL_RANK else None
    duration = max((e.duration_seconds for e in events if e.duration_seconds is not None), default=None)
    if answered is None and ended is not None and last.status == "completed" and duration:
        answered = ended - timedelta(seconds=duration)
    return LegState(
        sid=sid,
        status="in-progress" if last.status == "answered" else last.status or "",
        to=max((e.to for e in events if e.to), default=None),
        ringing_at=ringing,
        answered_at=answered,
        ended_at=ended,
        duration_seconds=duration,
        sip_code=max((e.sip_code for e in events if e.sip_code is not None), default=None),
    )


def call_state(
    direction: str, root_sid: str | None, events: Sequence[Told], legs: Mapping[str, LegState] | None = None
) -> CallState:
    """What the call is now. direction: inbound, outbound or internal. root_sid: the leg that the call began with.
    legs: their states, where the caller has worked them out."""
    legs = leg_states(events) if legs is None else legs
    root = legs.get(root_sid or "")
    children = [leg for sid, leg in sorted(legs.items()) if sid != root_sid]
    dials = [e for e in events if e.dial is not None]
    winner = _winner(children, dials)
    if direction == "outbound":
        children, dials = tries_that_count(children), _dials_that_count(dials, children)
    answered_at = winner.answered_at if winner else _answered_by_dial(dials)
    held_at = _held(events)
    if root is None or not root.is_over:
        state = "in-progress" if answered_at else "ringing" if legs else "created"
        return CallState(
            state=state,
            answered_at=answered_at,
            answered_by=winner.user_id if winner else None,
            held_at=held_at if answered_at else None,
        )
    ended_at = root.ended_at
    if answered_at and ended_at:
        over_at = min(ended_at, winner.ended_at) if winner and winner.ended_at else ended_at
        return CallState(
            state="ended",
            outcome="answered",
            answered_at=answered_at,
            ended_at=ended_at,
            talk_seconds=max(0, int((over_at - answered_at).total_seconds())),
            answered_by=winner.user_id if winner else None,
        )
    outcome = _unanswered(direction, root, children, events)
    reason = _reason(outcome, children)
    if direction == "outbound" and _left_while_told(dials):
        reason = "They hung up before they were connected."
    return CallState(state="ended", outcome=outcome, reason=reason, ended_at=ended_at)


def tries_that_count(legs: Sequence[T]) -> list[T]:
    """The legs without those that a trunk failed, for then the next way was tried; all where nothing else was."""
    return [leg for leg in legs if not _failed_on_the_way(leg)] or list(legs)


def _failed_on_the_way(leg: Try) -> bool:
    is_sip = (leg.to or "").startswith(("sip:", "sips:"))
    is_over = leg.ended_at is not None and leg.answered_at is None
    return is_sip and is_over and is_trunks_fault(leg.status, leg.sip_code)


def _dials_that_count(dials: Sequence[Told], children: Sequence[LegState]) -> list[Told]:
    """The same for the ends of Dials. Only those of trunks have a SIP code, but not all of them have one."""
    failed = {leg.sid for leg in children if _failed_on_the_way(leg)}
    kept = [
        e
        for e in dials
        if e.dial and e.dial.dial_sid not in failed and not (e.dial.sip_code is not None and e.dial.failed_on_the_way)
    ]
    return kept or list(dials)


def _winner(children: Sequence[LegState], dials: Sequence[Told]) -> LegState | None:
    """The leg that talked: the one the provider names, else the first that answered. Losers of a ring group end
    without an answer and never count; nor does a leg that answered but was not put through (a mailbox)."""
    facts = [e.dial for e in dials if e.dial]
    named = {fact.dial_sid for fact in facts if fact.was_answered and fact.dial_sid}
    not_bridged = {fact.dial_sid for fact in facts if fact.bridged is False}
    answered = [leg for leg in children if leg.answered_at and leg.sid not in not_bridged]
    return min(answered, key=lambda leg: (leg.sid not in named, leg.answered_at, leg.sid), default=None)


def _answered_by_dial(dials: Sequence[Told]) -> datetime | None:
    """When the only news of the answer is the end of the Dial: that moment less the length."""
    moments = [
        e.at - timedelta(seconds=e.dial.duration_seconds)
        for e in dials
        if e.dial and e.dial.was_answered and e.dial.duration_seconds
    ]
    return min(moments, default=None)


def _held(events: Sequence[Told]) -> datetime | None:
    marks = [e for e in events if e.kind in {"hold", "resume"}]
    last = max(marks, key=lambda e: (e.at, e.kind), default=None)
    return last.at if last and last.kind == "hold" else None


def _left_while_told(dials: Sequence[Told]) -> bool:
    """Did the one who was called answer, and hang up at what they heard before they were connected?"""
    return any(e.dial.dial_status == "completed" and e.dial.bridged is False for e in dials if e.dial)


def _unanswered(direction: str, root: LegState, children: Sequence[LegState], events: Sequence[Told]) -> str:
    facts = [e.dial for e in events if e.dial]
    gave_up = any(LEG_RANKS.get(f.parent_status or "", -1) == TERMINAL_RANK for f in facts)
    ran_out = any(LEG_RANKS.get(f.parent_status or "", -1) < TERMINAL_RANK for f in facts)
    told = sorted({leg.status for leg in children})
    if direction == "inbound":
        if any(e.kind == "message" for e in events):
            return "voicemail"
        # Hung up at the last step of the route, whatever came of those before; or at the words before the first.
        left_early = not facts and not children and any(e.kind == "announced" for e in events)
        while_ringing = not ran_out and "canceled" in told
        return "abandoned" if gave_up or left_early or while_ringing else "missed"
    if gave_up and not ran_out:
        return "canceled"
    if _left_while_told(events):
        return "no-answer"
    dialled = sorted({f.dial_status for f in facts if f.dial_status})
    for status in (*dialled, *told, root.status):
        if status in UNANSWERED:
            return UNANSWERED[status]
    return "canceled"


def _reason(outcome: str, children: Sequence[LegState]) -> str | None:
    if outcome in {"voicemail", "missed", "abandoned", "canceled"}:
        return None
    return next((REASONS[leg.sip_code] for leg in children if leg.sip_code in REASONS), None)
