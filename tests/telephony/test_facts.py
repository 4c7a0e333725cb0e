from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.telephony.errors import FactMissing
from voipcrm.telephony.facts import (
    ConferenceEvent,
    DialEnded,
    Form,
    LegStatus,
    RecordingStatus,
    VoiceRequest,
    browser_parameters,
    idempotency_key,
    moment,
)

CALL, CHILD, ACCOUNT = "CA" + "a" * 32, "CA" + "b" * 32, "AC" + "0" * 32
RECORDING, CONFERENCE = "RE" + "c" * 32, "CF" + "d" * 32
NOON = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)

INBOUND = [
    ("ApiVersion", "2010-04-01"),
    ("AccountSid", ACCOUNT),
    ("CallSid", CALL),
    ("From", "+14155550123"),
    ("Caller", "+14155550123"),
    ("FromCity", "SAN FRANCISCO"),
    ("FromState", ""),
    ("To", "+12025550100"),
    ("CallStatus", "ringing"),
    ("Direction", "inbound"),
    ("CallerName", "<b>Zoë</b>"),
    ("ForwardedFrom", "12345678901234567890123"),
    ("StirVerstat", "TN-Validation-Passed-A"),
    ("SomethingNew", "2027"),
]
LEG = [
    ("CallSid", CHILD),
    ("ParentCallSid", CALL),
    ("AccountSid", ACCOUNT),
    ("CallStatus", "completed"),
    ("Direction", "outbound-dial"),
    ("From", "+12025550100"),
    ("To", "+14155550123"),
    ("SequenceNumber", "3"),
    ("CallbackSource", "call-progress-events"),
    ("Timestamp", "Mon, 23 Nov 2026 12:00:05 +0000"),
    ("Duration", "2"),
    ("CallDuration", "61"),
    ("SipResponseCode", "200"),
]


def changed(pairs, **changes):
    return [(name, changes.get(name, value)) for name, value in pairs]


def without(pairs, *names):
    return [pair for pair in pairs if pair[0] not in names]


def test_an_inbound_call_is_read():
    request = VoiceRequest.read(Form(INBOUND))
    assert (request.call_sid, request.status) == (CALL, "ringing")
    assert (request.from_, request.to) == ("+14155550123", "+12025550100")
    assert browser_parameters(Form(INBOUND)) == {"SomethingNew": "2027"}


def test_a_browser_call_names_its_user_and_brings_its_own_parameters():
    pairs = [
        *changed(INBOUND, From="client:u_12", To=""),
        ("ApplicationSid", "AP1"),
        ("call", "c-77"),
        ("Record", "no"),
    ]
    request, parameters = VoiceRequest.read(Form(pairs)), browser_parameters(Form(pairs))
    assert (request.from_, request.to) == ("client:u_12", None)
    assert parameters["call"] == "c-77"
    assert parameters["Record"] == "no"


def test_a_browser_cannot_pass_for_another_by_a_second_from():
    for smuggled in permutations([("From", "client:u_12"), ("From", "client:u_1")]):
        request = VoiceRequest.read(Form(without(INBOUND, "From") + list(smuggled)))
        assert request.from_ is None


def test_the_same_value_twice_is_said_once():
    assert VoiceRequest.read(Form(INBOUND + INBOUND)) == VoiceRequest.read(Form(INBOUND))


def test_a_leg_status_is_read_in_small_letters():
    assert LegStatus.read(Form(changed(LEG, CallStatus="Completed"))) == LegStatus(call_sid=CHILD, status="completed")


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 23 Nov 2026 12:00:05 +0000",
        "Mon, 23 Nov 2026 12:00:05 GMT",
        "Mon, 23 Nov 2026 12:00:05 -0000",
        "Mon, 23 Nov 2026 07:00:05 -0500",
        "23 Nov 2026 12:00:05 +0000",
        "2026-11-23T12:00:05Z",
        "2026-11-23T13:00:05+01:00",
        "2026-11-23 12:00:05",
        "1795435205",
        "1795435205000",
        "  2026-11-23T12:00:05Z ",
    ],
)
def test_every_spelling_of_a_moment_is_the_same_moment(text):
    assert moment(text) == NOON
    assert moment(text).tzinfo is UTC


@pytest.mark.parametrize("text", [None, "", " ", "yesterday", "2026-13-45T99:00", "9" * 400, "-1", "0000-00-00", "²"])
def test_an_unreadable_moment_is_none(text):
    assert moment(text) is None


@given(st.text(max_size=40))
def test_reading_a_moment_never_raises(text):
    found = moment(text)
    assert found is None or found.tzinfo is UTC


def test_garbage_in_one_field_does_not_lose_the_rest():
    ill = [("DialCallStatus", "busy"), ("DialCallDuration", "-4"), ("DialSipResponseCode", "４８６")]
    ended = DialEnded.read(Form([("CallSid", CALL), *ill]))
    assert (ended.duration_seconds, ended.sip_code) == (None, None)
    assert (ended.call_sid, ended.dial_status) == (CALL, "busy")


def test_a_bridged_dial_was_answered():
    ended = DialEnded.read(
        Form(
            [
                ("CallSid", CALL),
                ("CallStatus", "in-progress"),
                ("DialCallStatus", "completed"),
                ("DialCallSid", CHILD),
                ("DialCallDuration", "42"),
                ("DialBridged", "true"),
                ("RecordingSid", RECORDING),
            ]
        )
    )
    assert ended.was_answered
    assert (ended.dial_sid, ended.duration_seconds) == (CHILD, 42)
    assert ended.parent_status == "in-progress"


