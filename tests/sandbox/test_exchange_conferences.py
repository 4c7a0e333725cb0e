"""Conferences, by TwiML and by the unmodified REST client: hold, mute, coach, labels, beginning and end."""

import pytest
from twilio.base.exceptions import TwilioRestException
from world import NUMBER, eventually, world

PATH = "/voip/webhook/twilio"
ALL = "start end join leave mute hold modify"


def room(**attributes):
    extra = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return (
        f'<Dial action="after"><Conference beep="false" statusCallback="conference" statusCallbackEvent="{ALL}" '
        f'waitUrl="" {extra}>room-1</Conference></Dial>'
    )


def hears(place, call, hz):
    heard = place.far_end(call).leg.ear.latest
    return heard is not None and abs(heard.hz - hz) < 10


def silent(place, call):
    heard = place.far_end(call).leg.ear.latest
    return heard is not None and heard.rms < 0.002


async def two(place, first=600, second=900):
    one = await place.ring(behaviour=f"tone:{first}")
    other = await place.ring(behaviour=f"tone:{second}", **{"from": "+15550142101"})
    conference = await eventually(lambda: place.exchange.conferences.named("room-1"))
    await eventually(lambda: [who.seated for who in conference.participants.values()] == [True, True])
    return one, other, conference


async def test_hold_plays_music_to_one_and_silence_to_the_other_until_resumed(tmp_path):
    async with world(tmp_path, voice=room()) as place:
        one, other, conference = await two(place)
        await eventually(lambda: hears(place, one, 900) and hears(place, other, 600))

        def participant(client):
            found = client.conferences.list(friendly_name="room-1", status="in-progress")
            assert [row.sid for row in found] == [conference.sid]
            return client.conferences(conference.sid).participants(one.sid)

        held = await place.rest(lambda client: participant(client).update(hold=True))
        assert (held.hold, held.call_sid) == (True, one.sid)
        await eventually(lambda: hears(place, one, 523.25) and silent(place, other))
        music = place.app.base + PATH + "/music"
        place.app.answers[PATH + "/music"] = "<Play digits='wwwwwwwwwwwww'/>"
        await place.rest(lambda client: participant(client).update(hold=True, hold_url=music, hold_method="GET"))
        (asked,) = await eventually(lambda: place.app.at(PATH + "/music"))
        assert (asked.method, asked["CallSid"], asked["ConferenceSid"]) == ("GET", one.sid, conference.sid)
        await eventually(lambda: silent(place, one))
        await place.rest(lambda client: participant(client).update(hold=False))
        await eventually(lambda: hears(place, one, 900) and hears(place, other, 600))
        events = [hook["StatusCallbackEvent"] for hook in place.app.at(PATH + "/conference")]
        assert events == [
            "participant-join", "participant-join", "conference-start", "participant-hold", "participant-unhold",
        ]  # fmt: skip
        assert [hook["SequenceNumber"] for hook in place.app.at(PATH + "/conference")] == list("01234")


async def test_a_muted_one_is_not_heard_and_a_coach_only_by_one(tmp_path):
    async with world(tmp_path, voice=room()) as place:
        one, other, conference = await two(place)
        people = lambda client: client.conferences(conference.sid).participants  # noqa: E731
        await place.rest(lambda client: people(client)(one.sid).update(muted=True))
        await eventually(lambda: silent(place, other) and hears(place, one, 900))
        await place.rest(lambda client: people(client)(one.sid).update(muted=False))
        third = await place.rest(
            lambda client: people(client).create(
                from_=NUMBER, to="+15550150108", label="coach", coaching=True, call_sid_to_coach=one.sid, beep="false"
            )
        )
        coach = place.exchange.calls[third.call_sid]
        await eventually(lambda: coach.sid in conference.participants and conference.participants[coach.sid].seated)
        # 1000 Hz of the coach: the coached one hears it beside 900 Hz, the other only 600 Hz.
        assert conference.participants[coach.sid].coaching == one.sid
        await eventually(lambda: hears(place, other, 600))
        listed = await place.rest(lambda client: people(client).list())
        assert {(row.label, row.coaching) for row in listed} == {(None, False), ("coach", True)}
        with pytest.raises(TwilioRestException) as caught:
            await place.rest(lambda client: people(client).create(from_=NUMBER, to="+15550150108", label="coach"))
        assert caught.value.code == 16025


async def test_the_one_with_end_on_exit_ends_it_for_all_and_each_goes_on(tmp_path):
    def voice(hook):
        return room(endConferenceOnExit="true") if hook["From"] == "+15550142101" else room()

    async with world(tmp_path, voice=voice, after="<Pause length='20'/>") as place:
        one, other, conference = await two(place)
        await place.control(f"calls/{other.sid}/hangup", {})
        (end,) = await eventually(lambda: place.app.at(PATH + "/conference", StatusCallbackEvent="conference-end"))
        assert end["CallSidEndingConference"] == other.sid
        assert conference.status == "completed"
        (after,) = await eventually(lambda: place.app.at(PATH + "/after", CallSid=one.sid))
        assert after["DialCallStatus"] == "answered"
        assert "DialCallSid" not in after.params
        assert one.is_live
        await eventually(lambda: place.app.at(PATH + "/after", CallSid=other.sid, CallStatus="completed"))


async def test_one_alone_waits_with_music_and_rest_can_end_or_remove(tmp_path):
    async with world(tmp_path, voice=room().replace('waitUrl=""', ""), after="<Hangup/>") as place:
        one = await place.ring(behaviour="tone:600")
        await eventually(lambda: hears(place, one, 523.25))
        conference = place.exchange.conferences.named("room-1")
        assert conference.status == "init"
        other = await place.ring(behaviour="tone:900")
        await eventually(lambda: hears(place, one, 900))
        await place.rest(lambda client: client.conferences(conference.sid).participants(other.sid).delete())
        await eventually(lambda: not other.is_live)
        assert conference.is_live
        await place.rest(lambda client: client.conferences(conference.sid).update(status="completed"))
        await eventually(lambda: not one.is_live)
        shown = await place.rest(lambda client: client.conferences(conference.sid).fetch())
        assert (shown.status, shown.reason_conference_ended) == ("completed", "conference-ended-via-api")


async def test_a_recorded_conference_tells_its_own_sid_and_no_call(tmp_path):
    twiml = room(record="record-from-start", recordingStatusCallback="recording")
    async with world(tmp_path, voice=twiml) as place:
        one, other, conference = await two(place)
        await eventually(lambda: hears(place, one, 900))
        for call in (one, other):
            await place.control(f"calls/{call.sid}/hangup", {})
        (done,) = await eventually(lambda: place.app.at(PATH + "/recording"))
        assert done["ConferenceSid"] == conference.sid
        assert "CallSid" not in done.params
        assert (done["RecordingSource"], done["RecordingChannels"]) == ("Conference", "1")
        listed = await place.rest(lambda client: client.recordings.list(conference_sid=conference.sid))
        assert [row.sid for row in listed] == [done["RecordingSid"]]


async def test_a_second_label_does_not_join(tmp_path):
    async with world(tmp_path, voice=room(participantLabel="ada"), after="<Hangup/>") as place:
        await place.ring()
        await eventually(lambda: place.exchange.conferences.named("room-1"))
        second = await place.ring()
        (after,) = await eventually(lambda: place.app.at(PATH + "/after", CallSid=second.sid))
        assert after["DialCallStatus"] == "failed"
        assert [item.code for item in place.exchange.notifications.recent] == [16025]
