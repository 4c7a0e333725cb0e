"""One call offered to several ends at once: every device on which a person is ready. The first to answer has it."""

from __future__ import annotations

from typing import cast

from voipcrm.sandbox.calls import Call, Endpoint
from voipcrm.sandbox.media.leg import MediaLeg


class Nobody:
    """The end of a call to someone who is not there."""

    def __init__(self, status: str = "no-answer", sip_code: int = 480) -> None:
        self.leg = MediaLeg("nobody")
        self.status, self.sip_code = status, sip_code

    async def ring(self, call: Call) -> None:
        """Ends at once."""
        await call.hang_up_reported(self.status, self.sip_code)

    async def progress(self, call: Call) -> None:
        """Never placed a call."""

    async def accept(self, call: Call) -> None:
        """Never placed a call."""

    async def hang_up(self, call: Call, error: tuple[int, str] | None = None) -> None:
        """Nothing to end."""

    async def cancel(self, call: Call) -> None:
        """Nothing rings."""

    async def send_digits(self, call: Call, digits: str) -> None:
        """Nobody hears them."""


class Fork:
    """An endpoint made of several. A rejection at one ends the ringing at all, as the SDK documents `reject()`."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._endpoints = endpoints
        self._branches: list[_Branch] = []
        self._chosen: Endpoint | None = None
        self._idle = MediaLeg("fork")
        self._call: Call | None = None

    @property
    def leg(self) -> MediaLeg:
        """That of the end which answered; silent before."""
        return self._chosen.leg if self._chosen else self._idle

    async def ring(self, call: Call) -> None:
        """At all of them."""
        self._call = call
        self._branches = [_Branch(self, endpoint, call) for endpoint in self._endpoints]
        for branch in self._branches:
            await branch.endpoint.ring(branch.as_call)

    async def progress(self, call: Call) -> None:
        """A fork never placed a call."""

    async def accept(self, call: Call) -> None:
        """A fork never placed a call."""

    async def hang_up(self, call: Call, error: tuple[int, str] | None = None) -> None:
        """At the one that answered."""
        if self._chosen:
            await self._chosen.hang_up(call, error)
        else:
            await self.cancel(call)

    async def cancel(self, call: Call) -> None:
        """At all that still ring."""
        await self._cancel_but(None)

    async def send_digits(self, call: Call, digits: str) -> None:
        """To the one that answered."""
        if self._chosen:
            await self._chosen.send_digits(call, digits)

    async def answered_at(self, branch: _Branch) -> None:
        """The first wins; one that comes too late is let go."""
        if self._call is None or self._chosen or not self._call.is_live:
            if branch.endpoint is not self._chosen:
                await branch.endpoint.cancel(branch.as_call)
            return
        self._chosen = branch.endpoint
        await self._call.answer_reported()
        await self._cancel_but(branch)

    async def ended_at(self, branch: _Branch, status: str, sip_code: int | None) -> None:
        """Unreachable: the others ring on. Refused, or the one that has the call: over."""
        branch.over = True
        if self._call is None:
            return
        if self._chosen is not None:
            if branch.endpoint is self._chosen:
                await self._call.hang_up_reported(status, sip_code)
        elif status == "busy" or all(other.over for other in self._branches):
            await self._call.hang_up_reported(status, sip_code)
            await self._cancel_but(branch)

    async def _cancel_but(self, kept: _Branch | None) -> None:
        for branch in self._branches:
            if branch is not kept and not branch.over:
                branch.over = True
                await branch.endpoint.cancel(branch.as_call)


class _Branch:
    """What one end of a fork takes for its call: it looks the same and reports to the fork."""

    def __init__(self, fork: Fork, endpoint: Endpoint, call: Call) -> None:
        self.fork = fork
        self.endpoint = endpoint
        self.over = False
        self.sid, self.from_, self.to, self.custom = call.sid, call.from_, call.to, call.custom
        self._call = call

    @property
    def as_call(self) -> Call:
        """What an endpoint needs of a call is here, and nothing more."""
        return cast(Call, self)

    async def ring_reported(self) -> None:
        """This device rings."""
        await self._call.ring_reported()

    async def answer_reported(self) -> None:
        """Accepted here."""
        await self.fork.answered_at(self)

    async def hang_up_reported(self, status: str = "completed", sip_code: int | None = None) -> None:
        """Over here."""
        await self.fork.ended_at(self, status, sip_code)

    def digit_reported(self, digit: str) -> None:
        """A key pressed here."""
        self._call.digit_reported(digit)
