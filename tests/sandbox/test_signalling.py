"""Signalling with real sockets and real WebRTC, the browser played by phone.py."""

import asyncio
import threading
import time

import aiohttp
import jwt
import pytest
from phone import access_token, hears
from switchboard import ACCOUNT, APPLICATION, KEY, SECRET, eventually, switchboard

from voipcrm.sandbox.media.mixing import Solo
from voipcrm.sandbox.signalling.tokens import TokenReader, TokenRefused


async def test_a_call_to_an_echo_is_heard_by_the_one_who_speaks():
    async with switchboard() as board:
        ada = await board.phone("u_1", hz=440).register()
        call = await (await ada.connect(To="echo", call="p-1")).until("open")
        await call.hears(440)
        assert board.calls[0].custom == {"To": "echo", "call": "p-1"}
        assert board.calls[0].application_sid == APPLICATION
        assert call.sid == board.calls[0].sid
        await call.hang_up()
        await asyncio.wait_for(board.calls[0].ended.wait(), 2)
        assert board.calls[0].status == "completed"


async def test_two_browsers_hear_each_other():
    async with switchboard() as board:
        ada = await board.phone("u_1", hz=440).register()
        bo = await board.phone("u_2", hz=880).register()
        outgoing = await ada.connect(To="client:u_2", call="p=&ü 1")
        incoming = await bo.next_incoming()
        await outgoing.until("ringing")
        assert incoming.parameters["From"] == "client:u_1"
        assert incoming.parameters["AccountSid"] == ACCOUNT
        assert incoming.custom == {"To": "client:u_2", "call": "p=&ü 1"}
        await incoming.accept()
        await outgoing.until("open")
        await asyncio.gather(outgoing.hears(880), incoming.hears(440))
        outgoing.microphone.muted = True
        await incoming.hears(0)
        outgoing.microphone.muted = False
        await incoming.hears(440)
        await incoming.hang_up()
        await outgoing.until("closed")


async def test_ringback_is_early_media_and_the_answer_does_not_interrupt_it():
    async with switchboard() as board:
        ada = await board.phone("u_1").register()
        call = await (await ada.connect(To="ring")).until("ringing")
        assert call.early_media
        await eventually(lambda: any(m.rms > 0.02 for m in call.ear.history))
        assert call.ear.latest.hz == pytest.approx(460, abs=25)
        await call.hang_up()
        await asyncio.wait_for(board.calls[0].ended.wait(), 2)
        assert board.calls[0].status == "no-answer"


async def test_a_call_refused_early_is_ended_by_its_temporary_sid():
    async with switchboard() as board:
        ada = await board.phone("u_1").register()
        call = await (await ada.connect(To="refuse")).until("closed")
        assert call.error == {"code": 31486, "message": "Busy here"}
        assert ("hangup", {"callsid": call.sid, "error": call.error}) in ada.frames
        assert call.sid.startswith("TJ")


async def test_all_devices_ring_and_only_the_first_keeps_the_call():
    async with switchboard() as board:
        ada = await board.phone("u_1").register()
        tabs = [await board.phone("u_2", hz=700 + 100 * n).register() for n in range(3)]
        outgoing = await ada.connect(To="client:u_2")
        incoming = [await tab.next_incoming() for tab in tabs]
        began = time.monotonic()
        await incoming[1].accept()
        await incoming[0].until("cancelled")
        await incoming[2].until("cancelled")
        assert time.monotonic() - began < 1
        await outgoing.hears(800)
        assert sorted(call.status for call in board.calls[1:]) == ["canceled", "canceled", "in-progress"]


async def test_tabs_that_ring_with_one_sid_are_told_apart():
    async with switchboard() as board:
        tabs = [await board.phone("u_2", hz=700 + 100 * n).register() for n in range(3)]
        call = await board.ring_fork("u_2")
        first, second, third = [await tab.next_incoming() for tab in tabs]
        assert first.sid == second.sid == third.sid == call.sid
        await tabs[0].close()
        await second.accept()
        await third.until("cancelled")
        await asyncio.wait_for(call.answered.wait(), 2)
        solo = Solo(board.clock, call.leg)
        solo.echo = True
        solo.start()
        await second.hears(800)
        board.devices.drop("u_2")
        await tabs[1].lost()
        await tabs[1].reopen()
        await eventually(lambda: tabs[1].frames[-1][0] == "answer")
        await second.hang_up()
        await asyncio.wait_for(call.ended.wait(), 2)
        assert call.status == "completed"


async def test_a_rejected_call_is_busy():
    async with switchboard() as board:
        bo = await board.phone("u_2").register()
        (call,) = await board.ring_device("u_2")
        await (await bo.next_incoming()).reject()
        await asyncio.wait_for(call.ended.wait(), 2)
        assert (call.status, call.sip_code) == ("busy", 603)


