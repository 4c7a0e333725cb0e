import socket
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from voipcrm.telephony.client import Provider
from voipcrm.telephony.errors import LegGone, ProviderRefused, ProviderUnreachable, RecordingGone
from voipcrm.telephony.wire import seconds_to_wait

from .far_end import ACCOUNT, KEY, SECRET

CALL = "CA" + "a" * 32
RECORDING, CONFERENCE = "RE" + "c" * 32, "CF" + "d" * 32
NUMBER, APPLICATION = "PN" + "e" * 32, "AP" + "f" * 32
ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"
A_CALL = {
    "sid": CALL,
    "parent_call_sid": "",
    "status": "completed",
    "from": "+14155550123",
    "to": "+12025550100",
    "direction": "inbound",
    "start_time": "Mon, 23 Nov 2026 12:00:05 +0000",
    "end_time": "Mon, 23 Nov 2026 12:01:06 +0000",
    "duration": "61",
    "price": "-0.0085",
    "price_unit": "USD",
}
A_RECORDING = {
    "sid": RECORDING,
    "call_sid": CALL,
    "conference_sid": None,
    "status": "completed",
    "duration": "61",
    "channels": 2,
    "source": "DialVerb",
    "start_time": "Mon, 23 Nov 2026 12:00:05 +0000",
    "error_code": 0,
}
A_NUMBER = {
    "sid": NUMBER,
    "phone_number": "+12025550100",
    "friendly_name": "Main line",
    "voice_application_sid": APPLICATION,
    "voice_url": "",
    "capabilities": {"voice": True, "sms": False},
}


def test_a_leg_is_redirected_by_twiml(end, provider):
    end.answers_json(A_CALL)
    provider.redirect_call(CALL, twiml="<Response/>")
    (asked,) = end.asked
    assert (asked.method, asked.path) == ("POST", f"{ROOT}/Calls/{CALL}.json")
    assert asked.form == {"Twiml": "<Response/>"}
    assert asked.credentials == f"{KEY}:{SECRET}"
    assert asked.headers["x-sandbox-host"] == "api.twilio.com"


def test_a_leg_is_ended(end, provider):
    end.answers_json(A_CALL)
    provider.end_call(CALL)
    assert end.asked[0].form == {"Status": "completed"}


def test_a_leg_is_fetched_as_facts(end, provider):
    end.answers_json(A_CALL)
    call = provider.fetch_call(CALL)
    assert (call.sid, call.status) == (CALL, "completed")
    assert call.ended_at == datetime(2026, 11, 23, 12, 1, 6, tzinfo=UTC)
    assert call.ended_at.tzinfo is UTC
    assert (call.duration_seconds, call.price, call.price_unit) == (61, Decimal("-0.0085"), "USD")


@pytest.mark.parametrize(("status", "code"), [(404, 20404), (400, 21220)])
def test_what_is_over_is_gone(end, provider, status, code):
    for act in (provider.end_call, provider.fetch_call, lambda sid: provider.redirect_call(sid, twiml="<Response/>")):
        end.refuses(status, code)
        with pytest.raises(LegGone):
            act(CALL)


def test_a_refusal_keeps_the_providers_code_and_not_its_words(end, provider):
    end.refuses(401, 20003)
    end.refuses(400, 21211)
    with pytest.raises(ProviderRefused, match="keys") as refusal:
        provider.fetch_call(CALL)
    assert (refusal.value.code, refusal.value.status) == (20003, 401)
    with pytest.raises(ProviderRefused) as refusal:
        provider.end_call(CALL)
    assert refusal.value.code == 21211


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"), [(429, "7", 7.0), (503, None, None), (500, "soon", None)]
)
def test_a_busy_provider_may_be_asked_again(end, provider, status, retry_after, seconds):
    end.refuses(status, 20429, **({"Retry_After": retry_after} if retry_after else {}))
    with pytest.raises(ProviderUnreachable) as unreachable:
        provider.end_call(CALL)
    assert unreachable.value.status == status
    assert unreachable.value.retry_after == seconds
    assert len(end.asked) == 1  # when to try again is the job's business


def test_a_proxys_error_page_is_no_answer(end, provider):
    end.answers_bytes(b"<html>Sign in to the hotel's network</html>")
    with pytest.raises(ProviderUnreachable):
        provider.fetch_call(CALL)


