"""What happened in a call, step by step in words, from its legs and events. Pure: nothing is looked up.

The provider's moments are whole seconds of its clock, ours are finer and of another clock. So steps of one second
stand in the order in which such things happen, and no step stands before the call's beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from voipcrm.calls.models import Call, CallEvent, Leg
from voipcrm.calls.states import tries_that_count
from voipcrm.telephony.errors import FactMissing
from voipcrm.telephony.facts import LEG_RANKS, TERMINAL_RANK, ConferenceEvent, DialEnded, Form, RecordingStatus

# The order in which things can have happened within one second.
CALLED, TOLD, SENT, RANG, ANSWERED, TOLD_WHEN_ANSWERED, RECORDED, HELD, STOPPED, ENDED, AFTERWARDS = range(11)
_BY_OUR_CLOCK = {TOLD, SENT, TOLD_WHEN_ANSWERED, HELD}  # their moments tell their order within the second too

# What became of a leg that was not answered: as a step of the call, and beside the person's name.
_FATES = {
    "rejected": ("{who} rejected the call", "Rejected the call"),
    "unreachable": ("{who} could not be reached", "Could not be reached"),
    "taken": ("Stopped ringing {who}", "Somebody else answered"),
    "stopped": ("Stopped ringing {who}", "The caller hung up"),
    "silent": ("{who} did not answer", "Did not answer"),
}


# What a person of ours did to a call: the kind of the event, its words, its icon.
_DEEDS = {
    "hold": ("Put on hold", "pause"),
    "resume": ("Resumed", "play"),
    "recording-paused": ("Recording paused", "pause"),
    "recording-resumed": ("Recording resumed", "radio"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The people of a call. people: names of our users by id. other: the outside party, as it stands in the middle of
    a sentence ("the caller"). line: its label, empty if it is none of ours."""

    people: Mapping[int, str]
    other: str
    line: str = ""

    def of(self, user_id: int | None) -> str:
        return self.people.get(user_id or 0, "a colleague")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened. `icon` is of icons.svg. `who` stands for {who} in the words, where several people may
    share the step."""

    at: datetime
    order: int
    words: str
    icon: str
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Somebody who was rung, and what came of it. Lengths are None where they are not over or were not told."""

    who: str
    words: str
    rang_seconds: int | None
    talked_seconds: int | None


def tell(call: Call, legs: Sequence[Leg], events: Sequence[CallEvent], cast: Cast) -> list[Step]:
    """The steps of a call in the order in which they happened, up to now."""
    steps = [
        _beginning(call, cast),
        *_of_legs(call, legs, cast),
        *_of_consent(call, events, cast),
        *_of_recordings(events),
        *_of_deeds(events, cast),
        *_of_trunks(events),
        *_of_message(events, cast),
    ]
    if call.ended_at and not call.is_live:
        words = _ending(call, legs, events, cast)
        steps.append(Step(at=call.ended_at, order=ENDED, words=words, icon="phone-off"))
    steps = [step if step.at >= call.started_at else replace(step, at=call.started_at) for step in steps]
    return list(_together(sorted(steps, key=_place)))


def parts(call: Call, legs: Sequence[Leg], cast: Cast) -> list[Part]:
    """Everybody who was rung, in the order of the legs. The side that began the call is not among them."""
    return [
        Part(
            who=_sentence(_who(call, leg, cast)),
            words=_state(call, leg),
            rang_seconds=_seconds(leg.ringing_at, leg.answered_at or leg.ended_at),
            talked_seconds=_seconds(leg.answered_at, leg.ended_at),
        )
        for leg in _rung(call, legs)
    ]


def rang_seconds(call: Call, legs: Sequence[Leg]) -> int | None:
    """From the first ring to the answer, or to the end of the last ring; None while it rings or if none was told."""
    rung = _rung(call, legs)
    since = min((leg.ringing_at for leg in rung if leg.ringing_at), default=None)
    until = call.answered_at or (max((leg.ended_at for leg in rung if leg.ended_at), default=None))
    return _seconds(since, until) if call.answered_at or not call.is_live else None


def _beginning(call: Call, cast: Cast) -> Step:
    if call.direction == "inbound":
        words, icon = f"{cast.other} called {cast.line or 'a number that is no line of ours'}", "phone-incoming"
    elif call.direction == "internal":
        words, icon = f"{cast.of(call.user_id)} called {cast.of(call.other_user_id)}", "phone-outgoing"
    else:
        line = f" from {cast.line}" if cast.line else ""
        words, icon = f"{cast.of(call.user_id)} called {cast.other}{line}", "phone-outgoing"
    return Step(at=call.started_at, order=CALLED, words=words, icon=icon)


