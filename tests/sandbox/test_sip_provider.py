"""The sandbox's SIP provider, asked by the app's own client, and the calls that it and other hosts take."""

import asyncio

import pytest
from world import eventually, world

from voipcrm.sandbox.sip_provider import ACCOUNTS, SipProvider
from voipcrm.telephony.sip_options import Server, probe

PASSWORD, PATH = ACCOUNTS["demo"], "/voip/webhook/twilio"


@pytest.mark.parametrize(
    ("user", "password", "good", "code"),
    [("demo", PASSWORD, True, 200), ("demo", "wrong", False, 403), ("nobody", PASSWORD, False, 403),
     ("down", PASSWORD, False, 503), ("", "", False, 401)],
)  # fmt: skip
async def test_options_are_answered_to_those_who_know_the_password(tmp_path, user, password, good, code):
    async with world(tmp_path, voice="<Hangup/>") as place:
        server = Server(
            host="127.0.0.1", port=place.exchange.sip_port, transport="udp", username=user, password=password
        )
        found = await asyncio.to_thread(probe, server, allow_loopback=True)
        assert (found.is_good, found.code) == (good, code)
        if good:
            assert found.sentence == "It answers and took the password."


@pytest.mark.parametrize(
    ("host", "user", "password", "status", "code"),
    [
        ("127.0.0.1:{port}", "demo", PASSWORD, "busy", "486"),
        ("localhost:{port}", "demo", PASSWORD, "busy", "486"),
        ("127.0.0.1:{port}", "demo", "wrong", "failed", "403"),
        ("127.0.0.1:{port}", "down", PASSWORD, "failed", "503"),
        ("127.0.0.1:9", "demo", PASSWORD, "failed", "503"),
        ("sip.nowhere.invalid:5060", "demo", PASSWORD, "failed", "503"),
        ("sip.example.com:5060", "any", "thing", "busy", "486"),
    ],
)
async def test_a_call_gets_through_where_host_and_password_are_right(tmp_path, host, user, password, status, code):
    async with world(tmp_path) as place:
        where = host.format(port=place.exchange.sip_port)
        sip = f'<Sip username="{user}" password="{password}">sip:+15550150102@{where};transport=udp</Sip>'
        place.app.answers[PATH + "/voice"] = f'<Dial action="dial" timeout="3">{sip}</Dial>'
        call = await place.ring()
        (action,) = await eventually(lambda: place.app.at(PATH + "/dial"))
        assert (action["DialCallStatus"], action["DialSipResponseCode"]) == (status, code)
        assert action["DialCallSid"] == place.children_of(call)[0].sid
        assert PASSWORD not in str(await place.control("state"))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 50, b"SIP/2.0 200 OK\r\n\r\n", b"OPTIONS sip:x SIP/2.0\r\nVia: x\r\n\r\n",
     b"ACK sip:x SIP/2.0\r\nVia: a\r\nFrom: a\r\nTo: a\r\nCall-ID: a\r\nCSeq: a\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_request_is_left_without_an_answer(data):
    assert SipProvider().answer(data) is None


def test_what_it_can_not_do_is_told():
    fields = b"\r\nVia: a\r\nFrom: a\r\nTo: a\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\r\n"
    assert SipProvider().answer(b"INVITE sip:x SIP/2.0" + fields).startswith(b"SIP/2.0 501")
