"""One socket of one browser: who is there, and what it asks for."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from voipcrm.sandbox.signalling.browser_leg import BrowserLeg
from voipcrm.sandbox.signalling.protocol import BadFrame, Channel, Code, Payload, text_of
from voipcrm.sandbox.signalling.tokens import Grant, TokenRefused

if TYPE_CHECKING:
    from voipcrm.sandbox.signalling.devices import DeviceRegistry

log = logging.getLogger(__name__)

LONGEST_PARAMETERS = 800
"""Characters of an outgoing call's parameters. Source: Voice SDK documentation of Device.connect."""


class Session:
    """Reads the browser's frames and turns them into words of the exchange."""

    def __init__(self, devices: DeviceRegistry, channel: Channel) -> None:
        self.devices = devices
        self.grant: Grant | None = None
        self.registered = False
        self._channel = channel
        self._expiry: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Session {self.identity or 'unknown'}>"

    @property
    def identity(self) -> str:
        return self.grant.identity if self.grant else ""

    @property
    def _allowed(self) -> Grant:
        if self.grant is None:
            raise BadFrame("no token yet")
        return self.grant

    @property
    def is_open(self) -> bool:
        return self._channel.is_open

    @property
    def is_listening(self) -> bool:
        """May be rung now."""
        return self.is_open and self.registered and self.grant is not None and self.grant.may_receive

    def new_endpoint(self) -> BrowserLeg:
        """An endpoint to ring this device with."""
        return BrowserLeg(self)

    async def send(self, kind: str, **payload) -> None:
        await self._channel.send(kind, **payload)

    def abort(self) -> None:
        """Cut the socket, as a lost network does."""
        self._channel.abort()

    async def close(self) -> None:
        await self._channel.close()

    async def run(self) -> None:
        """Until the socket closes."""
        beating = asyncio.create_task(self._channel.beat())
        try:
            async for kind, payload in self._channel.frames():
                await self._handle(kind, payload)
        finally:
            beating.cancel()
            self.registered = False
            if self._expiry:
                self._expiry.cancel()

    async def _handle(self, kind: str, payload: Payload) -> None:
        handler = self._HANDLERS.get(kind)
        if handler is None:
            log.info("%r sent %r, which means nothing here", self, kind)
            return
        if self.grant is None and kind != "listen":
            await self.send("error", error={"code": Code.AUTHENTICATION, "message": "Authentication required"})
            return
        try:
            await handler(self, payload)
        except BadFrame as exc:
            log.warning("%r sent an unusable %s: %s", self, kind, exc)

    async def _listen(self, payload: Payload) -> None:
        """A token: at the start, and again when it is renewed in the middle of a session."""
        try:
            grant = self.devices.tokens.read(text_of(payload, "token"))
        except TokenRefused as exc:
            self._lapse()
            await self.send("error", error={"code": exc.code, "message": exc.message})
            return
        if self.grant is not None and self.grant.identity != grant.identity:
            self.registered = False
        self.grant = grant
        self._watch_expiry(grant.ttl)
        await self.send(
            "connected",
            region="US_EAST_VIRGINIA",
            home="us1",
            edge="sandbox",
            gateway="sandbox",
            token={"identity": grant.identity, "ttl": grant.ttl, "issuer": grant.issuer},
        )

    def _watch_expiry(self, ttl: int) -> None:
        if self._expiry:
            self._expiry.cancel()
        self._expiry = asyncio.get_running_loop().call_later(
            ttl, lambda: self.devices.tasks.start(self._expired(), name=f"token of {self!r} expired")
        )

    async def _expired(self) -> None:
        """Calls go on, but nothing new begins."""
        self._lapse()
        await self.send("error", error={"code": Code.TOKEN_EXPIRED, "message": "Access Token expired"})

    def _lapse(self) -> None:
        self.registered = False
        self.devices.presence_changed(self)

    async def _register(self, payload: Payload) -> None:
        media = payload.get("media")
        wanted = isinstance(media, dict) and bool(media.get("audio"))
        if wanted and not self._allowed.ttl:
            await self._expired()
            return
        self.registered = wanted
        self.devices.presence_changed(self)
        await self.send("ready" if wanted else "offline")

    async def _invite(self, payload: Payload) -> None:
        sid = text_of(payload, "callsid")
        if payload.get("reconnect"):
            await self._reattach(sid, str(payload["reconnect"]))
            return
        offer = text_of(payload, "sdp")
        if self.devices.leg_at(self, sid) is not None:
            return  # the same invite again
        if not self._allowed.ttl:
            await self._refuse(sid, Code.TOKEN_EXPIRED, "Access Token expired")
            return
        if not self._allowed.application_sid:
            await self._refuse(sid, Code.AUTHENTICATION, "This token may not place calls")
            return
        query = str((payload.get("twilio") or {}).get("params") or "")
        params = dict(parse_qsl(query, keep_blank_values=True))
        if sum(len(name) + len(value) for name, value in params.items()) > LONGEST_PARAMETERS:
            await self._refuse(sid, Code.PARAMETERS_TOO_LONG, "Invalid connection parameters: too long")
            return
        endpoint = BrowserLeg(self, temporary_sid=sid, offer=offer)
        self.devices.keep(endpoint)
        params |= self._allowed.outgoing_params
        self.devices.tasks.start(self._place(endpoint, params), name=f"call of {self.identity}")

    async def _place(self, endpoint: BrowserLeg, params: dict[str, str]) -> None:
        call = await self.devices.exchange.placed_by_browser(
            self.identity, endpoint, params, self._allowed.application_sid
        )
        endpoint.call = call
        if endpoint.over:  # given up before the exchange knew of it
            await call.hang_up_reported("completed")

    async def _reattach(self, sid: str, token: str) -> None:
        leg = self.devices.leg_with_token(self.identity, sid, token)
        if leg is None:
            await self.send("hangup", callsid=sid)
            return
        await leg.reattached(self)

    async def _refuse(self, sid: str, code: int, message: str) -> None:
        await self.send("hangup", callsid=sid, error={"code": code, "message": message})

    async def _answer(self, payload: Payload) -> None:
        leg = self._leg(payload)
        if leg:
            leg.session = self
            await leg.accepted(text_of(payload, "sdp"))
        else:
            await self.send("hangup", callsid=payload.get("callsid"))

    async def _reject(self, payload: Payload) -> None:
        leg = self._leg(payload)
        if leg:
            await leg.rejected()

    async def _hangup(self, payload: Payload) -> None:
        leg = self._leg(payload)
        if leg:
            await leg.hung_up()

    async def _dtmf(self, payload: Payload) -> None:
        leg = self._leg(payload)
        if leg:
            leg.pressed(text_of(payload, "dtmf")[:100])

    async def _reinvite(self, payload: Payload) -> None:
        leg = self._leg(payload)
        if leg:
            await leg.renegotiated(text_of(payload, "sdp"))

    async def _message(self, payload: Payload) -> None:
        """A message of the person to the app's server: taken note of, nobody here has a use for it."""
        await self.send(
            "ack", acktype="message", callsid=payload.get("callsid"), voiceeventsid=payload.get("voiceeventsid")
        )

    def _leg(self, payload: Payload) -> BrowserLeg | None:
        return self.devices.leg_at(self, text_of(payload, "callsid"))

    _HANDLERS = {  # noqa: RUF012 - a table, never changed
        "listen": _listen,
        "register": _register,
        "invite": _invite,
        "answer": _answer,
        "reject": _reject,
        "hangup": _hangup,
        "dtmf": _dtmf,
        "reinvite": _reinvite,
        "message": _message,
    }
