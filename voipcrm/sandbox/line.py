"""What a leg is joined to at the moment: alone with the machine, bridged to another leg, or seated in a conference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.media.clock import MediaClock
from voipcrm.sandbox.media.frames import Frame
from voipcrm.sandbox.media.leg import MediaLeg
from voipcrm.sandbox.media.mixing import Bridge, Room, Solo
from voipcrm.sandbox.media.recorder import Recorder
from voipcrm.sandbox.tasks import first_of

MEDIA_WAIT_SECONDS = 5.0


class Writes(Protocol):
    """A Recorder, or what writes like one: two frames per tick."""

    def write(self, *frames: Frame) -> None:
        """One tick."""


class Line:
    """
    Keeps a leg in exactly one mixer and lets its recorders follow it from one to the next. `close()` when the call
    is over; it may be called again.
    """

    def __init__(self, call: Call, clock: MediaClock) -> None:
        self.call = call
        self.clock = clock
        self.recorders: list[Writes] = []  # of this leg alone: (what it says, what it hears)
        self._solo: Solo | None = None
        self._bridge: Bridge | None = None
        self._room: Room | None = None
        self._leg: MediaLeg | None = None

    def alone(self) -> Solo:
        """With the machine, leaving whatever it was joined to."""
        if self._solo is None:
            self._detach()
            self._leg = self.call.leg
            self._solo = Solo(self.clock, self._leg)
            self._attach_recorders()
            self._solo.start()
        return self._solo

    def bridge_to(self, other: Line, *recorders: Writes) -> None:
        """Each hears the other; `recorders` get (this leg, the other)."""
        self._detach()
        other._detach()
        self._leg, other._leg = self.call.leg, other.call.leg
        bridge = Bridge(self.clock, self._leg, other._leg)
        tee = _BridgeTee(self, other, list(recorders))
        bridge.recorder = cast(Recorder, tee)  # it writes like one
        self._bridge = other._bridge = bridge
        bridge.start()

    def sit_in(self, room: Room) -> None:
        """In a conference."""
        self._detach()
        self._leg, self._room = self.call.leg, room
        room.join(self._leg)
        self._attach_recorders()

    def record(self, recorder: Writes) -> None:
        """Records this leg from now on, through every change of what it is joined to."""
        self.recorders.append(recorder)
        self._attach_recorders()

    def stop_recording(self, recorder: Writes) -> None:
        """The others go on."""
        if recorder in self.recorders:
            self.recorders.remove(recorder)

    async def play(self, frames: Iterable[Frame]) -> None:
        """Until it is played out, or the call is over. A leg without media for five seconds hears nothing."""
        if await first_of(self.call.ended, self.call.leg.connected, timeout=MEDIA_WAIT_SECONDS) is None:
            return
        if self.call.is_live:
            await self.alone().play(frames)

    async def pause(self, seconds: float) -> None:
        """Silence, cut short by the end of the call."""
        if self.call.is_live:
            self.alone().interrupt()
            await first_of(self.call.ended, timeout=seconds)

    def silence(self) -> None:
        """What the machine plays ends at once."""
        if self._solo:
            self._solo.interrupt()

    def close(self) -> None:
        """Out of every mixer."""
        self._detach()

    def _attach_recorders(self) -> None:
        tee = cast(Recorder, _Tee(self.recorders))  # it writes like one
        if self._solo:
            self._solo.recorder = tee
        elif self._room and self._leg:
            self._room.record_leg(self._leg, tee)

    def _detach(self) -> None:
        if self._solo:
            self._solo.stop()
        if self._bridge:
            self._bridge.stop()
        if self._room and self._leg:
            self._room.leave(self._leg)
        self._solo = self._bridge = self._room = None


class SaidOnly:
    """A recorder of what the leg says, without what it hears: <Record>."""

    channels = 2

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def write(self, *frames: Frame) -> None:
        """(said, heard) of one tick."""
        self.recorder.write(frames[0])


class _Tee:
    """Two frames per tick (said, heard) to every recorder of a list that may grow and shrink meanwhile."""

    channels = 2

    def __init__(self, recorders: list[Writes]) -> None:
        self.recorders = recorders

    def write(self, said: Frame, heard: Frame) -> None:
        for recorder in tuple(self.recorders):
            recorder.write(said, heard)


class _BridgeTee:
    """To the bridge's recorders, and to those of each leg seen from its own side."""

    channels = 2

    def __init__(self, parent: Line, child: Line, recorders: list[Writes]) -> None:
        self.parent, self.child, self.recorders = parent, child, recorders

    def write(self, parent_said: Frame, child_said: Frame) -> None:
        for recorder in (*self.recorders, *self.parent.recorders):
            recorder.write(parent_said, child_said)
        for recorder in tuple(self.child.recorders):
            recorder.write(child_said, parent_said)


def line_of(call: Call, clock: MediaClock) -> Line:
    """The call's line, made on first use."""
    if call.line is None:
        call.line = Line(call, clock)
    return call.line
