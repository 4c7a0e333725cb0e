"""Programs of calls: prompts, keys, messages, errors and fallbacks."""

import asyncio
import wave

from aiohttp import web
from world import eventually, world

PATH = "/voip/webhook/twilio"
SORRY_SECONDS = 20


def unavailable(_hook):
    return web.Response(status=503, text="Traceback")


def codes(place):
    return [item.code for item in place.exchange.notifications.recent]


async def test_keys_are_gathered_and_the_first_cuts_the_prompt_short(tmp_path):
    twiml = '<Gather numDigits="3" action="keys"><Say>' + "Please press three keys. " * 30 + "</Say></Gather>"
    async with world(tmp_path, voice=twiml, keys="<Hangup/>") as place:
        await place.ring(behaviour="silent", keys="12w3")
        (keys,) = await eventually(lambda: place.app.at(PATH + "/keys"))
        assert keys["Digits"] == "123"
        assert "FinishedOnKey" not in keys.params


async def test_the_finishing_key_is_not_among_the_digits(tmp_path):
    async with world(tmp_path, voice='<Gather action="keys" timeout="3"/>', keys="<Hangup/>") as place:
        await place.ring(behaviour="silent", keys="45#")
        (keys,) = await eventually(lambda: place.app.at(PATH + "/keys"))
        assert (keys["Digits"], keys["FinishedOnKey"]) == ("45", "#")


async def test_without_a_key_the_program_goes_on_unless_the_action_wants_to_know(tmp_path):
    twiml = '<Gather timeout="1" action="keys"/><Redirect>next</Redirect>'
    second = '<Gather timeout="1" action="keys" actionOnEmptyResult="true"/>'
    async with world(tmp_path, voice=twiml, next=second, keys="<Hangup/>") as place:
        call = await place.ring(behaviour="silent")
        (keys,) = await eventually(lambda: place.app.at(PATH + "/keys"))
        assert keys["Digits"] == ""
        assert place.app.at(PATH + "/next")
        await eventually(lambda: not call.is_live)
        (end,) = await eventually(lambda: place.app.at(PATH + "/status", CallSid=call.sid))
        assert (end["CallStatus"], end["SequenceNumber"]) == ("completed", "0")
        assert int(end["CallDuration"]) >= 2
        assert end["Duration"] == "1"
        assert end["Timestamp"].endswith("+0000")
        assert end["CallbackSource"] == "call-progress-events"
        assert end["FromCountry"] == "US"


async def test_a_message_ends_with_silence_and_a_second_one_with_the_hang_up(tmp_path):
    twiml = '<Record timeout="1" maxLength="20" action="left" recordingStatusCallback="recording" playBeep="false"/>'
    async with world(tmp_path, voice=twiml, left="<Hangup/>") as place:
        speaker = await place.ring(behaviour="tone:700", hang_up_after=2)
        (left,) = await eventually(lambda: place.app.at(PATH + "/left"))
        assert (left["Digits"], left["CallStatus"]) == ("hangup", "completed")
        (done,) = await eventually(lambda: place.app.at(PATH + "/recording"))
        assert (done["RecordingStatus"], done["RecordingSource"]) == ("completed", "RecordVerb")
        assert done["RecordingChannels"] == "1"
        assert done["CallSid"] == speaker.sid
        with wave.open(str(place.exchange.recordings.wav(done["RecordingSid"]))) as sound:
            assert sound.getnchannels() == 1
            assert 1.5 < sound.getnframes() / sound.getframerate() < 2.5
        async with place.http.get(done["RecordingUrl"] + ".wav") as unauthorized:
            assert unauthorized.status == 401


async def test_a_silent_message_is_absent_and_the_program_goes_on(tmp_path):
    twiml = (
        '<Record timeout="1" action="left" playBeep="false" recordingStatusCallback="recording" '
        'recordingStatusCallbackEvent="completed absent"/><Redirect>next</Redirect>'
    )
    async with world(tmp_path, voice=twiml, next="<Hangup/>") as place:
        await place.ring(behaviour="silent")
        await eventually(lambda: place.app.at(PATH + "/next"))
        assert not place.app.at(PATH + "/left")
        (told,) = await eventually(lambda: place.app.at(PATH + "/recording"))
        assert told["RecordingStatus"] == "absent"


async def test_a_rejected_call_is_never_answered(tmp_path):
    async with world(tmp_path, voice='<Reject reason="busy"/>') as place:
        call = await place.ring()
        await eventually(lambda: not call.is_live)
        assert (call.status, call.sip_code, call.answered_at) == ("busy", 486, None)
        phone = await place.phone("u_1")
        outgoing = await phone.connect()
        await outgoing.until("closed")
        assert outgoing.error["code"] == 31486