def _of_legs(call: Call, legs: Sequence[Leg], cast: Cast) -> Iterator[Step]:
    for leg in _rung(call, legs):
        who = _who(call, leg, cast)
        if leg.ringing_at:
            yield Step(at=leg.ringing_at, order=RANG, words="Rang {who}", icon="phone-call", who=who)
        if leg.answered_at:
            yield Step(at=leg.answered_at, order=ANSWERED, words=f"{who} answered", icon="phone")
        elif leg.ended_at and call.direction == "inbound":  # elsewhere one only is rung: the call's end says the same
            words = _FATES[_fate(call, leg)][0]
            yield Step(at=leg.ended_at, order=STOPPED, words=words, icon="phone-missed", who=who)


def _of_recordings(events: Sequence[CallEvent]) -> Iterator[Step]:
    """When each began, and what came to nothing. A promoted call has two, for the conference makes one of its own."""
    told = sorted(_facts(events, "recording", RecordingStatus.read), key=lambda pair: pair[1].recording_sid)
    begun = []
    for _, group in groupby(told, key=lambda pair: pair[1].recording_sid):
        same = list(group)
        for status, words in (("failed", "The recording failed"), ("absent", "Nothing was recorded")):
            if at := min((event.at for event, fact in same if fact.status == status), default=None):
                yield Step(at=at, order=AFTERWARDS, words=words, icon="circle-alert")
        if all(fact.status != "absent" for _, fact in same):
            starts = [fact.started_at for _, fact in same if fact.started_at]
            begun.append(
                min(starts or [event.at for event, fact in same if fact.status == "in-progress"], default=None)
            )
    for again, at in enumerate(sorted(at for at in begun if at)):
        words = "Recording went on" if again else "Recording began"
        yield Step(at=at, order=RECORDED, words=words, icon="radio")


def _of_consent(call: Call, events: Sequence[CallEvent], cast: Cast) -> Iterator[Step]:
    """What the outside party heard about the recording, and what they answered; once, however often it was asked."""
    order = TOLD if call.direction == "inbound" else TOLD_WHEN_ANSWERED
    told = min((event.at for event in events if event.kind == "announced"), default=None)
    if told:
        asked = call.recording == "consent" or call.consented is not None
        words = f"{cast.other} was asked whether to record" if asked else f"{cast.other} heard about the recording"
        yield Step(at=told, order=order, words=words, icon="info")
    answered = next((event.at for event in events if event.kind == "consent"), None)
    if answered:
        words = "agreed to the recording" if call.consented else "did not agree, so nothing is recorded"
        yield Step(at=answered, order=order, words=f"{cast.other} {words}", icon="radio" if call.consented else "x")


def _of_message(events: Sequence[CallEvent], cast: Cast) -> Iterator[Step]:
    """The mailbox, and the message; both the end of it and the finished recording tell of a message."""
    for event in events:
        if event.kind == "mailbox":
            words = f"{cast.other} reached the mailbox {_form(event).text('Mailbox') or ''}".rstrip()
            yield Step(at=event.at, order=STOPPED, words=words, icon="mail")
    left = [event for event in events if event.kind == "message"]
    if left:
        seconds = max(_form(event).whole("RecordingDuration") or 0 for event in left)
        words = f"{cast.other} left a message of {seconds} s"
        yield Step(at=min(event.at for event in left), order=STOPPED, words=words, icon="mail")


def _of_deeds(events: Sequence[CallEvent], cast: Cast) -> Iterator[Step]:
    for event in events:
        if event.kind in _DEEDS:
            words, icon = _DEEDS[event.kind]
            who = cast.of(_form(event).whole("By"))
            yield Step(at=event.at, order=HELD, words=f"{words} by {who}", icon=icon)


def _of_trunks(events: Sequence[CallEvent]) -> Iterator[Step]:
    """Which way the call was sent, as calls.trunking wrote it down."""
    for event in events:
        if event.kind == "trunk":
            form = _form(event)
            way = form.text("Name") or "the phone provider’s own network"
            why = []
            if failed := form.text("Failed"):
                code = form.whole("Code")
                why.append(f"{failed} could not take the call" + (f" ({code})" if code else ""))
            if full := form.text("Full"):
                why.append(f"{full} had no free channel")
            words = "; ".join([*why, f"sent through {way}"]) if why else f"Sent through {way}"
            yield Step(at=event.at, order=SENT, words=words, icon="arrow-right-left")


def _ending(call: Call, legs: Sequence[Leg], events: Sequence[CallEvent], cast: Cast) -> str:
    caller = cast.other if call.direction == "inbound" else cast.of(call.user_id)
    callee = cast.of(call.other_user_id) if call.direction == "internal" else cast.other
    if call.outcome == "answered":
        ender = _who_hung_up(call, legs, events, cast)
        return f"{ender} hung up" if ender else "The call ended"
    words = {
        "voicemail": f"{caller} hung up",
        "missed": "The call ended, nobody had answered" if _rung(call, legs) else "Nobody could be reached",
        "abandoned": f"{caller} hung up before anyone answered",
        "busy": f"{callee} rejected the call" if call.direction == "internal" else f"{callee} was busy",
        "no-answer": f"{callee} did not answer",
        "canceled": f"{caller} hung up before an answer",
        "failed": "The call could not be connected",
    }
    return (call.reason or "").rstrip(".") or words.get(call.outcome or "", "The call ended")


