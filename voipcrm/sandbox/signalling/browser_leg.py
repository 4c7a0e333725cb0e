"""The leg between the exchange and one browser: an `Endpoint` (see calls.py) that speaks the SDK's messages."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from voipcrm.sandbox.media.tones import DTMF, dtmf
from voipcrm.sandbox.signalling.protocol import Code
from voipcrm.sandbox.webrtc import BadDescription, WebRtcLeg

if TYPE_CHECKING:
    from voipcrm.sandbox.calls import Call
    from voipcrm.sandbox.signalling.session import Session

log = logging.getLogger(__name__)

NO_MEDIA_SECONDS = 5.0
"""From the answer until the first audio of the browser; the SDK itself reports `accept` even without any media."""
LOST_MEDIA_SECONDS = 30.0
"""Without a working connection in the middle of a call; until then the SDK tries ICE restarts."""


class BrowserLeg:
    """One call at one device. It outlives its socket: `session` changes when the browser comes back.

    temporary_sid, offer: of a call that the browser placed; both empty when we ring it.
    """

    def __init__(self, session: Session, *, temporary_sid: str = "", offer: str = "") -> None:
        self.session = session
        self.identity = session.identity
        self.temporary_sid = temporary_sid
        self.reconnect_token = secrets.token_urlsafe(24)
        self.leg = WebRtcLeg(f"client:{self.identity}")
        self.call: Call | None = None
        self.over = False
        self._offer = offer
        self._description = ""  # our SDP answer, once made
        self._announced = not temporary_sid  # a browser knows the CA sid of a call that it placed only when told
        self._established = False
        self._negotiating = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<BrowserLeg {self.identity} {self.call.sid if self.call else self.temporary_sid}>"

    @property
    def is_ringing(self) -> bool:
        """Offered to the browser, not accepted yet."""
        return not self.temporary_sid and not self._established and not self.over

    @property
    def can_reattach(self) -> bool:
        """The browser holds the reconnect token, so it may come back on another socket."""
        return self._established and not self.over

    def is_called(self, sid: str) -> bool:
        """Whether that is its CA sid or its temporary one."""
        return sid == self.temporary_sid or (self.call is not None and self.call.sid == sid)

    # What the exchange asks of the end.

    async def ring(self, call: Call) -> None:
        """Offer the call; reports it as ringing, or as unreachable when the browser has gone meanwhile."""
        self.call = call
        self.session.devices.keep(self)
        offer = await self.leg.offer()
        if self.over:
            return
        if not self.session.is_open:
            await self._fail("no-answer", 480)
            return
        parameters = {
            "CallSid": call.sid,
            "AccountSid": self.session.devices.account_sid,
            "ApiVersion": "2010-04-01",
            "From": call.from_,
            "To": call.to,
            # the SDK decodes values, not names, and cuts at every "="; %20 because it knows no "+" for a space
            "Params": urlencode(call.custom, quote_via=quote),
        }
        await self.session.send(
            "invite", callsid=call.sid, sdp=offer, reconnect=self.reconnect_token, parameters=parameters
        )
        await call.ring_reported()

    async def progress(self, call: Call) -> None:
        """Tell the caller's browser that it rings; the early media that we give it is heard from now on."""
        if await self._describe(call) and not self._announced:
            self._announced = True
            await self.session.send("ringing", callsid=call.sid, sdp=self._description)

    async def accept(self, call: Call) -> None:
        """Tell the caller's browser that the call is answered."""
        if not await self._describe(call) or self._established:
            return
        self._announced = self._established = True
        await self.session.send("answer", callsid=call.sid, sdp=self._description, reconnect=self.reconnect_token)
        self._watch_media()

    async def hang_up(self, call: Call, error: tuple[int, str] | None = None) -> None:
        """End the call at the browser, with an error (code, message) for the person if there is one."""
        if self.over:
            return
        self._end()
        # the SDK ignores a sid that it was not told yet, and would stay busy for ever
        payload: dict[str, Any] = {"callsid": call.sid if self._announced else self.temporary_sid}
        if error:
            payload["error"] = {"code": error[0], "message": error[1]}
        # without its own socket, on any other of the person: a browser ignores a sid that it does not know
        sessions = [self.session] if self.session.is_open else self.session.devices.sessions_of(self.identity)
        for session in sessions:
            await session.send("hangup", **payload)

    async def cancel(self, call: Call) -> None:
        """Stop ringing. A browser that accepted a moment ago is hung up instead."""
        if self._established:
            await self.hang_up(call)
        elif not self.over:
            self._end()
            await self.session.send("cancel", callsid=call.sid)

    async def send_digits(self, call: Call, digits: str) -> None:
        """The browser hears the tones."""
        self.leg.overlay(dtmf(digits))

    # What the browser reports.

    async def accepted(self, answer: str) -> None:
        """The person pressed Accept; answer: their SDP."""
        if self.over or self.call is None:
            return
        if self._established:
            return
        try:
            async with self._negotiating:
                await self.leg.accept(answer)
        except BadDescription as exc:
            log.warning("%r: unusable answer: %s", self, exc)
            await self._give_up(Code.CONNECTION, "Unusable session description")
            return
        if self.over:
            return
        self._established = True
        await self.session.send("answer", callsid=self.call.sid, reconnect=self.reconnect_token)
        self._watch_media()
        await self.call.answer_reported()

    async def rejected(self) -> None:
        """The person pressed Reject; Twilio counts that as busy."""
        await self._fail("busy", 603)

    async def hung_up(self) -> None:
        """The person ended the call, or gave up while it rang at the other side."""
        await self._fail("completed", None)

    def pressed(self, keys: str) -> None:
        """Keys of the dial pad, `w` for a pause: to whoever gathers digits, and as tones to whoever listens."""
        if self.call is None or self.over:
            return
        self.leg.insert(dtmf(keys))
        for key in keys:
            if key.upper() in DTMF:
                self.call.digit_reported(key.upper())

    async def renegotiated(self, offer: str) -> None:
        """An ICE restart: a new offer while the call goes on."""
        if self.over or self.call is None:
            return
        try:
            async with self._negotiating:
                description = await self.leg.answer(offer)
        except BadDescription as exc:
            log.warning("%r: unusable offer in an ICE restart: %s", self, exc)
            return
        await self.session.send("answer", callsid=self.call.sid, sdp=description)

    async def reattached(self, session: Session) -> None:
        """The browser came back on a new socket, or renewed its token on the old one."""
        self.session = session
        if self.call is not None:
            await session.send("answer", callsid=self.call.sid, reconnect=self.reconnect_token)

    async def abandoned(self) -> None:
        """Its socket is gone for good."""
        if self.is_ringing:
            await self._fail("no-answer", 480)
        else:
            await self._fail("completed", None)

    # Inside.

    async def _describe(self, call: Call) -> bool:
        """Makes our SDP answer once. False when the call is over or cannot have media."""
        self.call = call
        async with self._negotiating:
            if self.over:
                return False
            if not self._description:
                try:
                    self._description = await self.leg.answer(self._offer)
                except BadDescription as exc:
                    log.warning("%r: unusable offer: %s", self, exc)
                    self.session.devices.tasks.start(
                        self._give_up(Code.CONNECTION, "Unusable session description"), name="refuse offer"
                    )
                    return False
        return not self.over

    async def _give_up(self, code: int, message: str) -> None:
        if self.call is not None and not self.over:
            await self.hang_up(self.call, (code, message))
            await self.call.hang_up_reported("completed" if self._established else "failed")

    async def _fail(self, status: str, sip_code: int | None) -> None:
        if not self.over:
            self._end()
            if self.call is not None:
                await self.call.hang_up_reported(status, sip_code)

    def _end(self) -> None:
        self.over = True
        self.leg.close()
        self.session.devices.forget(self)

    def _watch_media(self) -> None:
        self.session.devices.tasks.start(self._watch(), name=f"media watch {self!r}")

    async def _watch(self) -> None:
        await asyncio.sleep(NO_MEDIA_SECONDS)
        if self.leg.last_heard_at is None and not self.over:
            log.warning("%r: no audio from the browser %s s after the answer", self, NO_MEDIA_SECONDS)
            await self._give_up(Code.NO_MEDIA, "No audio connection with the browser")
        while not self.over:
            await asyncio.sleep(1.0)
            silent = time.monotonic() - (self.leg.last_heard_at or 0)
            if silent > LOST_MEDIA_SECONDS and not self.leg.connected.is_set():
                log.warning("%r: audio connection lost", self)
                await self._give_up(Code.NO_MEDIA, "Audio connection lost")
