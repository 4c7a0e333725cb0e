"""REST, through the unmodified twilio.rest.Client."""

import asyncio
import datetime

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from world import ACCOUNT, APPLICATION, KEY, NUMBER, TOKEN, RebasedHttpClient, eventually, settings_for, world

from voipcrm.sandbox import calls as sandbox_calls
from voipcrm.sandbox.application import serve

PATH = "/voip/webhook/twilio"
EVENTS = ["initiated", "ringing", "answered", "completed"]


async def refused(place, work) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        await place.rest(work)
    return caught.value


async def test_a_call_is_made_followed_and_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox_calls, "PRICE_AFTER_SECONDS", 0.2)
    async with world(tmp_path, hello="<Pause length='30'/>") as place:
        hello, status = place.app.base + PATH + "/hello", place.app.base + PATH + "/status"
        made = await place.rest(
            lambda client: client.calls.create(
                to="+1 (555) 015-0108", from_=NUMBER, url=hello, status_callback=status, status_callback_event=EVENTS
            )
        )
        assert (made.status, made.direction, made.to) == ("queued", "outbound-api", "+15550150108")
        (hook,) = await eventually(lambda: place.app.at(PATH + "/hello"))
        assert (hook["CallStatus"], hook["Direction"]) == ("in-progress", "outbound-api")
        shown = await place.rest(lambda client: client.calls(made.sid).fetch())
        assert (shown.status, shown.price) == ("in-progress", None)
        ended = await place.rest(lambda client: client.calls(made.sid).update(status="completed"))
        assert ended.status == "completed"
        assert ended.end_time.tzinfo is not None
        told = await eventually(lambda: len(found := place.app.at(PATH + "/status")) == 4 and found)
        assert [hook["CallStatus"] for hook in told] == ["initiated", "ringing", "in-progress", "completed"]
        await eventually(lambda: place.exchange.calls[made.sid].price)
        priced = await place.rest(lambda client: client.calls(made.sid).fetch())
        assert float(priced.price) < 0
        assert priced.price_unit == "USD"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "tomorrow", "from_": NUMBER, "twiml": "<Response/>"}, 21211),
        ({"to": "+15550150108", "from_": "+15559990000", "twiml": "<Response/>"}, 21210),
        ({"to": "+15550150108", "from_": NUMBER}, 21205),
        ({"to": "+15550150108", "from_": NUMBER, "twiml": "<Response>"}, 12100),
        ({"to": "+15550150108", "from_": NUMBER, "application_sid": "AP" + "9" * 32}, 21218),
    ],
)
async def test_a_call_that_cannot_be_made_is_refused_with_twilios_code(tmp_path, fields, code):
    async with world(tmp_path) as place:
        error = await refused(place, lambda client: client.calls.create(**fields))
        assert (error.status, error.code) == (400, code)
        assert not place.exchange.calls


async def test_a_call_that_is_over_cannot_be_redirected(tmp_path):
    async with world(tmp_path, voice="<Hangup/>") as place:
        call = await place.ring()
        await eventually(lambda: not call.is_live)
        error = await refused(place, lambda client: client.calls(call.sid).update(twiml="<Response/>"))
        assert (error.status, error.code) == (400, 21220)


async def test_lists_are_filtered_and_paged(tmp_path):
    async with world(tmp_path, voice="<Hangup/>") as place:
        made = [await place.ring(**{"from": f"+1555014210{number}"}) for number in range(5)]
        await eventually(lambda: all(not call.is_live for call in made))
        newest_first = [call.sid for call in reversed(made)]
        paged = await place.rest(lambda client: client.calls.list(page_size=2))
        assert [call.sid for call in paged] == newest_first
        one = await place.rest(lambda client: client.calls.list(from_="+15550142103"))
        assert [call.sid for call in one] == [made[3].sid]
        assert await place.rest(lambda client: client.calls.list(status="busy")) == []
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)
        assert len(await place.rest(lambda client: client.calls.list(start_time_after=since))) == 5
        assert await place.rest(lambda client: client.calls.list(start_time_before=since)) == []
        today = since.date()
        assert len(await place.rest(lambda client: client.calls.list(start_time=today))) in (0, 5)
        await place.rest(lambda client: client.calls(made[0].sid).delete())
        assert len(await place.rest(lambda client: client.calls.list())) == 4


