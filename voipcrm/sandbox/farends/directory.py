"""Which simulated telephone answers at which number, and what all of them hear."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from voipcrm.sandbox.farends import voices
from voipcrm.sandbox.farends.far_end import Behaviour, FarEnd
from voipcrm.sandbox.tasks import Tasks

if TYPE_CHECKING:
    from voipcrm.sandbox.calls import Call
    from voipcrm.sandbox.exchange import Exchange

REMEMBERED = 100
"""Ends that are over but still in the report."""

NUMBERS: dict[str, Behaviour] = {
    "0100": Behaviour("talk", "Answers after a second and talks", voice=voices.talk),
    "0101": Behaviour("echo", "Answers and says back what it hears, 200 ms later", echo=True),
    "0102": Behaviour("busy", "Is busy", ends=("busy", 486), answers_after=0),
    "0103": Behaviour("no answer", "Rings and is never answered", answers_after=None),
    "0104": Behaviour("rejects", "Rings, then refuses the call", ends=("busy", 603), answers_after=1.0),
    "0105": Behaviour("voicemail", "Answers with a mailbox: greeting, beep, silence", voice=voices.mailbox),
    "0106": Behaviour("menu", "Asks for digits and says them back; 1 2 # is answered by 1500 Hz", voice=voices.menu),
    "0107": Behaviour("hangs up", "Answers, talks and hangs up after five seconds", voice=voices.talk, hang_up_after=5),
    "0108": Behaviour("tone", "Answers with a steady tone of 1000 Hz", voice=voices.steady_tone(1000)),
    "0109": Behaviour("not a number", "Is no working number", ends=("failed", 404), answers_after=0),
}
"""By the last four digits. Any other number behaves like 0100."""

OTHERWISE = NUMBERS["0100"]

CALLER_BEHAVIOURS: dict[str, str] = {
    "talk": "Talks when answered",
    "echo": "Says back what it hears",
    "silent": "Says nothing",
    "tone:440": "A steady tone; any frequency from 100 to 3600 Hz",
}
"""Names for `caller`, with what they do."""


class UnknownBehaviour(ValueError):
    """No caller behaves like that; the message lists who does."""


class FarEndDirectory:
    """Makes simulated ends and remembers them for the control API."""

    def __init__(self, tasks: Tasks | None = None) -> None:
        self._tasks = tasks or Tasks()
        self._ends: deque[FarEnd] = deque(maxlen=REMEMBERED)

    def endpoint_for(self, e164: str) -> FarEnd:
        """The telephone at a number; a new one for every call."""
        return self._remember(FarEnd(e164, NUMBERS.get(e164[-4:], OTHERWISE), self._tasks))

    def caller(
        self,
        number: str,
        behaviour: str = "talk",
        *,
        give_up_after: float | None = None,
        hang_up_after: float | None = None,
        keys: str = "",
    ) -> FarEnd:
        """A telephone that calls us. behaviour: one of CALLER_BEHAVIOURS. Seconds as in `Behaviour`.
        Raises UnknownBehaviour."""
        made = replace(
            _caller_behaviour(behaviour), give_up_after=give_up_after, hang_up_after=hang_up_after, keys=keys
        )
        return self._remember(FarEnd(number, made, self._tasks))

    async def place(self, exchange: Exchange, from_: str, to: str, behaviour: str = "talk", **script: Any) -> Call:
        """A scripted call to one of our numbers; `script` as in `caller`. Raises UnknownBehaviour."""
        end = self.caller(from_, behaviour, **script)
        call = await exchange.placed_by_far_end(from_, to, end)
        end.placed(call)
        return call

    def of_call(self, sid: str) -> FarEnd | None:
        """The end of that call, live or over."""
        return next((end for end in reversed(self._ends) if end.call and end.call.sid == sid), None)

    def report(self) -> list[dict[str, Any]]:
        """For the control API: every remembered end, newest first, with what it hears."""
        return [end.report() for end in reversed(self._ends)]

    async def close(self) -> None:
        await self._tasks.stop()

    def _remember(self, end: FarEnd) -> FarEnd:
        if len(self._ends) == REMEMBERED:  # never forget a live end while there is a dead one
            over = next((known for known in self._ends if known.over), None)
            if over is not None:
                self._ends.remove(over)
        self._ends.append(end)
        return end


def _caller_behaviour(name: str) -> Behaviour:
    if name == "talk":
        return Behaviour("talk", CALLER_BEHAVIOURS["talk"], voice=voices.talk)
    if name == "echo":
        return Behaviour("echo", CALLER_BEHAVIOURS["echo"], echo=True)
    if name == "silent":
        return Behaviour("silent", CALLER_BEHAVIOURS["silent"])
    kind, _, hertz = name.partition(":")
    if kind == "tone" and hertz.isdigit() and 100 <= int(hertz) <= 3600:
        return Behaviour(name, f"A steady tone of {hertz} Hz", voice=voices.steady_tone(int(hertz)))
    raise UnknownBehaviour(f"{name!r} is none of: {', '.join(CALLER_BEHAVIOURS)}")
