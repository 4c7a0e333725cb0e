"""A call is told in words, in the order in which it happened, whatever of it was told to us."""

from __future__ import annotations

from itertools import permutations

import pytest

from voipcrm.calls.models import CallEvent
from voipcrm.calls.telling import Cast, parts, rang_seconds, tell

from .call_rows import NOON, after, inbound, internal, outbound

ADA, BO = 1, 2
CAST = Cast(people={ADA: "Ada Ortiz", BO: "Bo Becker"}, other="Priya Raman", line="Sales line")


def event(kind, second, *, sid=None, **fields) -> CallEvent:
    body = [["CallSid", sid or "CA" + "0" * 32], *([name, value] for name, value in fields.items())]
    return CallEvent(kind=kind, at=after(second), call_sid=sid, body=body)


def dial_ended(call, parent="in-progress", status="completed"):
    child = next(leg.sid for leg in call.legs if leg.sid != call.root_sid and leg.answered_at)
    fields = {"CallStatus": parent, "DialCallStatus": status, "DialCallSid": child, "DialBridged": "true"}
    return event("dial", 65, sid=call.root_sid, **fields)


def told(call, events=(), cast=CAST) -> list[str]:
    return [step.words for step in tell(call, call.legs, list(events), cast)]


def test_an_answered_call_from_the_first_ring_to_the_last_word():
    call = inbound(rung=[ADA], by=ADA)
    steps = tell(call, call.legs, [dial_ended(call)], CAST)
    assert [(int((step.at - NOON).total_seconds()), step.words) for step in steps] == [
        (0, "Priya Raman called Sales line"),
        (1, "Rang Ada Ortiz"),
        (5, "Ada Ortiz answered"),
        (65, "Ada Ortiz hung up"),
    ]


def test_who_is_rung_at_once_is_told_at_once_and_losing_is_not_failing_to_answer():
    call = inbound(rung=[ADA, BO], by=BO)
    assert told(call, [dial_ended(call, parent="completed")]) == [
        "Priya Raman called Sales line",
        "Rang Ada Ortiz and Bo Becker",
        "Bo Becker answered",
        "Stopped ringing Ada Ortiz",
        "Priya Raman hung up",
    ]
    assert [(part.who, part.words) for part in parts(call, call.legs, CAST)] == [
        ("Ada Ortiz", "Somebody else answered"),
        ("Bo Becker", "Answered"),
    ]


def test_nobody_answers():
    call = inbound(rung=[ADA, BO], outcome="missed")
    assert told(call)[2:] == ["Ada Ortiz and Bo Becker did not answer", "The call ended, nobody had answered"]
    assert rang_seconds(call, call.legs) == 19


def test_the_caller_gives_up():
    call = inbound(rung=[ADA], outcome="abandoned")
    assert told(call)[2:] == ["Stopped ringing Ada Ortiz", "Priya Raman hung up before anyone answered"]
    assert parts(call, call.legs, CAST)[0].words == "The caller hung up"


def test_who_still_rang_when_the_caller_gave_up_did_not_fail_to_answer_whatever_the_provider_calls_it():
    call = inbound(rung=[ADA], outcome="abandoned")
    call.legs[1].status = "no-answer"
    assert told(call)[2] == "Stopped ringing Ada Ortiz"


def test_one_rejects_and_the_other_answers():
    call = inbound(rung=[ADA, BO], by=BO)
    ada = next(leg for leg in call.legs if leg.user_id == ADA)
    ada.status, ada.ended_at = "busy", after(3)
    assert told(call)[1:4] == ["Rang Ada Ortiz and Bo Becker", "Ada Ortiz rejected the call", "Bo Becker answered"]


def test_nobody_is_there_to_ring():
    call = inbound(outcome="missed", number=None)
    assert told(call, cast=Cast(people={}, other="the caller")) == [
        "The caller called a number that is no line of ours",
        "Nobody could be reached",
    ]
    assert rang_seconds(call, call.legs) is None


@pytest.mark.parametrize(
    ("outcome", "reason", "end"),
    [
        ("busy", None, "Priya Raman was busy"),
        ("no-answer", None, "Priya Raman did not answer"),
        ("canceled", None, "Ada Ortiz hung up before an answer"),
        ("canceled", "The phone did not connect.", "The phone did not connect"),
        ("failed", "That is not a working number.", "That is not a working number"),
        ("failed", None, "The call could not be connected"),
    ],
)
def test_a_call_of_ours_that_came_to_nothing_says_so_once(outcome, reason, end):
    call = outbound(ADA, outcome=outcome, reason=reason)
    assert told(call) == ["Ada Ortiz called Priya Raman from Sales line", "Rang Priya Raman", end]


