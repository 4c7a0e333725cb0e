"""Whatever order the news of a call comes in, it adds up to the same call."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.calls.states import Told, call_state, leg_states
from voipcrm.telephony.facts import DialEnded

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROOT, ADA, BO = "CA" + "a" * 32, "CA" + "b" * 32, "CA" + "c" * 32


def status(sid, word, second, *, sequence=None, to=None, seconds=None, sip=None):
    moment = NOON + timedelta(seconds=second)
    return Told(
        kind="status", sid=sid, status=word, sequence=sequence, at=moment, to=to, duration_seconds=seconds, sip_code=sip
    )


def dial_ended(second, dial_status, *, parent="in-progress", sid=None, bridged=None, seconds=None):
    fact = DialEnded(
        call_sid=ROOT, parent_status=parent, dial_status=dial_status, dial_sid=sid, bridged=bridged,
        duration_seconds=seconds, sip_code=None,
    )  # fmt: skip
    return Told(kind="dial", sid=ROOT, status=parent, at=NOON + timedelta(seconds=second), dial=fact)


FOUR = [
    status(ADA, "initiated", 0, sequence=0, to="client:u_1"),
    status(ADA, "ringing", 1, sequence=1, to="client:u_1"),
    status(ADA, "in-progress", 5, sequence=2, to="client:u_1"),
    status(ADA, "completed", 47, sequence=3, to="client:u_1", seconds=42),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_all_24_orders_of_four_events_give_the_same_leg(order):
    assert leg_states([FOUR[i] for i in order]) == leg_states(FOUR)


def test_a_late_ringing_does_not_revive_an_ended_leg():
    leg = leg_states([FOUR[3], FOUR[1]])[ADA]
    assert leg.status == "completed"
    assert leg.is_over


def test_a_lost_answer_is_worked_out_from_the_length():
    leg = leg_states([FOUR[0], FOUR[3]])[ADA]
    assert leg.answered_at == NOON + timedelta(seconds=5)


def test_between_two_ends_the_higher_sequence_number_wins():
    ends = [status(ADA, "no-answer", 9, sequence=2), status(ADA, "completed", 9, sequence=3)]
    assert leg_states(ends)[ADA].status == leg_states(ends[::-1])[ADA].status == "completed"


def test_an_unknown_status_changes_nothing():
    assert leg_states([*FOUR, status(ADA, "teleported", 60, sequence=9)]) == leg_states(FOUR)


def a_ring_group():
    """Ada and Bo are rung; Ada answers and talks for 40 s, Bo's leg is cancelled."""
    return [
        status(ROOT, "ringing", 0),
        status(ADA, "ringing", 1, sequence=1, to="client:u_1"),
        status(BO, "ringing", 1, sequence=1, to="client:u_2"),
        status(ADA, "in-progress", 4, sequence=2, to="client:u_1"),
        status(BO, "no-answer", 4, sequence=2, to="client:u_2", sip=487),
        status(ADA, "completed", 44, sequence=3, to="client:u_1", seconds=40),
        dial_ended(44, "completed", sid=ADA, bridged=True, seconds=40),
        status(ROOT, "completed", 45, seconds=45),
    ]


@given(st.permutations(range(8)))
def test_losers_of_a_ring_group_never_overwrite_in_any_order(order):
    events = a_ring_group()
    call = call_state("inbound", ROOT, [events[i] for i in order])
    assert (call.state, call.outcome, call.answered_by, call.talk_seconds) == ("ended", "answered", 1, 40)


@given(st.permutations(range(8)), st.sets(st.integers(0, 7)))
def test_repeats_change_nothing(order, again):
    events = a_ring_group()
    told = [events[i] for i in (*order, *sorted(again))]
    assert call_state("inbound", ROOT, told) == call_state("inbound", ROOT, events)


@given(st.sets(st.sampled_from(range(7))))
def test_once_the_first_leg_has_ended_the_call_is_over_whatever_was_lost(lost):
    events = a_ring_group()
    call = call_state("inbound", ROOT, [event for i, event in enumerate(events) if i not in lost])
    assert call.state == "ended"
    assert call.outcome in {"answered", "missed", "abandoned"}


