"""Several callees, redirected legs, queues: who is joined to whom and what everyone is told."""

import pytest
from world import NUMBER, eventually, world

PATH = "/voip/webhook/twilio"
EVENTS = 'statusCallback="status" statusCallbackEvent="initiated ringing answered completed"'


@pytest.mark.parametrize(
    ("digits", "status", "sip_code"),
    [("0102", "busy", "486"), ("0104", "busy", "603"), ("0109", "failed", "404"), ("0103", "no-answer", "487")],
)
async def test_a_callee_who_cannot_be_had_is_reported_and_the_program_goes_on(tmp_path, digits, status, sip_code):
    twiml = f'<Dial answerOnBridge="true" timeout="2" action="dial"><Number {EVENTS}>+1555015{digits}</Number></Dial>'
    async with world(tmp_path, voice=twiml, dial="<Say>Goodbye</Say>") as place:
        call = await place.ring()
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert action["DialCallStatus"] == status
        assert action["DialBridged"] == "false"
        assert "DialCallDuration" not in action.params
        assert action["CallStatus"] == "ringing"
        (end,) = await eventually(lambda: place.app.at(PATH + "/status", ParentCallSid=call.sid, CallStatus=status))
        assert end["SipResponseCode"] == sip_code
        assert end["CallDuration"] == "0"
        await eventually(lambda: call.status == "completed")


async def test_the_first_browser_to_answer_wins_and_the_other_stops_ringing(tmp_path):
    twiml = (
        '<Dial answerOnBridge="true" action="dial">'
        f"<Client {EVENTS}><Identity>u_1</Identity><Parameter name='call' value='x y=1'/></Client>"
        f"<Client {EVENTS}>u_2</Client></Dial>"
    )
    async with world(tmp_path, voice=twiml) as place:
        ada, bo = await place.phone("u_1", hz=500), await place.phone("u_2")
        call = await place.ring(behaviour="tone:700")
        first, second = await ada.next_incoming(), await bo.next_incoming()
        assert call.status == "ringing"
        assert first.custom == {"call": "x y=1"}
        assert first.parameters["From"] == "+15550142100"
        await first.accept()
        await second.until("cancelled")
        await first.hears(700)
        await eventually(lambda: (heard := place.far_end(call).leg.ear.latest) and abs(heard.hz - 500) < 10)
        loser = next(child for child in place.children_of(call) if child.to == "client:u_2")
        assert (loser.status, loser.sip_code) == ("no-answer", 487)
        await place.control(f"calls/{call.sid}/hangup", {})
        await first.until("closed")
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert (action["DialCallStatus"], action["CallStatus"]) == ("completed", "completed")


async def test_two_devices_of_one_person_are_one_leg(tmp_path):
    async with world(tmp_path, voice="<Dial><Client>u_1</Client></Dial>") as place:
        one, two = await place.phone("u_1"), await place.phone("u_1")
        call = await place.ring(behaviour="tone:700")
        first, second = await one.next_incoming(), await two.next_incoming()
        assert first.sid == second.sid
        await second.accept()
        await first.until("cancelled")
        await second.hears(700)
        (child,) = place.children_of(call)
        assert child.status == "in-progress"


async def test_a_person_without_a_browser_ends_at_once(tmp_path):
    async with world(tmp_path, voice='<Dial action="dial"><Client>u_9</Client></Dial>', dial="<Hangup/>") as place:
        call = await place.ring()
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert action["DialCallStatus"] == "no-answer"
        await eventually(lambda: not call.is_live)


async def test_a_caller_who_gives_up_stops_the_ringing_and_the_action_is_told(tmp_path):
    twiml = f'<Dial answerOnBridge="true" action="dial"><Client {EVENTS}>u_1</Client></Dial>'
    async with world(tmp_path, voice=twiml, dial="<Say>nobody hears this</Say>") as place:
        ada = await place.phone("u_1")
        call = await place.ring(give_up_after=1)
        incoming = await ada.next_incoming()
        await incoming.until("cancelled")
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert action["DialCallStatus"] == "canceled"
        assert action["CallStatus"] == "no-answer"
        assert call.status == "no-answer"
        (end,) = await eventually(lambda: place.app.at(PATH + "/status", ParentCallSid=call.sid, CallStatus="canceled"))
        assert end["SipResponseCode"] == "487"


async def test_a_rejection_is_busy(tmp_path):
    async with world(tmp_path, voice='<Dial action="dial"><Client>u_1</Client></Dial>') as place:
        ada = await place.phone("u_1")
        await place.ring()
        await (await ada.next_incoming()).reject()
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert action["DialCallStatus"] == "busy"


async def test_a_redirected_callee_lives_on_and_the_dial_ends_without_a_duration(tmp_path):
    twiml = '<Dial action="dial"><Client>u_1</Client></Dial>'
    room = "<Dial><Conference beep='false'>room-7</Conference></Dial>"
    async with world(tmp_path, voice=twiml, dial=room) as place:
        ada = await place.phone("u_1", hz=500)
        call = await place.ring(behaviour="tone:700")
        incoming = await ada.next_incoming()
        await incoming.accept()
        await incoming.hears(700)
        (child,) = place.children_of(call)
        await place.rest(lambda client: client.calls(child.sid).update(twiml=f"<Response>{room}</Response>"))
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert action["DialCallStatus"] == "completed"
        assert "DialCallDuration" not in action.params
        assert action["CallStatus"] == "in-progress"
        conference = await eventually(lambda: place.exchange.conferences.named("room-7"))
        await eventually(lambda: len([who for who in conference.participants.values() if who.seated]) == 2)
        assert child.is_live
        incoming.ear.history.clear()
        await incoming.hears(700)
        await eventually(lambda: (heard := place.far_end(call).leg.ear.latest) and abs(heard.hz - 500) < 10)