def test_nobody_listening_is_unreachable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        provider = Provider(account_sid=ACCOUNT, key_sid=KEY, key_secret=SECRET, base_url=base_url)
        with pytest.raises(ProviderUnreachable) as unreachable:
            provider.end_call(CALL)
    assert unreachable.value.status is None


def test_a_hanging_provider_does_not_hang_us(end):
    end.delay_seconds = 1
    provider = Provider(account_sid=ACCOUNT, key_sid=KEY, key_secret=SECRET, base_url=end.url, timeout=0.1)
    with pytest.raises(ProviderUnreachable):
        provider.end_call(CALL)


def test_the_environment_changes_nothing(end, monkeypatch):
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "another")
    provider = Provider(account_sid=ACCOUNT, key_sid=KEY, key_secret=SECRET, base_url=end.url)
    end.answers_json(A_CALL)
    provider.fetch_call(CALL)
    assert end.asked[0].headers["x-sandbox-host"] == "api.twilio.com"
    assert end.asked[0].credentials == f"{KEY}:{SECRET}"
    for missing in ("account_sid", "key_sid", "key_secret"):
        with pytest.raises(ValueError, match="needed"):
            Provider(**({"account_sid": ACCOUNT, "key_sid": KEY, "key_secret": SECRET} | {missing: ""}))


def test_secrets_are_not_shown(provider):
    assert SECRET not in repr(provider)
    assert KEY not in repr(provider)


@pytest.mark.parametrize("sid", ["", "CA1", CALL.upper(), f"{CALL}\n", f"{CALL}/../x", RECORDING, "../" + CALL, None])
def test_a_sid_that_is_none_is_never_asked_for(end, provider, sid):
    for act in (provider.fetch_call, provider.end_call, provider.participants):
        with pytest.raises(ValueError, match="SID"):
            act(sid)
    assert end.asked == []


def test_lists_follow_the_pages_and_speak_utc(end, provider):
    other = "RE" + "b" * 32
    end.answers_json({"recordings": [A_RECORDING], "next_page_uri": f"{ROOT}/Recordings.json?Page=1&PageToken=PAx"})
    end.answers_json({"recordings": [A_RECORDING | {"sid": other}], "next_page_uri": None})
    since = datetime(2026, 11, 23, 13, tzinfo=timezone(timedelta(hours=1)))
    assert [recording.sid for recording in provider.list_recordings(since)] == [RECORDING, other]
    first, second = end.asked
    assert first.query["DateCreated>"] == "2026-11-23T12:00:00Z"
    assert second.query["PageToken"] == "PAx"
    with pytest.raises(ValueError, match="time zone"):
        list(provider.list_recordings(datetime(2026, 11, 23)))  # noqa: DTZ001 - the mistake under test


def test_recordings_are_listed_fetched_and_deleted(end, provider):
    end.answers_json({"recordings": [A_RECORDING], "next_page_uri": None})
    end.answers_json(A_RECORDING | {"status": "processing", "duration": "-1", "error_code": 16104})
    end.answers_bytes(b"", 204)
    (listed,) = provider.list_recordings(datetime(2026, 11, 22, tzinfo=UTC))
    assert (listed.call_sid, listed.conference_sid, listed.channels, listed.error_code) == (CALL, None, 2, None)
    assert end.asked[0].query["DateCreated>"] == "2026-11-22T00:00:00Z"
    fetched = provider.fetch_recording(RECORDING)
    assert (fetched.status, fetched.duration_seconds, fetched.error_code) == ("processing", None, 16104)
    assert provider.delete_recording(RECORDING) is True
    assert (end.asked[2].method, end.asked[2].path) == ("DELETE", f"{ROOT}/Recordings/{RECORDING}.json")


def test_deleting_what_is_gone_is_no_error(end, provider):
    end.refuses(404, 20404)
    assert provider.delete_recording(RECORDING) is False
    end.refuses(404, 20404)
    with pytest.raises(RecordingGone):
        provider.fetch_recording(RECORDING)