@pytest.mark.parametrize(
    ("status", "bridged", "answered"),
    [
        ("completed", "true", True),
        ("answered", "true", True),
        ("completed", None, True),
        ("completed", "false", False),
        ("answered", "false", False),
        ("no-answer", "false", False),
        ("busy", None, False),
        ("canceled", "true", False),
        ("failed", None, False),
        ("", None, False),
    ],
)
def test_a_dial_without_a_bridge_is_missed(status, bridged, answered):
    pairs = [("CallSid", CALL), ("DialCallStatus", status)] + ([("DialBridged", bridged)] if bridged else [])
    assert DialEnded.read(Form(pairs)).was_answered is answered


def test_a_call_recording_is_read():
    recording = RecordingStatus.read(
        Form(
            [
                ("AccountSid", ACCOUNT),
                ("CallSid", CALL),
                ("RecordingSid", RECORDING),
                ("RecordingUrl", "http://169.254.169.254/"),
                ("RecordingStatus", "completed"),
                ("RecordingDuration", "61"),
                ("RecordingChannels", "2"),
                ("RecordingStartTime", "Mon, 23 Nov 2026 12:00:05 +0000"),
                ("RecordingSource", "DialVerb"),
                ("RecordingTrack", "both"),
                ("ErrorCode", "0"),
            ]
        )
    )
    assert recording.error_code is None
    assert (recording.call_sid, recording.conference_sid) == (CALL, None)
    assert (recording.duration_seconds, recording.channels, recording.started_at) == (61, 2, NOON)
    assert (recording.status, recording.source) == ("completed", "DialVerb")
    assert not hasattr(recording, "url")  # media are fetched by SID from the provider only


def test_a_conference_recording_has_no_call():
    recording = RecordingStatus.read(
        Form(
            [
                ("ConferenceSid", CONFERENCE),
                ("RecordingSid", RECORDING),
                ("RecordingStatus", "absent"),
                ("ErrorCode", "13229"),
            ]
        )
    )
    assert (recording.conference_sid, recording.call_sid) == (CONFERENCE, None)
    assert (recording.status, recording.error_code) == ("absent", 13229)


def test_a_conference_event_is_read():
    event = ConferenceEvent.read(
        Form(
            [
                ("ConferenceSid", CONFERENCE),
                ("FriendlyName", "k3j4h5"),
                ("StatusCallbackEvent", "participant-leave"),
                ("CallSid", CALL),
                ("ParticipantLabel", "agent"),
                ("SequenceNumber", "7"),
                ("Timestamp", "Mon, 23 Nov 2026 12:00:05 +0000"),
                ("Muted", "false"),
                ("Hold", "true"),
                ("Coaching", "maybe"),
                ("EndConferenceOnExit", "true"),
                ("ReasonParticipantLeft", "participant_hung_up"),
            ]
        )
    )
    assert (event.event, event.call_sid, event.sequence) == ("participant-leave", CALL, 7)


@pytest.mark.parametrize(
    ("fact", "field"),
    [
        (VoiceRequest, "CallSid"),
        (LegStatus, "CallSid"),
        (DialEnded, "CallSid"),
        (RecordingStatus, "RecordingSid"),
        (ConferenceEvent, "ConferenceSid"),
    ],
)
def test_a_form_without_its_sid_says_nothing(fact, field):
    for pairs in ([], [(field, "")], [(field, "one"), (field, "two")]):
        with pytest.raises(FactMissing) as missing:
            fact.read(Form(pairs))
        assert missing.value.field == field


@given(st.lists(st.tuples(st.sampled_from([name for name, _ in LEG + INBOUND]) | st.text(), st.text())))
def test_no_form_breaks_the_readers(pairs):
    form = [("RecordingSid", "RE1"), ("ConferenceSid", "CF1"), *pairs]
    for fact in (RecordingStatus, ConferenceEvent):
        assert fact.read(Form(form))
    form = [*without(pairs, "CallSid"), ("CallSid", "CA1")]
    for fact in (VoiceRequest, LegStatus, DialEnded):
        assert fact.read(Form(form)).call_sid == "CA1"


def test_a_leg_event_is_known_by_its_own_numbering():
    key = idempotency_key("status", Form(LEG), "token-1")
    assert key == f"status:{CHILD}:call-progress-events:3"
    assert idempotency_key("status", Form(list(reversed(LEG))), "token-2") == key
    assert idempotency_key("status", Form(changed(LEG, SequenceNumber="4")), "token-1") != key
    assert idempotency_key("dial", Form(LEG), "token-1") != key


def test_without_numbering_the_header_decides_then_the_form():
    pairs = without(LEG, "SequenceNumber")
    assert idempotency_key("dial", Form(pairs), " 7f3e ") == "dial:token:7f3e"
    by_form = idempotency_key("dial", Form(pairs), None)
    assert idempotency_key("dial", Form(list(reversed(pairs))), "") == by_form
    assert idempotency_key("dial", Form(changed(pairs, CallStatus="busy")), None) != by_form
    assert idempotency_key("voice", Form(pairs), None) != by_form
    # Moving a character from a value to a name is another form.
    assert idempotency_key("dial", Form([("ab", "c")]), None) != idempotency_key("dial", Form([("a", "bc")]), None)


@given(st.lists(st.tuples(st.text(), st.text())), st.none() | st.text())
def test_a_key_always_fits_a_column(pairs, token):
    key = idempotency_key("status", Form(pairs), token)
    assert len(key) <= 160
    assert key.isascii()
    assert key.isprintable()


def test_an_overlong_header_cannot_grow_the_key():
    assert idempotency_key("dial", Form([("CallSid", CALL)]), "x" * 10_000).startswith("dial:body:")
