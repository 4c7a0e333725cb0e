"""A simulated telephone: an `Endpoint` (see calls.py) that rings, answers, talks, listens and hangs up by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voipcrm.sandbox.farends import voices
from voipcrm.sandbox.farends.hearing import Ear
from voipcrm.sandbox.media.frames import SILENCE, Frame
from voipcrm.sandbox.media.leg import MediaLeg
from voipcrm.sandbox.media.tones import DTMF, dtmf
from voipcrm.sandbox.tasks import Tasks

if TYPE_CHECKING:
    from voipcrm.sandbox.calls import Call

RING_AFTER = 0.15
"""Seconds from the dialling to the first ring."""
KEY_AFTER = 0.5
"""Seconds from the answer to the first key."""


@dataclass(frozen=True)
class Behaviour:
    """How an end behaves.

    ends: when rung, it never answers but ends so: (status, SIP code).
    answers_after: seconds of ringing, None: for ever; with `ends` 0 means that it does not even ring.
    hang_up_after: seconds from the answer. give_up_after: seconds of ringing after which a caller hangs up.
    keys: pressed after the answer, `w` waits half a second.
    """

    name: str
    description: str
    voice: voices.Voice = voices.mute
    echo: bool = False
    ends: tuple[str, int] | None = None
    answers_after: float | None = 1.0
    hang_up_after: float | None = None
    give_up_after: float | None = None
    keys: str = ""


class FarEndLeg(MediaLeg):
    """Moves only with the mixer that holds it, hence with the media clock: it cannot drift."""

    def __init__(self, name: str, *, echo: bool) -> None:
        super().__init__(name)
        self.ear = Ear()
        self.voice: Iterator[Frame] | None = None
        self._echo = voices.echo_delay() if echo else None

    def hang_up(self) -> None:
        self.connected.clear()
        self.voice = None
        self._echo = None

    def _next(self) -> Frame:
        if not self.connected.is_set():
            return SILENCE
        self.heard()
        if self._echo:
            return self._echo.popleft()
        return next(self.voice, SILENCE) if self.voice is not None else SILENCE

    def _deliver(self, frame: Frame) -> None:
        if self.connected.is_set():
            self.ear.hear(frame)
            if self._echo is not None:
                self._echo.append(frame)


class FarEnd:
    """One simulated telephone in one call."""

    def __init__(self, number: str, behaviour: Behaviour, tasks: Tasks) -> None:
        self.number = number
        self.behaviour = behaviour
        self.leg = FarEndLeg(number, echo=behaviour.echo)
        self.call: Call | None = None
        self.over = False
        self._tasks = tasks
        self._script: list[asyncio.Task[None]] = []
        self._talking = False

    def __repr__(self) -> str:
        return f"<FarEnd {self.number} {self.behaviour.name}>"

    # What the exchange asks of the end.

    async def ring(self, call: Call) -> None:
        """Starts the script of a called number and returns at once."""
        self.call = call
        self._play_script(self._when_called(call))

    async def progress(self, call: Call) -> None:
        """We called and it rings: we hear early media, but say nothing yet."""
        self.call = call
        if not self.over:
            self.leg.connected.set()

    async def accept(self, call: Call) -> None:
        """We called and are answered."""
        self.call = call
        if not self.over and not self._talking:
            self._play_script(self._talk(call))

    async def hang_up(self, call: Call, error: tuple[int, str] | None = None) -> None:
        self._end()

    async def cancel(self, call: Call) -> None:
        self._end()

    async def send_digits(self, call: Call, digits: str) -> None:
        """We hear the tones."""
        self.leg.overlay(dtmf(digits))

    # What we do by ourselves.

    def placed(self, call: Call) -> None:
        """We placed this call: from now on we may lose patience."""
        self.call = call
        if self.behaviour.give_up_after is not None:
            self._play_script(self._lose_patience(call, self.behaviour.give_up_after))

    async def leave(self, status: str = "completed", sip_code: int | None = None) -> None:
        """This end hangs up or refuses."""
        if not self.over:
            call = self.call
            self._end()
            if call is not None:
                await call.hang_up_reported(status, sip_code)

    async def press(self, keys: str) -> None:
        """Keys of this telephone: as tones for whoever listens, and reported as they are heard. Takes their time."""
        for key in keys:
            if self.over or self.call is None:
                return
            frames = dtmf(key)
            self.leg.insert(frames)
            if key.upper() in DTMF:
                self.call.digit_reported(key.upper())
            await asyncio.sleep(len(frames) * 0.02)

    def report(self) -> dict[str, Any]:
        """For the control API."""
        return {
            "number": self.number,
            "behaviour": self.behaviour.name,
            "call_sid": self.call.sid if self.call else None,
            "connected": self.leg.connected.is_set(),
            "over": self.over,
            "hears": self.leg.ear.report(),
        }

    async def _when_called(self, call: Call) -> None:
        behaviour = self.behaviour
        await asyncio.sleep(RING_AFTER)
        if behaviour.ends and behaviour.answers_after == 0:
            await self.leave(*behaviour.ends)
            return
        await call.ring_reported()
        if behaviour.answers_after is None:
            return
        voice, _ = await asyncio.gather(self._prepared_voice(), asyncio.sleep(behaviour.answers_after))
        if behaviour.ends:
            await self.leave(*behaviour.ends)
            return
        self.leg.voice = voice
        self.leg.connected.set()
        self._talking = True
        await call.answer_reported()
        await self._after_answer()

    async def _talk(self, call: Call) -> None:
        self._talking = True
        self.leg.connected.set()
        self.leg.voice = await self._prepared_voice()
        await self._after_answer()

    async def _after_answer(self) -> None:
        if self.behaviour.keys:
            self._play_script(self._press_later(self.behaviour.keys))
        if self.behaviour.hang_up_after is not None:
            await asyncio.sleep(self.behaviour.hang_up_after)
            await self.leave()

    async def _press_later(self, keys: str) -> None:
        await asyncio.sleep(KEY_AFTER)
        await self.press(keys)

    async def _lose_patience(self, call: Call, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if not call.answered.is_set():
            await self.leave()

    async def _prepared_voice(self) -> Iterator[Frame]:
        return await asyncio.to_thread(self.behaviour.voice, self.leg.ear)

    def _play_script(self, script) -> None:
        self._script.append(self._tasks.start(script, name=repr(self)))

    def _end(self) -> None:
        if self.over:
            return
        self.over = True
        self.leg.hang_up()
        for task in self._script:
            if task is not asyncio.current_task():
                task.cancel()
