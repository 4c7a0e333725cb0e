"""How one call reads for one viewer: whom it was with, which way it went, what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call

UNKNOWN = "Unknown caller"
MISSED = ("missed", "abandoned")
WAYS = {"inbound": ("phone-incoming", "Incoming"), "outbound": ("phone-outgoing", "Outgoing")}
_RESULTS = {
    "answered": "Answered",
    "voicemail": "Left a voicemail",
    "missed": "Missed: nobody answered",
    "abandoned": "Missed: the caller hung up first",
    "busy": "Busy",
    "no-answer": "Not answered",
    "canceled": "Canceled before an answer",
    "failed": "Failed",
}
_UNANSWERED = {"busy": "Busy", "no-answer": "No answer", "canceled": "Canceled", "failed": "Failed"}


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in a word or two; `kind` and `icon` as in components/badge.html."""

    text: str
    kind: str | None = None
    icon: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`name` is None where only a number is known; with neither, `text` is what the network said. `number` is E.164.
    `colleague_id` is the user to call back in place of a number. `badge` is None for a call that was talked on;
    `result` says more than the badge, once the call ended."""

    name: str | None
    number: str | None
    text: str
    contact_id: int | None
    colleague_id: int | None
    icon: str
    way: str
    was_missed: bool
    badge: Badge | None
    result: str
    handled_by: str


def read(call: Call, viewer_id: int) -> Reading:
    """The call as this viewer sees it: to the one who was called, a colleague's call is an incoming one."""
    is_internal = call.direction == "internal"
    to_viewer = is_internal and call.other_user_id == viewer_id
    icon, way = WAYS["inbound" if to_viewer else "outbound" if is_internal else call.direction]
    was_missed = _was_missed(call, to_viewer=to_viewer)
    colleague = (call.user if to_viewer else call.other_user) if is_internal else None
    return Reading(
        name=(_name_of(colleague) or "A colleague") if is_internal else call.person.name if call.person else None,
        number=call.peer_number,
        text=call.peer_text or UNKNOWN,
        contact_id=call.person.id if call.person else None,
        colleague_id=colleague.id if colleague else None,
        icon="phone-missed" if was_missed else icon,
        way=way,
        was_missed=was_missed,
        badge=_badge(call, was_missed=was_missed),
        result=_RESULTS.get(call.outcome or "", ""),
        handled_by="" if was_missed else _name_of(call.other_user if to_viewer else call.user),
    )


def _name_of(user: User | None) -> str:
    return user.name if user else ""


def _was_missed(call: Call, *, to_viewer: bool) -> bool:
    return call.outcome in MISSED or (to_viewer and call.outcome in _UNANSWERED)


def _badge(call: Call, *, was_missed: bool) -> Badge | None:
    if call.is_live:
        return _live(call)
    if was_missed:
        return Badge("Missed", "bad")
    if call.outcome == "answered":
        return None
    if call.outcome == "voicemail":
        return Badge("Voicemail", "accent", "mail")
    return Badge(_UNANSWERED.get(call.outcome or "", "Ended"), "warn" if call.outcome == "failed" else None)


def _live(call: Call) -> Badge:
    if call.state == "in-progress":
        return Badge("On hold", "warn", "pause") if call.held_at else Badge("On call", "good", "phone-call")
    return Badge("Ringing" if call.state == "ringing" else "Connecting", "accent", "phone-call")
