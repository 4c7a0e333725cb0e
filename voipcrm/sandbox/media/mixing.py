"""Who hears whom: a leg with the machine (Solo), two legs (Bridge), many legs (Room).

Each is an item of the media clock between `start()` and `stop()`, both of which may be called twice. A leg belongs to
one of them at a time: stop the old one before starting the next.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from voipcrm.sandbox.media.clock import MediaClock
from voipcrm.sandbox.media.frames import SILENCE, Frame, clipped
from voipcrm.sandbox.media.leg import MediaLeg
from voipcrm.sandbox.media.recorder import Recorder
from voipcrm.sandbox.media.tones import hold_music, silence

LEAD_IN_SECONDS = 0.14
"""Silence before the first prompt: a browser's jitter buffer swallows what comes while it is still filling."""


class Solo:
    """One leg with the machine: what is played to it, what it says into a recorder, or its own echo.

    recorder: one channel gets what the leg says; two get (the leg, what is played to it).
    """

    def __init__(self, clock: MediaClock, leg: MediaLeg) -> None:
        self.leg = leg
        self.recorder: Recorder | None = None
        self.echo = False
        self._clock = clock
        self._source: Iterator[Frame] | None = None
        self._finished: asyncio.Event | None = None
        self._led_in = False

    def start(self) -> None:
        self._clock.add(self)

    def stop(self) -> None:
        """Off the clock; a `play` in progress returns."""
        self._clock.remove(self)
        self.interrupt()

    async def play(self, frames: Iterable[Frame]) -> None:
        """Returns when played out, interrupted, stopped or replaced by another play. Frames may be endless.

        Nothing is taken from `frames` before media flows, so that the first word is not lost."""
        self.interrupt()
        finished = self._finished = asyncio.Event()
        connected = asyncio.ensure_future(self.leg.connected.wait())
        interrupted = asyncio.ensure_future(finished.wait())
        try:
            await asyncio.wait({connected, interrupted}, return_when=asyncio.FIRST_COMPLETED)
            if finished.is_set():
                return
            self._source = self._with_lead_in(iter(frames))
            await interrupted
        finally:
            connected.cancel()
            interrupted.cancel()
            if self._finished is finished:  # cancelled from outside: fall silent
                self.interrupt()

    def interrupt(self) -> None:
        """Fall silent at once."""
        self._source = None
        if self._finished is not None:
            self._finished.set()
            self._finished = None

    def _with_lead_in(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        if not self._led_in:
            self._led_in = True
            yield from silence(LEAD_IN_SECONDS)
        yield from frames

    def tick(self) -> None:
        said = self.leg.take()
        played = None
        if self._source is not None:
            played = next(self._source, None)
            if played is None:
                self.interrupt()
        if played is None:
            played = said if self.echo else SILENCE
        self.leg.give(played)
        if self.recorder is not None:
            self.recorder.write(*((said, played) if self.recorder.channels == 2 else (said,)))


class Bridge:
    """Two legs, each hears the other. The recorder gets (parent, child) as channels, or their mix."""

    def __init__(
        self, clock: MediaClock, parent_leg: MediaLeg, child_leg: MediaLeg, recorder: Recorder | None = None
    ) -> None:
        self.parent_leg = parent_leg
        self.child_leg = child_leg
        self.recorder = recorder
        self._clock = clock

    def start(self) -> None:
        self._clock.add(self)

    def stop(self) -> None:
        self._clock.remove(self)

    def tick(self) -> None:
        parent, child = self.parent_leg.take(), self.child_leg.take()
        self.parent_leg.give(child)
        self.child_leg.give(parent)
        if self.recorder is not None:
            self.recorder.write(parent, child)


@dataclass
class _Seat:
    """How one leg takes part in a room."""

    muted: bool = False
    held: bool = False
    music: Iterator[Frame] | None = None
    coached: MediaLeg | None = None
    recorder: Recorder | None = None


class Room:
    """A conference: every leg hears all others but itself.

    muted: hears, is not heard. held: hears its music only, is not heard. coaching: only the coached leg hears it, and
    it is in no recording. `recorder` gets what everyone said, mixed to one channel, announcements included.
    """

    def __init__(self, clock: MediaClock) -> None:
        self.recorder: Recorder | None = None
        self._clock = clock
        self._seats: dict[MediaLeg, _Seat] = {}
        self._announcements: deque[Frame] = deque()

    @property
    def legs(self) -> list[MediaLeg]:
        return list(self._seats)

    def start(self) -> None:
        """A room starts by itself with its first leg and stops with its last."""
        self._clock.add(self)

    def stop(self) -> None:
        self._clock.remove(self)

    def join(self, leg: MediaLeg) -> None:
        if leg not in self._seats:
            self._seats[leg] = _Seat()
        self.start()

    def leave(self, leg: MediaLeg) -> None:
        self._seats.pop(leg, None)
        for seat in self._seats.values():
            if seat.coached is leg:
                seat.coached = None
                seat.muted = True  # a coach must not be heard by the rest because the coached one left
        if not self._seats:
            self.stop()

    def set_muted(self, leg: MediaLeg, muted: bool) -> None:
        if leg in self._seats:
            self._seats[leg].muted = muted

    def set_held(self, leg: MediaLeg, held: bool, music: Iterator[Frame] | None = None) -> None:
        """music: endless frames of the leg's own, the built-in hold music when None. A music that ends: silence."""
        if leg in self._seats:
            seat = self._seats[leg]
            seat.held, seat.music = held, (music or hold_music()) if held else None

    def set_coaching(self, leg: MediaLeg, coached_leg: MediaLeg | None) -> None:
        if leg in self._seats:
            self._seats[leg].coached = coached_leg

    def record_leg(self, leg: MediaLeg, recorder: Recorder | None) -> None:
        """A recording of one leg (not of the room): it gets (what the leg says, what it hears)."""
        if leg in self._seats:
            self._seats[leg].recorder = recorder

    def announce(self, frames: Iterable[Frame]) -> None:
        """Played to all who are not held, after what was announced before: the beep of someone coming in."""
        self._announcements.extend(frames)

    def tick(self) -> None:
        said = {leg: leg.take() for leg in self._seats}
        public = {
            leg: said[leg].astype(np.int32)
            for leg, seat in self._seats.items()
            if not (seat.muted or seat.held or seat.coached)
        }
        everyone = sum(public.values(), np.zeros_like(SILENCE, np.int32))
        if self._announcements:
            everyone = everyone + self._announcements.popleft()
        for leg, seat in tuple(self._seats.items()):
            if seat.held:
                heard = next(seat.music, SILENCE) if seat.music is not None else SILENCE
            else:
                mix = everyone - public[leg] if leg in public else everyone
                for coach, place in self._seats.items():
                    if place.coached is leg and not (place.muted or place.held):
                        mix = mix + said[coach]
                heard = clipped(mix)
            leg.give(heard)
            if seat.recorder is not None:
                seat.recorder.write(said[leg], heard)
        if self.recorder is not None:
            self.recorder.write(clipped(everyone))