async def test_a_call_is_recorded_paused_resumed_and_stopped(tmp_path):
    async with world(tmp_path, voice="<Pause length='30'/>") as place:
        call = await place.ring(behaviour="tone:700")
        await eventually(lambda: call.status == "in-progress")
        told = place.app.base + PATH + "/recording"
        made = await place.rest(
            lambda client: client.calls(call.sid).recordings.create(
                recording_channels="dual",
                recording_status_callback=told,
                recording_status_callback_event=["in-progress", "completed"],
            )
        )
        assert (made.status, made.channels, made.source) == ("in-progress", 2, "StartCallRecordingAPI")
        current = lambda client: client.calls(call.sid).recordings("Twilio.CURRENT")  # noqa: E731
        paused = await place.rest(lambda client: current(client).update(status="paused", pause_behavior="skip"))
        assert (paused.sid, paused.status) == (made.sid, "paused")
        assert (await place.rest(lambda client: current(client).update(status="in-progress"))).status == "in-progress"
        await eventually(lambda: place.exchange.recordings.running[made.sid].recorder.seconds > 0.5)
        assert (await place.rest(lambda client: current(client).update(status="stopped"))).status == "stopped"
        (done,) = await eventually(lambda: place.app.at(PATH + "/recording", RecordingStatus="completed"))
        assert done["RecordingSource"] == "StartCallRecordingAPI"
        error = await refused(place, lambda client: current(client).update(status="paused"))
        assert error.status == 404
        listed = await place.rest(lambda client: client.calls(call.sid).recordings.list())
        assert [row.sid for row in listed] == [made.sid]


async def test_media_comes_as_wav_and_mp3_with_ranges_and_outlives_a_restart(tmp_path):
    number = "<Number>+15550150107</Number>"
    twiml = f'<Dial record="record-from-answer-dual" recordingStatusCallback="recording">{number}</Dial>'
    async with world(tmp_path, voice=twiml) as place:
        await place.ring(behaviour="tone:700", hang_up_after=3)
        (done,) = await eventually(lambda: place.app.at(PATH + "/recording"), 12)
    settings = settings_for(tmp_path, "http://127.0.0.1:9")
    serving = await serve(settings)
    try:
        client = Client(ACCOUNT, TOKEN, http_client=RebasedHttpClient(serving.url))
        row = await asyncio.to_thread(lambda: client.recordings(done["RecordingSid"]).fetch())
        assert (row.status, row.channels, row.duration) == ("completed", 2, done["RecordingDuration"])
        get = lambda suffix, **headers: asyncio.to_thread(_get, serving.url, row.sid + suffix, headers)  # noqa: E731
        wav = await get(".wav")
        assert wav.status_code == 200
        assert wav.content[:4] == b"RIFF"
        assert wav.headers["Content-Type"] == "audio/x-wav"
        assert (await get("")).content == wav.content
        part = await get(".wav", Range="bytes=100-199")
        assert (part.status_code, part.content) == (206, wav.content[100:200])
        mp3 = await get(".mp3")
        assert mp3.headers["Content-Type"] == "audio/mpeg"
        assert mp3.content[:3] == b"ID3" or mp3.content[0] == 0xFF
        assert len(mp3.content) < len(wav.content) / 2
        mono = await get(".wav?RequestedChannels=1")
        assert len(mono.content) < len(wav.content) * 0.6
        assert await asyncio.to_thread(lambda: client.recordings(row.sid).delete())
        assert (await get(".wav")).status_code == 404
        assert await asyncio.to_thread(client.recordings.list) == []
        kept = await asyncio.to_thread(lambda: client.recordings.list(include_soft_deleted=True))
        assert [row.sid for row in kept] == [done["RecordingSid"]]
    finally:
        await serving.close()


def _get(base, name, headers):
    url = f"{base}/2010-04-01/Accounts/{ACCOUNT}/Recordings/{name}"
    return requests.get(url, headers=headers, auth=(ACCOUNT, TOKEN), timeout=10)