def test_a_recording_is_paused_and_goes_on(end, provider):
    end.answers_json({"sid": RECORDING, "status": "paused"})
    end.answers_json({"sid": RECORDING, "status": "in-progress"})
    provider.set_recording_paused(CALL, True)
    provider.set_recording_paused(CONFERENCE, False)
    paused, resumed = end.asked
    assert paused.path == f"{ROOT}/Calls/{CALL}/Recordings/Twilio.CURRENT.json"
    assert paused.form == {"Status": "paused", "PauseBehavior": "silence"}
    assert resumed.path == f"{ROOT}/Conferences/{CONFERENCE}/Recordings/Twilio.CURRENT.json"
    assert resumed.form == {"Status": "in-progress"}


def test_a_conference_is_found_by_its_name_unless_it_is_over(end, provider):
    over, live = {"sid": "CF" + "1" * 32, "status": "completed"}, {"sid": CONFERENCE, "status": "in-progress"}
    end.answers_json({"conferences": [over, live], "next_page_uri": None})
    end.answers_json({"conferences": [over], "next_page_uri": None})
    assert provider.find_conference("k3j") == CONFERENCE
    assert provider.find_conference("k3j") is None
    assert end.asked[0].query["FriendlyName"] == "k3j"


def test_participants_are_held_and_listed(end, provider):
    member = {"call_sid": CALL, "label": "agent", "status": "connected", "muted": False, "hold": True}
    end.answers_json({"participants": [member], "next_page_uri": None})
    for _ in range(2):
        end.answers_json(member)
    assert provider.participants(CONFERENCE) == {CALL}
    provider.set_hold(CONFERENCE, CALL, True, "https://crm.example.com/hold")
    provider.set_hold(CONFERENCE, CALL, False, "https://crm.example.com/hold")
    assert end.asked[1].path == f"{ROOT}/Conferences/{CONFERENCE}/Participants/{CALL}.json"
    assert [asked.form for asked in end.asked[1:]] == [
        {"Hold": "true", "HoldUrl": "https://crm.example.com/hold", "HoldMethod": "POST"},
        {"Hold": "false"},
    ]


def test_who_left_the_conference_is_gone(end, provider):
    end.refuses(404, 20404)
    with pytest.raises(LegGone):
        provider.set_hold(CONFERENCE, CALL, True)


def test_numbers_are_listed_owned_and_wired(end, provider):
    end.answers_json({"incoming_phone_numbers": [A_NUMBER], "next_page_uri": None})
    end.answers_json(A_NUMBER, 201)
    end.answers_json(A_NUMBER)
    (listed,) = provider.list_numbers()
    assert (listed.e164, listed.voice_application_sid, listed.voice_url) == ("+12025550100", APPLICATION, None)
    assert listed.has_voice
    assert provider.own_number("+12025550100").sid == NUMBER
    assert provider.wire_number(NUMBER, application_sid=APPLICATION, label="Sales line").sid == NUMBER
    assert end.asked[1].form == {"PhoneNumber": "+12025550100"}
    assert end.asked[2].form == {"VoiceApplicationSid": APPLICATION, "FriendlyName": "Sales line"}


def test_a_number_is_never_bought_at_the_real_provider():
    provider = Provider(account_sid=ACCOUNT, key_sid=KEY, key_secret=SECRET)
    with pytest.raises(ProviderRefused, match="bought"):
        provider.own_number("+12025550100")


def test_a_number_that_is_unknown_is_a_refusal(end, provider):
    end.refuses(404, 20404)
    with pytest.raises(ProviderRefused) as refusal:
        provider.wire_number(NUMBER, application_sid=APPLICATION, label="Sales line")
    assert refusal.value.code == 20404


def test_a_base_url_may_have_a_path(end):
    provider = Provider(account_sid=ACCOUNT, key_sid=KEY, key_secret=SECRET, base_url=end.url + "/twilio/")
    end.answers_json(A_CALL)
    provider.fetch_call(CALL)
    assert end.asked[0].path == f"/twilio{ROOT}/Calls/{CALL}.json"


def test_retry_after_is_seconds_or_a_date():
    assert seconds_to_wait("120") == 120
    assert seconds_to_wait("Mon, 23 Nov 2020 12:00:00 GMT") == 0
    later = datetime.now(UTC) + timedelta(minutes=2)
    assert 100 < seconds_to_wait(later.strftime("%a, %d %b %Y %H:%M:%S GMT")) <= 120
    for nonsense in (None, "", "soon", "-5", "1e9"):
        assert seconds_to_wait(nonsense) is None
