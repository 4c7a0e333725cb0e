"""Recordings by ear: which frequency is in which channel, through bridges, conferences, pauses and restarts."""

import wave

import numpy as np
import pytest
from world import NUMBER, eventually, settings_for, world

from voipcrm.sandbox.application import serve
from voipcrm.sandbox.farends.hearing import measure

PATH = "/voip/webhook/twilio"


def channels(path):
    """Frequency of the middle of each channel, and the length in seconds."""
    with wave.open(str(path)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, sound.getnchannels())
    middle = len(samples) // 2
    hz = [measure(samples[middle - 2000 : middle + 2000, number]).hz for number in range(samples.shape[1])]
    return hz, len(samples) / 8000


async def test_a_dialled_call_has_the_caller_left_and_the_callee_right(tmp_path):
    twiml = (
        '<Dial record="record-from-answer-dual" action="dial" recordingStatusCallback="recording">'
        "<Number>+15550150108</Number></Dial>"
    )
    async with world(tmp_path, voice=twiml) as place:
        call = await place.ring(behaviour="tone:700")
        await eventually(lambda: place.exchange.recordings.running)
        (active,) = place.exchange.recordings.running.values()
        await eventually(lambda: active.recorder.seconds > 1.5)
        await place.control(f"calls/{call.sid}/hangup", {})
        (done,) = await eventually(lambda: place.app.at(PATH + "/recording"))
        hz, seconds = channels(place.exchange.recordings.wav(done["RecordingSid"]))
        assert hz == pytest.approx([700, 1000], abs=8)
        assert seconds == pytest.approx(float(done["RecordingDuration"]), abs=0.6)


async def test_recording_from_ringing_starts_before_the_answer_and_is_mixed(tmp_path):
    twiml = (
        '<Dial record="record-from-ringing" timeout="2" action="dial" recordingStatusCallback="recording">'
        "<Number>+15550150103</Number></Dial>"
    )
    async with world(tmp_path, voice=twiml, dial="<Hangup/>") as place:
        await place.ring(behaviour="tone:700")
        (done,) = await eventually(lambda: place.app.at(PATH + "/recording"))
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert action["RecordingSid"] == done["RecordingSid"]
        assert done["RecordingChannels"] == "1"
        _, seconds = channels(place.exchange.recordings.wav(done["RecordingSid"]))
        assert 1.5 < seconds < 3


async def test_a_recording_by_rest_follows_the_leg_from_a_bridge_into_a_conference(tmp_path):
    twiml = '<Dial action="dial"><Number>+15550150108</Number></Dial>'
    room = "<Dial><Conference beep='false' waitUrl=''>room-9</Conference></Dial>"
    async with world(tmp_path, voice=twiml, dial=room) as place:
        call = await place.ring(behaviour="tone:700")
        await eventually(lambda: (children := place.children_of(call)) and children[0].status == "in-progress")
        (child,) = place.children_of(call)
        made = await place.rest(lambda client: client.calls(child.sid).recordings.create(recording_channels="dual"))
        recorder = place.exchange.recordings.running[made.sid].recorder
        await eventually(lambda: recorder.seconds > 0.6)
        await place.rest(lambda client: client.calls(child.sid).update(twiml=f"<Response>{room}</Response>"))
        conference = await eventually(lambda: place.exchange.conferences.named("room-9"))
        await eventually(lambda: [who.seated for who in conference.participants.values()] == [True, True])
        joined = recorder.seconds
        await eventually(lambda: recorder.seconds > joined + 2.5)
        await place.rest(lambda client: client.calls(child.sid).update(status="completed"))
        row = await eventually(
            lambda: (found := place.exchange.recordings.rows[made.sid]).status == "completed" and found
        )
        # The child's own leg: what it says first, what it hears second, in the bridge as in the conference.
        hz, seconds = channels(place.exchange.recordings.wav(row.sid))
        assert hz == pytest.approx([1000, 700], abs=8)
        assert seconds > 3


async def test_a_pause_is_missing_or_silent_as_asked(tmp_path):
    async with world(tmp_path, voice="<Pause length='30'/>") as place:
        call = await place.ring(behaviour="tone:700")
        await eventually(lambda: call.status == "in-progress")
        made = [await place.rest(lambda client: client.calls(call.sid).recordings.create()) for _ in range(2)]
        for row, behavior in zip(made, ("skip", "silence"), strict=True):
            one = place.exchange.recordings.running[row.sid]
            await place.rest(
                lambda client, sid=row.sid, behavior=behavior: (
                    client.calls(call.sid).recordings(sid).update(status="paused", pause_behavior=behavior)
                )
            )
            assert one.row.status == "paused"
        skipping, silent = (place.exchange.recordings.running[row.sid].recorder for row in made)
        before = skipping.seconds
        await eventually(lambda: silent.seconds > 1.5)
        assert skipping.seconds == before


async def test_a_recording_that_runs_at_the_exit_is_kept_and_a_killed_one_is_absent(tmp_path):
    twiml = '<Record maxLength="60" playBeep="false"/>'
    async with world(tmp_path, voice=twiml) as place:
        await place.ring(behaviour="tone:700")
        (active,) = await eventually(lambda: list(place.exchange.recordings.running.values()))
        await eventually(lambda: active.recorder.seconds > 0.5)
    kept = active.row.sid
    lost = "RE" + "0" * 32
    folder = tmp_path / "sandbox" / "recordings"
    text = (folder / f"{kept}.json").read_text().replace(kept, lost).replace('"completed"', '"in-progress"')
    (folder / f"{lost}.json").write_text(text)
    (folder / f"{lost}.wav.part").write_bytes(b"RIFF")
    (folder / f"RE{'1' * 32}.json").write_text("{half")
    serving = await serve(settings_for(tmp_path, "http://127.0.0.1:9"))
    try:
        rows = serving.parts.exchange.recordings.rows
        assert {sid: row.status for sid, row in rows.items()} == {kept: "completed", lost: "absent"}
        assert not list(folder.glob("*.part"))
        assert channels(folder / f"{kept}.wav")[0] == pytest.approx([700], abs=8)
    finally:
        await serving.close()


async def test_rest_rings_a_browser_with_parameters_and_records_it(tmp_path):
    async with world(tmp_path) as place:
        ada = await place.phone("u_1", hz=500)
        told = place.app.base + PATH + "/recording"
        made = await place.rest(
            lambda client: client.calls.create(
                to="client:u_1?call=a%20b&line=Sales",
                from_=NUMBER,
                twiml="<Response><Play digits='wwwwww'/></Response>",
                record=True,
                recording_status_callback=told,
            )
        )
        incoming = await ada.next_incoming()
        assert incoming.custom == {"call": "a b", "line": "Sales"}
        assert (incoming.parameters["To"], incoming.sid) == ("client:u_1", made.sid)
        await incoming.accept()
        (done,) = await eventually(lambda: place.app.at(PATH + "/recording"))
        assert done["RecordingSource"] == "OutboundAPI"
        assert channels(place.exchange.recordings.wav(done["RecordingSid"]))[0] == pytest.approx([500], abs=8)
