"""<Dial>: who rings, who talks, what the application is told."""

from world import NUMBER, eventually, world

PATH = "/voip/webhook/twilio"


async def test_a_browser_calls_a_number_and_both_hear_each_other(tmp_path):
    twiml = (
        f'<Dial answerOnBridge="true" callerId="{NUMBER}" action="dial" record="record-from-answer-dual" '
        'recordingStatusCallback="recording" recordingStatusCallbackEvent="in-progress completed absent">'
        '<Number statusCallback="status" statusCallbackEvent="initiated ringing answered completed">'
        "+15550150108</Number></Dial>"
    )
    async with world(tmp_path, voice=twiml) as place:
        phone = await place.phone("u_1", hz=440)
        call = await phone.connect(call="abc123")
        await call.until("open")
        await call.hears(1000)
        parent = next(call for call in place.exchange.calls.values() if not call.parent_sid)
        (child,) = place.children_of(parent)
        await eventually(lambda: (heard := place.far_end(child).leg.ear.latest) and abs(heard.hz - 440) < 10)
        await call.hang_up()
        await eventually(lambda: place.app.at(PATH + "/recording", RecordingStatus="completed"))
        voice = place.app.hooks[0]
        assert voice["From"] == "client:u_1"
        assert voice["call"] == "abc123"
        assert voice["Direction"] == "inbound"
        assert voice["CallStatus"] == "ringing"
        assert voice["ApplicationSid"].startswith("AP")
        told = [hook for hook in place.app.at(PATH + "/status") if hook["CallSid"] == child.sid]
        assert [hook["CallStatus"] for hook in told] == ["initiated", "ringing", "in-progress", "completed"]
        assert [hook["SequenceNumber"] for hook in told] == ["0", "1", "2", "3"]
        assert {hook["ParentCallSid"] for hook in told} == {parent.sid}
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert action["DialCallStatus"] == "completed"
        assert action["DialBridged"] == "true"
        assert action["DialCallSid"] == child.sid
        assert action["CallStatus"] == "completed"
        (done,) = place.app.at(PATH + "/recording", RecordingStatus="completed")
        assert done["RecordingSid"] == action["RecordingSid"]
        assert done["RecordingChannels"] == "2"
        assert done["RecordingSource"] == "DialVerb"
