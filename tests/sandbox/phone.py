"""A small Voice SDK client in Python: what a browser would do, without a browser. For tests and the load bench.

It sends the messages of the SDK's source, written apart from the sandbox's own signalling code; only the media
plumbing (WebRtcLeg, clock, ear) is shared. Its SDP carries no candidates, as the SDK's does not.
"""

import asyncio
import contextlib
import json
import time
import uuid
from urllib.parse import parse_qsl, urlencode

import aiohttp
import jwt

from voipcrm.sandbox.farends.hearing import Ear
from voipcrm.sandbox.media.clock import MediaClock
from voipcrm.sandbox.media.frames import SILENCE
from voipcrm.sandbox.media.tones import steady
from voipcrm.sandbox.webrtc import WebRtcLeg


def access_token(identity, *, account, key, secret, application, ttl=3600, incoming=True, **changes):
    """What twilio.jwt.access_token makes, so that the sandbox needs no twilio package. changes: claims to falsify."""
    voice = {"incoming": {"allow": incoming}}
    if application:
        voice["outgoing"] = {"application_sid": application}
    claims = {
        "jti": f"{key}-{int(time.time())}",
        "iss": key,
        "sub": account,
        "exp": int(time.time()) + ttl,
        "grants": {"identity": identity, "voice": voice},
    } | changes
    return jwt.encode(claims, secret, algorithm="HS256", headers={"cty": "twilio-fpa;v=1"})


class Microphone:
    """A tone of so many hertz into a leg, and an ear on what comes out. An item of the media clock."""

    def __init__(self, leg: WebRtcLeg, hz: float) -> None:
        self.leg, self.ear, self.muted = leg, Ear(), False
        self._tone = steady((hz,))

    def tick(self) -> None:
        self.ear.hear(self.leg.take())
        self.leg.give(SILENCE if self.muted else next(self._tone))


class PhoneCall:
    """One call as the browser sees it. state: connecting, ringing, open, incoming, cancelled, closed."""

    def __init__(self, phone, sid: str) -> None:
        self.phone, self.sid, self.state = phone, sid, "connecting"
        self.reconnect = ""
        self.error = None
        self.early_media = False
        self.custom: dict[str, str] = {}
        self.parameters: dict[str, str] = {}
        self.leg = WebRtcLeg(f"phone {phone.identity}")
        self.microphone = Microphone(self.leg, phone.hz)
        self.changed = asyncio.Event()

    @property
    def ear(self) -> Ear:
        return self.microphone.ear

    def become(self, state: str) -> None:
        self.state = state
        if state in ("ringing", "open"):
            self.phone.clock.add(self.microphone)
        elif state in ("closed", "cancelled"):
            self.phone.clock.remove(self.microphone)
            self.leg.close()
        self.changed.set()

    async def until(self, *states: str, seconds: float = 30.0) -> "PhoneCall":
        """Raises TimeoutError with the state it is stuck in."""
        end = time.monotonic() + seconds
        while self.state not in states:
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), max(end - time.monotonic(), 0.001))
            except TimeoutError:
                raise TimeoutError(f"call of {self.phone.identity} is {self.state}, not {states}") from None
        return self

    async def hears(self, hz: float, *, seconds: float = 30.0, tolerance: float = 8.0) -> None:
        await hears(self.ear, hz, seconds=seconds, tolerance=tolerance)

    async def accept(self) -> None:
        await self.phone.send("answer", callsid=self.sid, sdp=without_candidates(await self.leg.answer(self._offer)))
        self.become("open")

    async def reject(self) -> None:
        await self.phone.send("reject", callsid=self.sid)
        self.become("closed")

    async def hang_up(self) -> None:
        await self.phone.send("hangup", callsid=self.sid)
        self.become("closed")

    async def press(self, digits: str) -> None:
        await self.phone.send("dtmf", callsid=self.sid, dtmf=digits)

    async def restart_ice(self) -> None:
        offer = await self.leg.offer()
        await self.phone.send("reinvite", callsid=self.sid, sdp=without_candidates(offer))


