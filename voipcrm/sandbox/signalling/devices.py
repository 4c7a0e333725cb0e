"""All browsers that are connected, by identity, and all their call legs."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from voipcrm.sandbox.signalling.browser_leg import BrowserLeg
from voipcrm.sandbox.signalling.protocol import LARGEST_FRAME, Channel
from voipcrm.sandbox.signalling.session import Session
from voipcrm.sandbox.signalling.tokens import TokenReader
from voipcrm.sandbox.tasks import Tasks

if TYPE_CHECKING:
    from voipcrm.sandbox.exchange import Exchange

log = logging.getLogger(__name__)

GRACE_SECONDS = 30.0
"""For how long a call goes on without its socket."""
SILENT_SECONDS = 35.0
"""Without any frame (the client echoes every heartbeat) after which a socket counts as dead."""


class DeviceRegistry:
    """`serve` is the handler of GET /signal. Set `exchange` before the first call; it is the one that S1 calls into."""

    def __init__(self, tokens: TokenReader, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self.tokens = tokens
        self.grace_seconds = grace_seconds
        self.exchange: Exchange
        self.tasks = Tasks()
        self._sessions: list[Session] = []
        self._legs: list[BrowserLeg] = []

    @property
    def account_sid(self) -> str:
        return self.tokens.account_sid

    @property
    def legs(self) -> tuple[BrowserLeg, ...]:
        """Every call leg at a browser, ringing ones included, oldest first."""
        return tuple(self._legs)

    def find(self, identity: str) -> list[Callable[[], BrowserLeg]]:
        """A factory of endpoints for every device of this identity that may be rung now; empty when it is offline."""
        return [session.new_endpoint for session in self.sessions_of(identity) if session.is_listening]

    def listening(self, identity: str) -> bool:
        return any(session.is_listening for session in self.sessions_of(identity))

    def sessions_of(self, identity: str) -> list[Session]:
        return [session for session in self._sessions if session.identity == identity]

    def leg_at(self, session: Session, sid: str) -> BrowserLeg | None:
        """The live leg that a browser means by a CA sid, or by the temporary one that it made up.

        Several tabs of one person may ring with the same sid, so a socket's own leg comes first; one that lost its
        socket belongs to whoever of that identity asks for it."""
        legs = [leg for leg in self._legs if leg.identity == session.identity and leg.is_called(sid)]
        own = [leg for leg in legs if leg.session is session]
        lost = [leg for leg in legs if not leg.session.is_open]
        return next(iter(own + lost), None)

    def leg_with_token(self, identity: str, sid: str, token: str) -> BrowserLeg | None:
        """The leg that a browser may take up again on another socket."""
        for leg in self._legs:
            if (
                leg.identity == identity
                and leg.is_called(sid)
                and hmac.compare_digest(leg.reconnect_token.encode(), token.encode())
            ):
                return leg
        return None

    def keep(self, leg: BrowserLeg) -> None:
        self._legs.append(leg)

    def forget(self, leg: BrowserLeg) -> None:
        if leg in self._legs:
            self._legs.remove(leg)

    def presence_changed(self, session: Session) -> None:
        log.info("%s is %s", session.identity, "listening" if session.is_listening else "not listening")

    def drop(self, identity: str) -> int:
        """Cut every socket of the identity, as a lost network does; how many there were."""
        sessions = self.sessions_of(identity)
        for session in sessions:
            session.abort()
        return len(sessions)

    def report(self) -> list[dict[str, Any]]:
        """For the control API: every socket with its identity, presence, seconds of token left, and legs."""
        return [
            {
                "identity": session.identity,
                "listening": session.is_listening,
                "token_ttl": session.grant.ttl if session.grant else 0,
                "legs": [
                    {"call_sid": leg.call.sid if leg.call else None, "ringing": leg.is_ringing} | leg.leg.figures()
                    for leg in self._legs
                    if leg.session is session
                ],
            }
            for session in self._sessions
        ]

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One socket, from its opening to its end."""
        socket = web.WebSocketResponse(max_msg_size=LARGEST_FRAME, receive_timeout=SILENT_SECONDS)
        await socket.prepare(request)
        session = Session(self, Channel(socket))
        self._sessions.append(session)
        try:
            await session.run()
        except TimeoutError:
            log.info("%r fell silent", session)
            session.abort()
        finally:
            self._sessions.remove(session)
            self._orphan(session)
        return socket

    async def close(self) -> None:
        """Ends every socket and every leg: the process stops."""
        legs = list(self._legs)
        for leg in legs:
            leg.leg.close()
        for session in list(self._sessions):
            await session.close()
        await self.tasks.stop()
        if legs:
            await asyncio.wait([asyncio.ensure_future(leg.leg.closed()) for leg in legs], timeout=1.0)

    def _orphan(self, session: Session) -> None:
        for leg in [leg for leg in self._legs if leg.session is session]:
            wait = self.grace_seconds if leg.can_reattach else 0.0
            self.tasks.start(self._end_if_abandoned(leg, session, wait), name=f"grace of {leg!r}")

    @staticmethod
    async def _end_if_abandoned(leg: BrowserLeg, session: Session, wait: float) -> None:
        await asyncio.sleep(wait)
        if leg.session is session and not leg.over:
            log.info("%r did not come back", leg)
            await leg.abandoned()