async def test_a_broken_answer_is_said_aloud_and_kept_in_the_debugger(tmp_path):
    async with world(tmp_path, voice=unavailable) as place:
        call = await place.ring()
        await eventually(call.answered.is_set)
        await eventually(lambda: (heard := place.far_end(call).leg.ear.latest) and heard.rms > 0.01)
        await eventually(lambda: not call.is_live, SORRY_SECONDS)
        assert call.status == "completed"
        assert codes(place) == [11200]


async def test_each_kind_of_bad_answer_has_twilios_code(tmp_path):
    answers = {
        "html": (web.Response(text="<Response/>", content_type="text/html"), 12300),
        "text": (web.Response(text="oops", content_type="text/xml"), 12100),
        "large": (web.Response(text="<Response>" + " " * 70000 + "</Response>", content_type="text/xml"), 11750),
    }
    for name, (response, code) in answers.items():
        async with world(tmp_path / name, voice=lambda _, response=response: response) as place:
            await place.ring()
            await eventually(lambda place=place: place.exchange.notifications.recent)
            assert codes(place) == [code]


async def test_the_fallback_address_takes_over_with_the_error(tmp_path):
    async with world(tmp_path, voice=unavailable, spare="<Pause length='20'/>") as place:
        target = place.exchange.store.applications["AP" + "3" * 32]
        target.voice_fallback_url = place.app.base + PATH + "/spare"
        call = await place.ring()
        (spare,) = await eventually(lambda: place.app.at(PATH + "/spare"))
        assert spare["ErrorCode"] == "11200"
        assert spare["ErrorUrl"] == target.voice_url
        await eventually(lambda: call.status == "in-progress")


async def test_an_unknown_verb_is_a_warning_and_the_next_one_runs(tmp_path):
    async with world(
        tmp_path, voice="<say>x</say><Connect/><Redirect method='GET'>next?a=1</Redirect>", next=""
    ) as place:
        call = await place.ring()
        (hook,) = await eventually(lambda: place.app.at(PATH + "/next"))
        assert (hook.method, hook["a"], hook["CallSid"]) == ("GET", "1", call.sid)
        assert codes(place) == [12200, 12200]
        await eventually(lambda: not call.is_live)


async def test_a_sound_file_is_played_and_a_missing_one_skipped(tmp_path):
    from voipcrm.sandbox.media.recorder import Recorder
    from voipcrm.sandbox.media.tones import tone

    recorder = Recorder(tmp_path / "tone.wav", 1)
    for frame in tone((620,), 1.0):
        recorder.write(frame)
    recorder.close()
    sound = (tmp_path / "tone.wav").read_bytes()
    twiml = "<Play>missing</Play><Play loop='0'>sound</Play>"
    async with world(
        tmp_path / "data",
        voice=twiml,
        missing=lambda _: web.Response(status=404),
        sound=lambda _: web.Response(body=sound, content_type="audio/x-wav"),
    ) as place:
        call = await place.ring(behaviour="silent")
        await eventually(lambda: (heard := place.far_end(call).leg.ear.latest) and abs(heard.hz - 620) < 8)
        assert codes(place) == [11200]
        # Twilio does not sign what it fetches for <Play>
        place.app.hooks = [hook for hook in place.app.hooks if hook.path.rpartition("/")[2] not in ("missing", "sound")]


async def test_a_recording_started_by_twiml_runs_beside_the_call(tmp_path):
    twiml = (
        '<Start><Recording recordingStatusCallback="recording" '
        'recordingStatusCallbackEvent="in-progress completed"/></Start><Play digits="ww1ww"/><Pause length="1"/>'
    )
    async with world(tmp_path, voice=twiml) as place:
        call = await place.ring(behaviour="tone:700")
        first, last = await eventually(lambda: len(told := place.app.at(PATH + "/recording")) == 2 and told)
        assert (first["RecordingStatus"], last["RecordingStatus"]) == ("in-progress", "completed")
        assert last["RecordingSource"] == "StartCallRecordingTwiML"
        assert last["RecordingChannels"] == "2"
        assert last["CallSid"] == call.sid
        assert int(last["RecordingDuration"]) >= 2


async def test_a_slow_answer_does_not_stall_the_other_calls(tmp_path):
    async def voice(hook):
        if hook["From"] == "+15550142199":
            await asyncio.sleep(3)
        return web.Response(text="<Response><Pause length='9'/></Response>", content_type="text/xml")

    async with world(tmp_path, voice=voice) as place:
        slow = await place.ring(**{"from": "+15550142199"})
        quick = await place.ring()
        await eventually(lambda: quick.status == "in-progress", 2)
        assert slow.status == "ringing"
        await place.control(f"calls/{slow.sid}/hangup", {})
        assert slow.status == "no-answer"