def test_completed_without_a_bridge_is_missed():
    events = [
        status(ROOT, "ringing", 0),
        status(ADA, "in-progress", 2, to="client:u_1"),
        dial_ended(9, "completed", sid=ADA, bridged=False),
        status(ROOT, "completed", 12),
    ]
    assert call_state("inbound", ROOT, events).outcome == "missed"


def test_nobody_answers_an_incoming_call():
    events = [
        status(ROOT, "ringing", 0),
        status(ADA, "ringing", 1, to="client:u_1"),
        status(ADA, "no-answer", 26, to="client:u_1"),
        dial_ended(26, "no-answer"),
        status(ROOT, "completed", 31),
    ]
    assert call_state("inbound", ROOT, events).outcome == "missed"


def test_the_caller_gives_up():
    events = [
        status(ROOT, "ringing", 0),
        status(ADA, "ringing", 1, to="client:u_1"),
        status(ADA, "canceled", 8, to="client:u_1"),
        dial_ended(8, "no-answer", parent="completed"),
        status(ROOT, "canceled", 8),
    ]
    assert call_state("inbound", ROOT, events).outcome == "abandoned"


@pytest.mark.parametrize(
    ("dialled", "sip", "outcome", "reason"),
    [
        ("busy", 486, "busy", None),
        ("no-answer", 487, "no-answer", None),
        ("failed", 404, "failed", "That is not a working number."),
        ("busy", 603, "busy", "The call was declined."),
    ],
)
def test_an_outgoing_call_that_is_not_answered_says_why(dialled, sip, outcome, reason):
    events = [
        status(ROOT, "in-progress", 0),
        status(ADA, dialled, 6, sequence=2, to="+12025550102", sip=sip),
        dial_ended(6, dialled),
        status(ROOT, "completed", 7),
    ]
    call = call_state("outbound", ROOT, events)
    assert (call.outcome, call.reason, call.talk_seconds) == (outcome, reason, 0)


def test_an_outgoing_call_that_its_caller_stops_is_canceled():
    events = [
        status(ROOT, "ringing", 0),
        status(ADA, "ringing", 1, to="+12025550103"),
        status(ADA, "canceled", 5, to="+12025550103"),
        dial_ended(5, "canceled", parent="completed"),
        status(ROOT, "completed", 5),
    ]
    assert call_state("outbound", ROOT, events).outcome == "canceled"


def test_a_promoted_call_goes_on_after_its_dial_ended():
    events = [
        status(ROOT, "in-progress", 0),
        status(ADA, "in-progress", 3, to="+12025550100"),
        dial_ended(20, "completed", sid=ADA),
    ]
    assert call_state("outbound", ROOT, events).state == "in-progress"


def test_the_end_of_the_dial_alone_tells_when_it_was_answered():
    events = [
        status(ROOT, "in-progress", 0),
        dial_ended(50, "completed", bridged=True, seconds=45),
        status(ROOT, "completed", 50),
    ]
    call = call_state("outbound", ROOT, events)
    assert (call.outcome, call.talk_seconds) == ("answered", 45)


def test_hold_and_resume_are_told_by_the_last_of_them():
    talking = [status(ROOT, "in-progress", 0), status(ADA, "in-progress", 3, to="+12025550100")]
    hold = Told(kind="hold", sid=None, at=NOON + timedelta(seconds=9))
    resume = Told(kind="resume", sid=None, at=NOON + timedelta(seconds=19))
    assert call_state("outbound", ROOT, [*talking, hold]).held_at == hold.at
    assert call_state("outbound", ROOT, [resume, *talking, hold]).held_at is None


def test_who_hangs_up_at_the_second_step_of_a_route_has_abandoned_and_who_waits_to_the_end_is_missed():
    first, gone = dial_ended(20, "no-answer"), dial_ended(30, "canceled", parent="completed")
    end = status(ROOT, "completed", 40)
    for events in permutations([first, gone, end]):
        assert call_state("inbound", ROOT, events).outcome == "abandoned"
    assert call_state("inbound", ROOT, [first, dial_ended(40, "no-answer"), end]).outcome == "missed"