class Phone:
    """One browser tab: one socket, any number of calls."""

    def __init__(self, http: aiohttp.ClientSession, url: str, identity: str, token: str, clock: MediaClock, hz=440.0):
        self.identity, self.token, self.clock, self.hz = identity, token, clock, hz
        self.calls: list[PhoneCall] = []
        self.incoming: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self.frames: list[tuple[str, dict]] = []
        self.connected, self.ready, self.offline = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.errors: asyncio.Queue[dict] = asyncio.Queue()
        self._http, self._url = http, url
        self._reading: asyncio.Task | None = None

    async def open(self) -> "Phone":
        """Opens the socket and sends the token; does not wait for what comes of it."""
        self.connected.clear()
        self._socket = await self._http.ws_connect(self._url)
        self._reading = asyncio.create_task(self._read(self._socket))
        await self.listen(self.token)
        return self

    async def register(self) -> "Phone":
        """Open, connected and ready to be rung."""
        await self.open()
        await asyncio.wait_for(self.connected.wait(), 5)
        await self.send("register", media={"audio": True})
        await asyncio.wait_for(self.ready.wait(), 5)
        return self

    async def unregister(self) -> None:
        await self.send("register", media={"audio": False})
        await asyncio.wait_for(self.offline.wait(), 5)

    async def listen(self, token: str) -> None:
        self.token = token
        await self.send("listen", token=token, reconnectTimeout=30, browserinfo={"p": "browser", "v": "2.18.5"})

    async def connect(self, **params: str) -> PhoneCall:
        """device.connect({params})."""
        call = PhoneCall(self, f"TJS{uuid.uuid4()}")
        self.calls.append(call)
        offer = without_candidates(await call.leg.offer())
        await self.send("invite", callsid=call.sid, sdp=offer, twilio={"params": urlencode(params)})
        return call

    async def next_incoming(self, seconds: float = 30.0) -> PhoneCall:
        return await asyncio.wait_for(self.incoming.get(), seconds)

    async def send(self, kind: str, **payload) -> None:
        await self._socket.send_str(json.dumps({"type": kind, "payload": payload, "version": "1.6"}))

    async def reopen(self) -> None:
        """What the SDK does after a lost socket: a new one, then every call with a reconnect token again."""
        await self.open()
        await asyncio.wait_for(self.connected.wait(), 5)
        for call in self.calls:
            if call.reconnect and call.state == "open":
                await self.send("invite", callsid=call.sid, sdp="v=0", reconnect=call.reconnect, twilio={})

    async def lost(self, seconds: float = 30.0) -> None:
        """Until the socket is gone."""
        await asyncio.wait_for(asyncio.shield(self._reading), seconds)

    async def close(self) -> None:
        for call in self.calls:
            call.become("closed")
        with contextlib.suppress(Exception):
            await self._socket.close()
        if self._reading:
            self._reading.cancel()

    async def _read(self, socket) -> None:
        async for message in socket:
            if message.data == "\n":
                await socket.send_str("\n")
                continue
            frame = json.loads(message.data)
            assert frame["version"] == "1.6"
            self.frames.append((frame["type"], frame["payload"]))
            await self._handle(frame["type"], frame["payload"])

    async def _handle(self, kind: str, payload: dict) -> None:
        if kind in ("connected", "ready", "offline"):
            getattr(self, kind).set()
        elif kind == "error":
            self.errors.put_nowait(payload["error"])
        elif kind == "invite":
            call = PhoneCall(self, payload["callsid"])
            call.reconnect, call.parameters = payload["reconnect"], payload["parameters"]
            call.custom = dict(parse_qsl(payload["parameters"]["Params"]))
            call._offer = payload["sdp"]
            call.state = "incoming"
            self.calls.append(call)
            self.incoming.put_nowait(call)
        elif kind in ("ringing", "answer", "cancel", "hangup"):
            await self._news_of(self._call(payload.get("callsid", "")), kind, payload)

    async def _news_of(self, call: PhoneCall | None, kind: str, payload: dict) -> None:
        if call is None or call.state in ("closed", "cancelled"):
            return
        if kind == "cancel":
            call.become("cancelled")
        elif kind == "hangup":
            call.error = payload.get("error")
            call.become("closed")
        else:
            call.reconnect = payload.get("reconnect", call.reconnect)
            if payload.get("sdp") and (not call.early_media or call.state == "open"):
                await call.leg.accept(payload["sdp"])
            call.early_media = kind == "ringing" and "sdp" in payload
            call.become("ringing" if kind == "ringing" else "open")

    def _call(self, sid: str) -> PhoneCall | None:
        """By its sid; a CA sid not seen before belongs to the call that still has only a temporary one."""
        for call in self.calls:
            if call.sid == sid:
                return call
        for call in self.calls:
            if call.sid.startswith("TJ") and call.state == "connecting" and sid.startswith("CA"):
                call.sid = sid
                return call
        return None


async def hears(ear: Ear, hz: float, *, seconds: float = 30.0, tolerance: float = 8.0) -> None:
    """Until a measurement from now on is that frequency (0: silence). Raises AssertionError with what was heard."""
    since = time.time() + 0.5  # the window under way began before now
    while time.time() < since + seconds:
        fresh = [measured for measured in ear.history if measured.at > since]
        if any(abs(measured.hz - hz) <= tolerance for measured in fresh):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not heard: {hz} Hz, but {[round(measured.hz) for measured in ear.history][-10:]}")


def without_candidates(sdp: str) -> str:
    return "\r\n".join(line for line in sdp.split("\r\n") if "candidate" not in line)
