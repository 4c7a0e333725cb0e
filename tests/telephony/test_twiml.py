from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.telephony import twiml

BASE = "https://crm.example.com/voip/webhook/twilio"
ACTION, STATUS, RECORDING = f"{BASE}/dial?call=7&x=1", f"{BASE}/status", f"{BASE}/recording?call=7"
WAIT = f"{BASE}/hold-music"
OURS, THEIRS = "+12025550100", "+14155550123"
HOSTILE = "</Say><Dial>+19005550199</Dial><Say>\"'&amp;]]><!--"


def dial_number(**changes):
    given = {"number": THEIRS, "caller_id": OURS, "action_url": ACTION, "status_url": STATUS}
    return twiml.dial_number(**(given | changes))


def dial_clients(**changes):
    given = {"identities": ["u_12"], "caller_id": THEIRS, "action_url": ACTION, "status_url": STATUS}
    return twiml.dial_clients(**(given | changes))


def dial_conference(**changes):
    given = {"name": "k3j", "caller_id": OURS, "action_url": ACTION, "status_url": STATUS, "wait_url": WAIT}
    return twiml.dial_conference(**(given | changes))


def parsed(document):
    assert document.startswith('<?xml version="1.0" encoding="UTF-8"?><Response')
    assert len(document.encode()) < 64_000
    return ElementTree.fromstring(document.encode())


def only(document):
    verbs = list(parsed(document))
    assert len(verbs) == 1
    return verbs[0]


def test_a_number_is_dialled_with_all_that_must_be_said():
    dial = only(dial_number(recording_url=RECORDING))
    assert dial.tag == "Dial"
    assert dial.attrib == {
        "callerId": OURS,
        "action": ACTION,
        "method": "POST",
        "answerOnBridge": "true",
        "timeout": "30",
        "timeLimit": "14400",
        "record": "record-from-answer-dual",
        "recordingStatusCallback": RECORDING + "#rc=5&rp=all",
        "recordingStatusCallbackMethod": "POST",
        "recordingStatusCallbackEvent": "in-progress completed absent",
    }
    (number,) = dial
    assert (number.tag, number.text) == ("Number", THEIRS)
    assert number.attrib == {
        "statusCallback": STATUS + "#rc=5&rp=all",
        "statusCallbackMethod": "POST",
        "statusCallbackEvent": "initiated ringing answered completed",
    }


def test_without_a_place_to_report_it_nothing_is_recorded():
    for document in (dial_number(), dial_clients(), dial_conference()):
        assert "record" not in document.lower()


def test_own_retry_rules_are_left_alone():
    assert only(dial_number(status_url=STATUS + "#rc=1"))[0].get("statusCallback") == STATUS + "#rc=1"


def test_all_browsers_ring_at_once_and_learn_what_the_call_is():
    dial = only(
        dial_clients(
            identities=["u_12", "u_13"], parameters={"call": "c-77", "name": HOSTILE, "line": "Büro"}, ring_seconds=25
        )
    )
    assert dial.get("timeout") == "25"
    assert dial.get("sequential") is None
    assert [client.find("Identity").text for client in dial] == ["u_12", "u_13"]
    for client in dial:
        found = {parameter.get("name"): parameter.get("value") for parameter in client.findall("Parameter")}
        assert found == {"call": "c-77", "name": HOSTILE, "line": "Büro"}
        assert client.get("statusCallbackEvent") == "initiated ringing answered completed"


def test_browsers_can_ring_one_after_another():
    assert only(dial_clients(identities=["u_1", "u_2"], one_after_another=True)).get("sequential") == "true"


def test_a_colleague_calls_as_a_client_but_never_the_outside_world():
    assert only(dial_clients(caller_id="client:u_3")).get("callerId") == "client:u_3"
    with pytest.raises(ValueError, match="caller_id"):
        dial_number(caller_id="client:u_3")


@pytest.mark.parametrize("count", [0, 11])
def test_more_browsers_than_the_provider_takes_are_refused(count):
    with pytest.raises(ValueError, match="identities"):
        dial_clients(identities=[f"u_{number + 1}" for number in range(count)])