async def test_a_redirected_caller_leaves_the_callee_hung_up(tmp_path):
    twiml = '<Dial action="dial"><Client>u_1</Client></Dial>'
    async with world(tmp_path, voice=twiml, other="<Pause length='30'/>") as place:
        ada = await place.phone("u_1")
        call = await place.ring()
        incoming = await ada.next_incoming()
        await incoming.accept()
        await eventually(lambda: call.status == "in-progress" and place.children_of(call)[0].status == "in-progress")
        url = place.app.base + PATH + "/other"
        await place.rest(lambda client: client.calls(call.sid).update(url=url))
        await incoming.until("closed")
        await eventually(lambda: place.app.at(PATH + "/other"))
        assert call.is_live
        assert not place.app.at(PATH + "/dial")


async def test_sequential_callees_ring_one_after_the_other(tmp_path):
    numbers = "<Number>+15550150103</Number><Number>+15550150108</Number>"
    twiml = f'<Dial sequential="true" timeout="1" action="dial">{numbers}</Dial>'
    async with world(tmp_path, voice=twiml) as place:
        call = await place.ring(behaviour="tone:700")
        first, second = await eventually(lambda: len(found := place.children_of(call)) == 2 and found)
        assert not first.is_live
        await eventually(lambda: second.status == "in-progress" or not second.is_live)
        assert first.status == "no-answer"


async def test_a_star_ends_the_dial_and_a_screened_callee_who_hangs_up_is_not_bridged(tmp_path):
    twiml = '<Dial hangupOnStar="true" action="dial"><Number url="screen">+15550150108</Number></Dial>'
    async with world(tmp_path, voice=twiml, screen="<Say>hello</Say>", dial="<Pause length='20'/>") as place:
        call = await place.ring()
        (screen,) = await eventually(lambda: place.app.at(PATH + "/screen"))
        assert screen["ParentCallSid"] == call.sid
        await eventually(lambda: place.far_end(place.children_of(call)[0]).leg.ear.history)
        await eventually(lambda: call.line._bridge)
        await place.control(f"calls/{call.sid}/digits", {"digits": "*"})
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert (action["DialBridged"], action["DialCallStatus"]) == ("true", "completed")
        assert call.is_live
    async with world(tmp_path, voice=twiml, screen="<Hangup/>", dial="<Pause length='20'/>") as place:
        call = await place.ring()
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert (action["DialBridged"], action["DialCallStatus"]) == ("false", "completed")


async def test_a_sip_callee_and_its_response_code(tmp_path):
    sip = '<Sip username="u" password="p">sip:5550102@trunk.example;transport=tls?X-Id=1</Sip>'
    twiml = f'<Dial action="dial" timeout="3">{sip}</Dial>'
    async with world(tmp_path, voice=twiml) as place:
        call = await place.ring()
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert (action["DialCallStatus"], action["DialSipResponseCode"]) == ("busy", "486")
        assert place.children_of(call)[0].to == "sip:5550102@trunk.example"


async def test_a_caller_id_that_is_not_ours_is_refused(tmp_path):
    async with world(
        tmp_path, voice='<Dial callerId="+15559990000" action="dial"><Number>+15550150108</Number></Dial>'
    ) as place:
        call = await place.ring()
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert action["DialCallStatus"] == "failed"
        assert "DialCallSid" not in action.params
        assert place.exchange.notifications.recent[-1].code == 13214
        assert not place.children_of(call)


async def test_a_queued_caller_is_taken_by_who_dials_the_queue(tmp_path):
    def voice(hook):
        if hook["From"] == "client:u_1":
            return '<Dial action="dial"><Queue>support</Queue></Dial>'
        return '<Enqueue action="left" waitUrl="wait">support</Enqueue>'

    async with world(tmp_path, voice=voice, wait="<Play digits='1'/><Pause length='5'/>") as place:
        caller = await place.ring(behaviour="tone:700")
        (wait,) = await eventually(lambda: place.app.at(PATH + "/wait"))
        assert wait["QueuePosition"] == "1"
        ada = await place.phone("u_1", hz=500)
        call = await ada.connect()
        await call.hears(700)
        await eventually(lambda: (heard := place.far_end(caller).leg.ear.latest) and abs(heard.hz - 500) < 10)
        await call.hang_up()
        (left,) = await eventually(lambda: place.app.at(PATH + "/left"))
        assert left["QueueResult"] == "bridged"
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert action["DialCallSid"] == caller.sid


async def test_leave_ends_the_waiting(tmp_path):
    twiml = '<Enqueue action="left" waitUrl="wait">support</Enqueue>'
    async with world(tmp_path, voice=twiml, wait="<Leave/>", left="<Hangup/>") as place:
        call = await place.ring()
        (left,) = await eventually(lambda: place.app.at(PATH + "/left"))
        assert left["QueueResult"] == "leave"
        await eventually(lambda: not call.is_live)


async def test_a_call_to_a_number_that_is_not_ours_is_refused(tmp_path):
    async with world(tmp_path) as place:
        end = place.exchange.far_ends.caller("+15550142100")
        call = await place.exchange.placed_by_far_end("+15550142100", "+15558887777", end)
        await eventually(lambda: not call.is_live)
        assert (call.status, call.sip_code) == ("failed", 404)
        assert not place.app.hooks
        status, reply = await place.control("ring", {"to": "+15558887777", "from": NUMBER})
        assert (status, "not a number of this account" in reply["error"]) == (400, True)