def test_colleagues():
    cast = Cast(people=CAST.people, other="the caller")
    assert told(internal(ADA, BO, outcome="busy"), cast=cast) == [
        "Ada Ortiz called Bo Becker",
        "Rang Bo Becker",
        "Bo Becker rejected the call",
    ]
    call = internal(ADA, BO)
    call.legs[1].user_id = ADA  # as read from `From` where `To` was not told: the call knows better
    assert told(call, [dial_ended(call)], cast)[2:] == ["Bo Becker answered", "Bo Becker hung up"]


def test_hold_and_resume_name_who_did_it_in_their_order():
    call = inbound(rung=[ADA], by=ADA)
    events = [
        event("hold", 10.2, By=str(ADA)),
        event("resume", 10.6, By=str(ADA)),
        event("hold", 10.9, By=str(ADA)),
    ]
    for order in permutations(events):
        assert told(call, order)[3:6] == [
            "Put on hold by Ada Ortiz",
            "Resumed by Ada Ortiz",
            "Put on hold by Ada Ortiz",
        ]


def test_a_promoted_call_ends_by_whoever_ended_its_conference_and_not_by_the_dial_that_broke_up():
    call = inbound(rung=[ADA], by=ADA, conference_name="c" * 32)
    conference = "CF" + "1" * 32
    broken_up = dial_ended(call, status="answered")
    left = [
        event(
            "conference",
            65,
            sid=sid,
            ConferenceSid=conference,
            StatusCallbackEvent="participant-leave",
            SequenceNumber=n,
        )
        for n, sid in (("7", call.root_sid), ("8", call.legs[1].sid))
    ]
    assert told(call, [broken_up])[-1] == "The call ended"
    assert told(call, [broken_up, *reversed(left)])[-1] == "Priya Raman hung up"
    ended = event("conference", 65, ConferenceSid=conference, CallSidEndingConference=call.legs[1].sid)
    assert told(call, [broken_up, *left, ended])[-1] == "Ada Ortiz hung up"


RECORDING = "RE" + "1" * 32
BEGAN = {
    "RecordingSid": RECORDING,
    "RecordingStatus": "in-progress",
    "RecordingStartTime": "Mon, 23 Nov 2026 12:00:05 +0000",
}
DONE = {**BEGAN, "RecordingStatus": "completed", "RecordingDuration": "60"}


@pytest.mark.parametrize("forms", [[BEGAN, DONE], [DONE, BEGAN], [DONE], [DONE, DONE, BEGAN]])
def test_a_recording_begins_when_it_began_in_any_order_of_news(forms):
    call = inbound(rung=[ADA], by=ADA)
    words = told(call, [dial_ended(call), *(event("recording", 67, **form) for form in forms)])
    assert words[2:] == ["Ada Ortiz answered", "Recording began", "Ada Ortiz hung up"]


def test_the_second_recording_of_a_promoted_call_goes_on_where_the_first_ended():
    call = inbound(rung=[ADA], by=ADA)
    later = {**DONE, "RecordingSid": "RE" + "0" * 32, "RecordingStartTime": "Mon, 23 Nov 2026 12:00:30 +0000"}
    words = told(call, [event("recording", 67, **later), event("recording", 31, **DONE)])
    assert words[3:] == ["Recording began", "Recording went on", "The call ended"]


def test_a_recording_of_nothing_never_began():
    call = inbound(rung=[ADA], by=ADA)
    words = told(call, [event("recording", 67, **{**BEGAN, "RecordingStatus": "absent"})])
    assert "Recording began" not in words
    assert words[-1] == "Nothing was recorded"


def test_a_live_call_has_no_end_and_its_legs_are_told_as_they_are():
    call = inbound(rung=[ADA])
    assert told(call) == ["Priya Raman called Sales line", "Rang Ada Ortiz"]
    assert parts(call, call.legs, CAST)[0].words == "Is ringing"
    assert rang_seconds(call, call.legs) is None


def test_the_clock_of_the_provider_may_be_behind_ours():
    call = inbound(rung=[ADA], by=ADA, at=after(0.9))
    for leg in call.legs:
        leg.ringing_at = NOON if leg.user_id else None  # the provider's second began before ours
    steps = tell(call, call.legs, [], CAST)
    assert [step.words for step in steps][:2] == ["Priya Raman called Sales line", "Rang Ada Ortiz"]
    assert min(step.at for step in steps) == call.started_at


def test_events_without_their_most_needed_field_cost_nothing():
    call = inbound(rung=[ADA], by=ADA)
    broken = [CallEvent(kind=kind, at=after(9), body=[]) for kind in ("recording", "dial", "conference", "hold", "new")]
    assert told(call, broken)[3:] == ["Put on hold by a colleague", "The call ended"]


def test_names_are_not_read_as_patterns_or_changed():
    cast = Cast(people={ADA: "{who} de {0}"}, other="the caller", line="")
    assert told(inbound(rung=[ADA], by=ADA), cast=cast)[1:3] == ["Rang {who} de {0}", "{who} de {0} answered"]