async def test_a_caller_who_gives_up_cancels_the_ringing():
    async with switchboard() as board:
        ada, bo = await board.phone("u_1").register(), await board.phone("u_2").register()
        outgoing = await ada.connect(To="client:u_2")
        incoming = await bo.next_incoming()
        await outgoing.until("ringing")
        await outgoing.hang_up()
        await incoming.until("cancelled")


async def test_giving_up_before_the_exchange_replied_ends_the_call():
    async with switchboard() as board:
        ada = await board.phone("u_1").register()
        call = await ada.connect(To="ring")
        await call.hang_up()
        await eventually(lambda: board.calls and not board.calls[0].is_live)
        assert board.devices.report()[0]["legs"] == []


async def test_a_device_that_leaves_while_it_rings_counts_as_not_answered():
    async with switchboard() as board:
        bo = await board.phone("u_2").register()
        (call,) = await board.ring_device("u_2")
        await bo.next_incoming()
        await bo.close()
        await asyncio.wait_for(call.ended.wait(), 2)
        assert (call.status, call.sip_code) == ("no-answer", 480)


async def test_only_registered_devices_with_an_incoming_grant_are_rung():
    async with switchboard() as board:
        await (deaf := board.phone("u_1", incoming=False)).register()
        bo = await board.phone("u_2").register()
        assert not board.devices.listening("u_1")
        assert board.devices.listening("u_2")
        assert not board.devices.listening("nobody")
        await bo.unregister()
        assert not board.devices.listening("u_2")
        assert board.devices.find("u_2") == []
        await deaf.close()
        await eventually(lambda: len(board.devices.report()) == 1)


async def test_keys_reach_the_gatherer_and_sound_at_the_other_end():
    async with switchboard() as board:
        ada = await board.phone("u_1").register()
        call = await (await ada.connect(To="+15550000108")).until("open")
        await asyncio.sleep(0.3)
        await call.press("12w#")
        assert [await asyncio.wait_for(board.calls[0].digits.get(), 30) for _ in range(3)] == ["1", "2", "#"]
        await eventually(lambda: board.calls[1].leg.ear.keys == "12#")


async def test_a_lost_socket_does_not_interrupt_the_audio_and_the_call_goes_on():
    async with switchboard() as board:
        ada = await board.phone("u_1", hz=440).register()
        call = await (await ada.connect(To="echo")).until("open")
        await call.hears(440)
        assert board.devices.drop("u_1") == 1
        await ada.lost()
        await call.hears(440)
        await ada.reopen()
        await eventually(lambda: ada.frames[-1] == ("answer", {"callsid": call.sid, "reconnect": call.reconnect}))
        await call.hears(440)
        silent = [measured for measured in list(call.ear.history)[1:] if measured.rms < 0.01]
        assert silent == []
        await call.hang_up()
        await asyncio.wait_for(board.calls[0].ended.wait(), 2)


async def test_a_call_ends_when_its_browser_does_not_come_back():
    async with switchboard(grace_seconds=0.5) as board:
        ada = await board.phone("u_1").register()
        call = await (await ada.connect(To="echo")).until("open")
        began = time.monotonic()
        board.devices.drop("u_1")
        await asyncio.wait_for(board.calls[0].ended.wait(), 3)
        assert time.monotonic() - began > 0.4
        await ada.lost()
        await ada.reopen()
        await call.until("closed")


async def test_nobody_takes_over_a_call_with_a_wrong_token_or_identity():
    async with switchboard() as board:
        ada = await board.phone("u_1").register()
        mallory = await board.phone("u_9").register()
        call = await (await ada.connect(To="echo")).until("open")
        await mallory.send("invite", callsid=call.sid, sdp="v=0", reconnect=call.reconnect, twilio={})
        await mallory.send("hangup", callsid=call.sid)
        await ada.send("invite", callsid=call.sid, sdp="v=0", reconnect="guessed", twilio={})
        await call.until("closed")  # the browser is told to let go
        assert ("hangup", {"callsid": call.sid}) in mallory.frames
        assert board.calls[0].is_live


async def test_a_renewed_token_in_mid_call_keeps_the_call():
    async with switchboard() as board:
        ada = await board.phone("u_1", ttl=60).register()
        call = await (await ada.connect(To="echo")).until("open")
        ada.connected.clear()
        await ada.listen(access_token("u_1", account=ACCOUNT, key=KEY, secret=SECRET, application=APPLICATION))
        await asyncio.wait_for(ada.connected.wait(), 2)
        assert 3500 < ada.frames[-1][1]["token"]["ttl"] <= 3600
        await call.hears(440)