def _who_hung_up(call: Call, legs: Sequence[Leg], events: Sequence[CallEvent], cast: Cast) -> str | None:
    """Whose leg ended the conversation; None if the provider did not tell."""
    sid = _ended_by(call, events)
    if sid and sid == call.root_sid:
        return cast.other if call.direction == "inbound" else cast.of(call.user_id)
    talked = [leg for leg in _rung(call, legs) if leg.answered_at]
    return next((_who(call, leg, cast) for leg in talked if sid in {leg.sid, "child"}), None)


def _ended_by(call: Call, events: Sequence[CallEvent]) -> str | None:
    """CallSid of the leg that ended the conversation; "child" if all we know is that it was not the first one.

    The Dial that a call began with ends when the call is promoted to a conference; from then on only the conference
    can tell. Sources: Twilio, "Dial", action; "Conference statusCallback", CallSidEndingConference."""
    seen = _facts(events, "conference", ConferenceEvent.read)
    if seen or call.conference_name:
        named = next((sid for event, _ in seen if (sid := _form(event).text("CallSidEndingConference"))), None)
        left = [fact for _, fact in seen if fact.event == "participant-leave"]
        return named or min(left, key=lambda fact: fact.sequence or 0).call_sid if named or left else None
    for _, fact in _facts(events, "dial", DialEnded.read):
        if LEG_RANKS.get(fact.parent_status or "", -1) == TERMINAL_RANK:
            return call.root_sid
        if fact.was_answered:
            return fact.dial_sid or "child"
    return None


def _rung(call: Call, legs: Sequence[Leg]) -> list[Leg]:
    rung = [leg for leg in legs if leg.sid != call.root_sid]
    return tries_that_count(rung) if call.direction == "outbound" else rung


def at_the_end_of(call: Call, leg: Leg, cast: Cast) -> str:
    """Who is at the end of any leg, at the beginning of a sentence."""
    if leg.sid != call.root_sid:
        return _sentence(_who(call, leg, cast))
    return _sentence(cast.other if call.direction == "inbound" else cast.of(call.user_id))


def _who(call: Call, leg: Leg, cast: Cast) -> str:
    """Who is at the end of a leg that was rung."""
    if call.direction == "outbound":
        return cast.other
    return cast.of(call.other_user_id if call.direction == "internal" else leg.user_id)


def _state(call: Call, leg: Leg) -> str:
    if leg.answered_at:
        return "Answered"
    if leg.ended_at:
        busy = leg.status == "busy" and call.direction == "outbound"
        return "Was busy" if busy else _FATES[_fate(call, leg)][1]
    return "Is ringing" if leg.ringing_at else "Is being called"


def _fate(call: Call, leg: Leg) -> str:
    if leg.status == "busy":
        return "rejected"
    if leg.status == "failed":
        return "unreachable"
    # Who was left no time, because somebody else answered or the caller hung up, did not fail to answer.
    if call.answered_at and leg.ended_at and leg.ended_at >= _second(call.answered_at):
        return "taken"
    return "stopped" if leg.status == "canceled" or call.outcome == "abandoned" else "silent"


def _together(steps: list[Step]) -> Iterator[Step]:
    """What happened to several people in one second is one step."""
    for _, group in groupby(steps, key=lambda step: (_second(step.at), step.order, step.words)):
        same = list(group)
        names = [step.who for step in same if step.who]
        who = " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
        words = same[0].words.replace("{who}", who) if names else same[0].words
        yield replace(same[0], words=_sentence(words), who=who)


def _place(step: Step) -> tuple[Any, ...]:
    second = _second(step.at)
    return second, step.order, step.at if step.order in _BY_OUR_CLOCK else second, step.words


def _facts(events: Sequence[CallEvent], kind: str, read: Callable[[Any], Any]) -> list[tuple[CallEvent, Any]]:
    """The events of a kind, each with what it says; those without their most needed field say nothing."""
    found = []
    for event in events:
        if event.kind == kind:
            try:
                found.append((event, read(_form(event))))
            except FactMissing:
                continue
    return found


def _form(event: CallEvent) -> Form:
    return Form((name, value) for name, value in event.body)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _seconds(since: datetime | None, until: datetime | None) -> int | None:
    return max(0, int((until - since).total_seconds())) if since and until else None


def _sentence(words: str) -> str:
    """Names keep their first letter as it is: it may be a small one."""
    return words[0].upper() + words[1:] if words.startswith(("the ", "a ")) else words
