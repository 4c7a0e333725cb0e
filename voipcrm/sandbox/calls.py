"""One Twilio call resource: one leg between the exchange and one end, and everything that is known of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from voipcrm.sandbox.addresses import geography
from voipcrm.sandbox.media.leg import MediaLeg
from voipcrm.sandbox.store import new_sid

if TYPE_CHECKING:
    from voipcrm.sandbox.conferences import Participant
    from voipcrm.sandbox.line import Line

log = logging.getLogger(__name__)

FINAL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
SIP_CODES = {"completed": 200, "busy": 486, "no-answer": 487, "canceled": 487, "failed": 404}
API_VERSION = "2010-04-01"
PRICE_AFTER_SECONDS = 3.0
PRICE_PER_MINUTE = {"client": 0.004, "number": 0.014}


class Endpoint(Protocol):
    """The end of a leg: a browser's session or a simulated telephone. All of it is safe after that end has gone."""

    @property
    def leg(self) -> MediaLeg:
        """Its audio."""
        ...

    async def ring(self, call: Call) -> None:
        """Offers the call TO this end."""

    async def progress(self, call: Call) -> None:
        """A call placed BY this end rings at the other side; early media may be given from now on."""

    async def accept(self, call: Call) -> None:
        """A call placed BY this end is answered."""

    async def hang_up(self, call: Call, error: tuple[int, str] | None = None) -> None:
        """The exchange ends an established or placed call; `error` is (code, message) for the SDK."""

    async def cancel(self, call: Call) -> None:
        """Stops ringing at this end."""

    async def send_digits(self, call: Call, digits: str) -> None:
        """Key tones to this end; `w` waits half a second."""


class Call:
    """
    `direction` is inbound, outbound-dial or outbound-api. `status` moves queued, ringing, in-progress, then one of
    FINAL and never back. `custom` are the parameters of a browser's connect or of <Parameter>.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        direction: str,
        from_: str,
        to: str,
        endpoint: Endpoint,
        parent: Call | None = None,
        custom: dict[str, str] | None = None,
        application_sid: str = "",
    ) -> None:
        self.sid = new_sid("CA")
        self.account_sid = account_sid
        self.direction = direction
        self.from_, self.to = from_, to
        self.endpoint = endpoint
        self.parent_sid = parent.sid if parent else None
        self.custom = custom or {}
        self.application_sid = application_sid
        self.status = "queued"
        self.sip_code: int | None = None
        self.caller_name: str | None = None
        self.digits: asyncio.Queue[str] = asyncio.Queue()
        self.answered, self.ended = asyncio.Event(), asyncio.Event()
        self.departed = asyncio.Event()  # a REST update took this leg out of the <Dial> that made it
        self.created_at = datetime.now(UTC)
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.updated_at = self.created_at
        self.fallback: tuple[str, str] = ("", "POST")  # address, method
        self.listeners: list[Callable[[Call, str], None]] = []
        self.line: Line | None = None
        self.participant: Participant | None = None
        self._answered_clock = self._ended_clock = 0.0

    def __repr__(self) -> str:
        return f"<Call {self.sid[:8]} {self.direction} {self.status}>"

    @property
    def leg(self) -> MediaLeg:
        """The audio of the end."""
        return self.endpoint.leg

    @property
    def is_live(self) -> bool:
        """Not ended yet."""
        return not self.ended.is_set()

    @property
    def placed_by_its_end(self) -> bool:
        """True when the end called us; false when we rang it."""
        return self.direction == "inbound"

    @property
    def seconds(self) -> int:
        """From answer to end (or now), whole seconds; 0 when never answered."""
        if not self._answered_clock:
            return 0
        return round((self._ended_clock or time.monotonic()) - self._answered_clock)

    @property
    def price(self) -> float | None:
        """US dollars, negative as Twilio's; None until some seconds after the end and for a call never answered."""
        if not self._ended_clock or time.monotonic() - self._ended_clock < PRICE_AFTER_SECONDS or not self.answered_at:
            return None
        kind = "client" if "client:" in (self.from_ if self.placed_by_its_end else self.to) else "number"
        return -round(PRICE_PER_MINUTE[kind] * (self.seconds // 60 + 1), 5)

    # What the ends report; each is idempotent and safe in any order.

    async def ring_reported(self) -> None:
        """The end rings."""
        if self.status == "queued":
            self._become("ringing", "ringing")

    async def answer_reported(self) -> None:
        """Someone picked up at an end that we rang."""
        if self.is_live and not self.answered.is_set():
            self._answer()

    async def hang_up_reported(self, status: str = "completed", sip_code: int | None = None) -> None:
        """The end is gone: hung up, refused, busy, unreachable or gave up before the answer."""
        if status == "completed" and not self.answered.is_set():
            status = "no-answer"
        self._finish(status, sip_code)

    def digit_reported(self, digit: str) -> None:
        """A key was pressed at the end."""
        self.digits.put_nowait(digit)

    # What the exchange does to the leg.

    def announce(self) -> None:
        """The leg exists and is being set up: the `initiated` event."""
        self._tell("initiated")

    def place(self) -> None:
        """A call that came from an end starts its life ringing, without a callback."""
        self.status = "ringing"

    async def answer(self) -> None:
        """Answers a call that its end placed. Nothing happens if it is answered or over."""
        if self.is_live and not self.answered.is_set():
            # First the end, then the news: who hears of the answer may speak at once.
            self.answered.set()
            await self.endpoint.accept(self)
            if self.is_live:
                self._answer()

    async def hang_up(
        self, status: str = "completed", *, error: tuple[int, str] | None = None, sip_code: int | None = None
    ) -> None:
        """Ends the leg from our side. `status` must be final; an unanswered leg cannot end completed."""
        if not self.is_live:
            return
        ringing_there = not self.placed_by_its_end and not self.answered.is_set()
        if status == "completed" and not self.answered.is_set():
            status = "canceled" if ringing_there else "no-answer"
        self._finish(status, sip_code)
        if ringing_there:
            await self.endpoint.cancel(self)
        else:
            await self.endpoint.hang_up(self, error)

    def webhook_fields(self) -> dict[str, str]:
        """What every request about this call carries."""
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": self.sid,
            "CallStatus": self.status,
            "Direction": self.direction,
            "From": self.from_,
            "To": self.to,
            "Caller": self.from_,
            "Called": self.to,
        }
        if self.parent_sid:
            fields["ParentCallSid"] = self.parent_sid
        if self.application_sid:
            fields["ApplicationSid"] = self.application_sid
        if self.caller_name:
            fields["CallerName"] = self.caller_name
        return fields | geography(self.from_, self.to)

    def _answer(self) -> None:
        self.answered_at = datetime.now(UTC)
        self._answered_clock = time.monotonic()
        self.answered.set()
        self._become("in-progress", "answered")

    def _finish(self, status: str, sip_code: int | None) -> None:
        if not self.is_live:
            return
        if status not in FINAL:
            raise ValueError(f"{status!r} does not end a call")
        self.ended_at = datetime.now(UTC)
        self._ended_clock = time.monotonic()
        self.sip_code = sip_code or SIP_CODES[status]
        self.ended.set()
        if self.line:
            self.line.close()
        self._become(status, "completed")

    def _become(self, status: str, event: str) -> None:
        log.info("%s is %s", self.sid, status)
        self.status = status
        self._tell(event)

    def _tell(self, event: str) -> None:
        self.updated_at = datetime.now(UTC)
        for listener in list(self.listeners):
            listener(self, event)