async def test_an_ice_restart_moves_the_audio_to_a_new_connection():
    async with switchboard() as board:
        ada = await board.phone("u_1", hz=440).register()
        call = await (await ada.connect(To="echo")).until("open")
        await call.hears(440)
        await call.restart_ice()
        await eventually(lambda: [kind for kind, _ in ada.frames].count("answer") == 2)
        await asyncio.sleep(0.3)
        await call.hears(440)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"ttl": -5}, 31205),
        ({"secret": "another secret of at least 32 bytes"}, 31204),
        ({"key": "SK" + "9" * 32}, 31204),
        ({"account": "AC" + "9" * 32}, 31204),
        ({"ttl": 25 * 3600}, 31207),
        ({"grants": {}}, 31204),
        ({"grants": None}, 31204),
    ],
)
async def test_a_wrong_token_is_refused_and_nothing_is_allowed_with_it(claims, code):
    async with switchboard() as board:
        mallory = await board.phone("u_1", **claims).open()
        assert (await asyncio.wait_for(mallory.errors.get(), 2))["code"] == code
        await mallory.send("register", media={"audio": True})
        assert (await asyncio.wait_for(mallory.errors.get(), 2))["code"] == 31201
        await mallory.connect(To="echo")
        assert (await asyncio.wait_for(mallory.errors.get(), 2))["code"] == 31201
        assert not board.calls
        assert not board.devices.listening("u_1")


@pytest.mark.parametrize("token", ["", "x.y.z", "not a token", jwt.encode({"exp": 9**9}, SECRET, algorithm="HS256")])
def test_what_is_no_twilio_token_is_refused(token):
    with pytest.raises(TokenRefused) as refused:
        TokenReader(ACCOUNT, {KEY: SECRET}.get).read(token)
    assert refused.value.code == 31204


def test_a_token_without_a_signature_is_refused():
    claims = {"iss": KEY, "sub": ACCOUNT, "exp": time.time() + 60, "grants": {"identity": "u_1"}}
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"cty": "twilio-fpa;v=1"})
    with pytest.raises(TokenRefused):
        TokenReader(ACCOUNT, {KEY: SECRET}.get).read(unsigned)


async def test_a_token_without_an_application_may_not_place_calls():
    async with switchboard() as board:
        ada = await board.phone("u_1", application="").register()
        call = await (await ada.connect(To="echo")).until("closed")
        assert call.error["code"] == 31201
        assert not board.calls


async def test_when_a_token_expires_presence_stops_and_the_call_goes_on():
    async with switchboard() as board:
        ada = await board.phone("u_1", ttl=2).register()
        call = await (await ada.connect(To="echo")).until("open")
        assert (await asyncio.wait_for(ada.errors.get(), 4))["code"] == 31205
        assert not board.devices.listening("u_1")
        await call.hears(440)
        second = await (await ada.connect(To="echo")).until("closed")
        assert second.error["code"] == 31205


async def test_heartbeats_come_and_nonsense_is_ignored():
    async with switchboard() as board, aiohttp.ClientSession() as http, http.ws_connect(board._url) as socket:
        assert (await asyncio.wait_for(socket.receive(), 2)).data == "\n"
        for nonsense in ("{", "[]", '{"type": 5}', '{"type": "hangup", "payload": 7}', '{"type": "new"}', "\n"):
            await socket.send_str(nonsense)
        await socket.send_str('{"type": "listen", "payload": {}, "version": "1.6"}')
        ada = await board.phone("u_1").register()
        await ada.send("hangup")
        await ada.send("invite", callsid="TJ1")
        await ada.send("invite", callsid="TJ2", sdp="no sdp at all", twilio={"params": "To=echo"})
        await eventually(lambda: any(kind == "hangup" for kind, _ in ada.frames))
        assert ada.frames[-1][1]["error"]["code"] == 31005
        call = await (await ada.connect(To="echo")).until("open")
        await call.hears(440)


async def test_a_message_is_acknowledged():
    async with switchboard() as board:
        ada = await board.phone("u_1").register()
        await ada.send("message", callsid="CA1", content={}, contenttype="x", messagetype="y", voiceeventsid="KX1")
        await eventually(lambda: ada.frames[-1][0] == "ack")
        assert ada.frames[-1][1] == {"acktype": "message", "callsid": "CA1", "voiceeventsid": "KX1"}


async def test_a_call_without_audio_is_ended_with_an_error(monkeypatch):
    monkeypatch.setattr("voipcrm.sandbox.signalling.browser_leg.NO_MEDIA_SECONDS", 0.5)
    async with switchboard() as board:
        ada = await board.phone("u_1").register()
        call = await ada.connect(To="echo")
        call.leg.accept = lambda sdp: asyncio.sleep(0)  # a browser whose packets find no way
        await call.until("closed")
        assert call.error["code"] == 53405
        assert not board.calls[0].is_live


async def test_ended_calls_leave_nothing_behind():
    async with switchboard() as board:
        ada = await board.phone("u_1").register()
        tasks, threads = len(asyncio.all_tasks()), threading.active_count()
        for _ in range(3):
            call = await (await ada.connect(To="echo")).until("open")
            await hears(call.ear, 440)
            await call.hang_up()
        await eventually(lambda: len(board.clock) == 0)
        await eventually(lambda: not board.devices.legs)
        await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
        await eventually(lambda: threading.active_count() <= threads)
