"""The control API and its page."""

import asyncio
import io
import wave

import pytest
from world import NUMBER, eventually, world

PATH = "/voip/webhook/twilio"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
    ],
)
async def test_other_sites_may_neither_ring_nor_read(tmp_path, headers):
    async with world(tmp_path) as place:
        for path, content in (("ring", {"to": NUMBER, "from": "+15550142100"}), ("state", None)):
            status, _ = await place.control(path, content, headers=headers)
            assert status == 403
        assert not place.exchange.calls


async def test_the_page_itself_may(tmp_path):
    async with world(tmp_path, voice="<Pause length='9'/>") as place:
        headers = {"Origin": place.serving.url, "Sec-Fetch-Site": "same-origin"}
        status, _ = await place.control("ring", {"to": NUMBER, "from": "Anonymous"}, headers=headers)
        assert status == 201
        async with place.http.get(place.serving.url + "/") as page:
            text = await page.text()
            assert page.status == 200
            assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert "…0108" in text
        assert "http://" not in text
        assert "https://" not in text
        for name in ("control.css", "control.js"):
            async with place.http.get(f"{place.serving.url}/pages/{name}") as file:
                assert file.status == 200
        async with place.http.get(f"{place.serving.url}/pages/..%2Fcli.py") as outside:
            assert outside.status == 404


@pytest.mark.parametrize(
    "content",
    [
        {"to": NUMBER, "from": "12 monkeys"},
        {"to": NUMBER, "from": "+15550142100", "behaviour": "sings"},
        {"to": NUMBER, "from": "+15550142100", "give_up_after": "soon"},
        {"to": NUMBER, "from": "+15550142100", "hang_up_after": -1},
        {"to": NUMBER, "from": "+15550142100", "color": "red"},
        {"to": "", "from": "+15550142100"},
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused_and_rings_nobody(tmp_path, content):
    async with world(tmp_path) as place:
        status, reply = await place.control("ring", content)
        assert (status, bool(reply["error"])) == (400, True)
        assert not place.exchange.calls


async def test_state_shows_calls_ends_and_webhooks(tmp_path):
    async with world(tmp_path, voice="<Pause length='9'/>") as place:
        await place.phone("u_1")
        call = await place.ring(behaviour="silent")
        await eventually(lambda: call.status == "in-progress")
        _, state = await place.control("state")
        assert [(row["sid"], row["status"], row["live"]) for row in state["calls"]] == [(call.sid, "in-progress", True)]
        assert [(row["identity"], row["listening"]) for row in state["devices"]] == [("u_1", True)]
        assert state["far_ends"][0]["call_sid"] == call.sid
        assert state["webhooks"]["recent"][0]["tries"][0]["status"] == 200
        assert state["numbers"][0]["phone_number"] == NUMBER
        assert state["clock"]["ticks"] > 0
        _, brief = await place.control("state?brief=1")
        assert (brief["far_ends"], brief["webhooks"]["recent"][0]["params"]) == ([], {})
        status, _ = await place.control("reset", {})
        assert status == 200
        assert call.status == "completed"


async def test_a_dropped_socket_leaves_the_call_alive(tmp_path):
    async with world(tmp_path, voice=f"<Dial callerId='{NUMBER}'><Number>+15550150108</Number></Dial>") as place:
        phone = await place.phone("u_1")
        call = await phone.connect()
        await call.hears(1000)
        _, reply = await place.control("drop-signalling", {"identity": "u_1"})
        assert reply == {"dropped": 1}
        await phone.lost()
        await phone.reopen()
        call.ear.history.clear()
        await call.hears(1000)


async def test_disorder_is_asked_for_and_released_over_the_api(tmp_path):
    async with world(tmp_path, voice="<Hangup/>") as place:
        status, _ = await place.control("disorder", {"hold": 1, "match": "/status"})
        assert status == 200
        call = await place.ring()
        await eventually(lambda: not call.is_live)
        await eventually(lambda: place.serving.parts.disorder.held)
        assert not place.app.at(PATH + "/status")
        _, state = await place.control("disorder", {"release": [0, 0]})
        assert state["held"] == []
        assert len(place.app.at(PATH + "/status", CallSid=call.sid)) == 2
        status, _ = await place.control("disorder", {"drop": 7})
        assert status == 400


async def test_media_faults_then_the_whole_file(tmp_path):
    twiml = '<Record timeout="1" maxLength="2" playBeep="false" recordingStatusCallback="recording"/>'
    async with world(tmp_path, voice=twiml) as place:
        await place.ring(behaviour="tone:700")
        (done,) = await eventually(lambda: place.app.at(PATH + "/recording"))
        await place.control("faults", {"media_404": 2, "media_503": 1, "media_truncate": 1})
        settings = place.serving.parts.settings

        async def get():
            headers = {"Authorization": _basic(settings.api_key_sid, settings.api_key_secret)}
            async with place.http.get(done["RecordingUrl"] + ".wav", headers=headers) as reply:
                return reply.status, await reply.read()

        assert [(await get())[0] for _ in range(3)] == [404, 404, 503]
        with pytest.raises(Exception, match=r"(?i)payload|length"):
            await get()
        await place.control("faults", {"media_bytes_per_second": 40000})
        began = asyncio.get_running_loop().time()
        status, content = await get()
        assert asyncio.get_running_loop().time() - began > 0.4
        await place.control("faults", {"media_bytes_per_second": 0})
        assert (status, content) == await get()
        with wave.open(io.BytesIO(content)) as sound:
            assert sound.getnframes() > 8000
        status, _ = await place.control("faults", {"media_404": "many"})
        assert status == 400


def _basic(user: str, password: str) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