async def test_applications_numbers_and_keys_are_kept(tmp_path):
    async with world(tmp_path, voice="<Hangup/>") as place:
        application = await place.rest(lambda client: client.applications(APPLICATION).fetch())
        assert application.voice_url == place.app.base + PATH + "/voice"
        named = lambda name: place.rest(lambda client: client.applications.list(friendly_name=name))  # noqa: E731
        assert [row.sid for row in await named("voipcrm")] == [APPLICATION]
        assert await named("voip") == []
        wired = place.app.base + PATH + "/second#rc=2"
        place.app.answers[PATH + "/second"] = "<Hangup/>"
        await place.rest(lambda client: client.applications(APPLICATION).update(voice_url=wired))
        number = await place.rest(
            lambda client: client.incoming_phone_numbers.create(
                phone_number="+15550100001", friendly_name="Sales", voice_application_sid=APPLICATION
            )
        )
        await place.ring(to="+15550100001")
        (hook,) = await eventually(lambda: place.app.at(PATH + "/second"))
        assert (hook["To"], hook["ApplicationSid"]) == ("+15550100001", APPLICATION)
        error = await refused(place, lambda client: client.incoming_phone_numbers.create(phone_number="+15550100001"))
        assert error.code == 21422
        error = await refused(
            place, lambda client: client.incoming_phone_numbers(number.sid).update(voice_url="ftp://x")
        )
        assert error.code == 21502
        found = await place.rest(lambda client: client.incoming_phone_numbers.list(phone_number="+15550100001"))
        assert [(row.sid, row.friendly_name) for row in found] == [(number.sid, "Sales")]
        key = await place.rest(lambda client: client.new_keys.create(friendly_name="second"))
        other = Client(key.sid, key.secret, ACCOUNT, http_client=RebasedHttpClient(place.serving.url))
        keys = await asyncio.to_thread(other.keys.list)
        assert {row.sid for row in keys} == {KEY, key.sid}
        assert not any(hasattr(row, "secret") and row.secret for row in keys)
        verified = await place.rest(lambda client: client.validation_requests.create(phone_number="+15557770000"))
        assert verified.phone_number == "+15557770000"
        ids = await place.rest(lambda client: client.outgoing_caller_ids.list())
        assert [row.phone_number for row in ids] == ["+15557770000"]
        records = await place.rest(lambda client: client.usage.records.this_month.list(category="totalprice"))
        assert [row.category for row in records] == ["totalprice"]
    async with world(tmp_path) as again:
        kept = await again.rest(lambda client: client.incoming_phone_numbers.list())
        assert {row.phone_number for row in kept} == {NUMBER, "+15550100001"}
        application = await again.rest(lambda client: client.applications(APPLICATION).fetch())
        assert application.voice_url == again.app.base + PATH + "/second#rc=2"


async def test_only_who_knows_a_secret_of_this_account_gets_in(tmp_path):
    async with world(tmp_path) as place:
        http = RebasedHttpClient(place.serving.url)
        for user, password, account, status in (
            (ACCOUNT, TOKEN, ACCOUNT, 200),
            (ACCOUNT, "secondary-token", ACCOUNT, 200),
            (ACCOUNT, "wrong", ACCOUNT, 401),
            (KEY, TOKEN, ACCOUNT, 401),
            (ACCOUNT, TOKEN, "AC" + "7" * 32, 404),
        ):
            url = f"https://api.twilio.com/2010-04-01/Accounts/{account}.json"
            reply = await asyncio.to_thread(http.request, "GET", url, auth=(user, password))
            assert reply.status_code == status, (user, password, account)
        error = await refused(place, lambda client: client.calls("CA" + "0" * 32).fetch())
        assert (error.status, error.code) == (404, 20404)


async def test_rest_faults_come_and_go(tmp_path):
    async with world(tmp_path) as place:
        fetch = lambda client: client.applications(APPLICATION).fetch()  # noqa: E731
        for mode, status in (("429", 429), ("503", 503), ("500", 500)):
            await place.control("faults", {"rest_mode": mode, "rest_count": 1})
            assert (await refused(place, fetch)).status == status
            assert (await place.rest(fetch)).sid == APPLICATION
        await place.control("faults", {"rest_mode": "hang", "rest_count": 1})
        http = RebasedHttpClient(place.serving.url)
        url = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}.json"
        with pytest.raises(requests.ReadTimeout):
            await asyncio.to_thread(http.request, "GET", url, auth=(ACCOUNT, TOKEN), timeout=0.3)
        status, _ = await place.control("faults", {"rest_mode": "418"})
        assert status == 400