def test_a_conference_is_joined_with_music_and_without_beeps():
    dial = only(dial_conference(recording_url=RECORDING))
    (conference,) = dial
    assert (conference.tag, conference.text) == ("Conference", "k3j")
    assert conference.attrib == {
        "startConferenceOnEnter": "true",
        "endConferenceOnExit": "true",
        "beep": "false",
        "waitUrl": WAIT,
        "waitMethod": "POST",
        "statusCallback": STATUS + "#rc=5&rp=all",
        "statusCallbackMethod": "POST",
        "statusCallbackEvent": "start end join leave mute hold",
        "record": "record-from-start",
        "recordingStatusCallback": RECORDING + "#rc=5&rp=all",
        "recordingStatusCallbackMethod": "POST",
        "recordingStatusCallbackEvent": "in-progress completed absent",
    }
    assert dial.get("callerId") == OURS


def test_hold_music_plays_for_ever():
    play = only(twiml.hold_music(url="https://crm.example.com/static/sounds/hold.wav"))
    assert (play.tag, play.get("loop")) == ("Play", "0")


def test_the_small_documents():
    assert [verb.tag for verb in parsed(twiml.hang_up())] == ["Hangup"]
    assert list(parsed(twiml.empty())) == []
    assert only(twiml.pause(seconds=120)).attrib == {"length": "120"}
    assert only(twiml.reject()).get("reason") == "rejected"


def test_what_is_said_cannot_become_a_verb():
    say, hang_up = parsed(twiml.say_and_hang_up(text=HOSTILE))
    assert (say.tag, say.text, hang_up.tag) == ("Say", HOSTILE, "Hangup")
    assert list(say) == []
    assert say.attrib == {"language": "en-US"}


def test_an_endless_text_is_cut():
    assert len(parsed(twiml.say_and_hang_up(text="a" * 100_000))[0].text) == 4096


@given(st.text())
def test_any_text_makes_valid_xml(text):
    """Control characters, U+FFFF and lone surrogates are not XML, not even escaped (the provider answers 12100)."""
    say = parsed(twiml.say_and_hang_up(text=text))[0]
    parameter = only(dial_clients(parameters={"name": text})).find("Client/Parameter")
    for found in (say.text or "", parameter.get("value")):
        assert set(found.replace("\n", "")) <= set(text) | {"\n"}


def test_characters_that_xml_cannot_carry_are_dropped():
    say = parsed(twiml.say_and_hang_up(text="a\x00b\x0bc\x1bd\uffffe\ud800f\U0001f600"))[0]
    assert say.text == "abcdef\U0001f600"


BAD_NUMBERS = ["", "+1", "14155550123", "+1 415 555 0123", "+14155550123,,9", "+0123456789", "sip:a@b.c", "client:u_1"]
BAD_NUMBERS += [
    "+1415555012x",
    "+１4155550123",
    "+1４155550123",
    "+14155550123\n",
    "+" + "1" * 16,
    None,
    14155550123,
    "<Number>",
]


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_only_e164_is_dialled_or_shown(number):
    with pytest.raises(ValueError, match="number"):
        dial_number(number=number)
    with pytest.raises(ValueError, match="caller_id"):
        dial_number(caller_id=number)
    if number != "client:u_1":
        with pytest.raises(ValueError, match="caller_id"):
            dial_clients(caller_id=number)


BAD_URLS = [
    "",
    "/voip/x",
    "ftp://h/x",
    "javascript:alert(1)",
    "https://h/ x",
    "https://h/\nx",
    'https://h/"x',
    "https://",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_only_whole_http_urls_are_called_back(url):
    for make in (dial_number, dial_clients, dial_conference):
        for name in ("action_url", "status_url", "recording_url"):
            with pytest.raises(ValueError, match="URL"):
                make(**{name: url})
    with pytest.raises(ValueError, match="URL"):
        twiml.hold_music(url=url)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (dial_clients, {"identities": ["ada@example.com"]}),
        (dial_clients, {"identities": ["u_1</Identity>"]}),
        (dial_clients, {"identities": [""]}),
        (dial_clients, {"parameters": {"a b": "c"}}),
        (dial_clients, {"ring_seconds": 4}),
        (dial_clients, {"ring_seconds": True}),
        (dial_number, {"time_limit_seconds": 0}),
        (dial_number, {"time_limit_seconds": "60"}),
        (dial_conference, {"name": "call with Ada"}),
        (dial_conference, {"name": ""}),
        (twiml.pause, {"seconds": 0}),
    ],
)
def test_what_the_provider_would_choke_on_is_refused_here(make, change):
    with pytest.raises(ValueError):
        make(**change)
