"""The audio of one call leg, as the exchange sees it."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable

from voipcrm.sandbox.media.frames import SILENCE, Frame


class MediaLeg:
    """What comes from one end and what goes to it, a frame per tick of whichever mixer holds the leg.

    A mixer calls `take` once and `give` once per tick; neither may block, wait or raise, also not after the end left.
    Ends override `_next` and `_deliver`: `webrtc.WebRtcLeg` for a browser, `farends` for simulated ones.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.connected = asyncio.Event()
        """Set when media can flow: DTLS is up, or a simulated end picked up. Cleared when media is lost."""
        self.last_heard_at: float | None = None
        """time.monotonic() of the last audio that arrived from the end, None before the first."""
        self._inserted: deque[Frame] = deque()
        self._overlaid: deque[Frame] = deque()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def take(self) -> Frame:
        """The next frame FROM the end, silence when there is none."""
        frame = self._next()
        return self._inserted.popleft() if self._inserted else frame

    def give(self, frame: Frame) -> None:
        """The next frame TO the end. The leg may keep a reference: give no array that is changed later."""
        self._deliver(self._overlaid.popleft() if self._overlaid else frame)

    def insert(self, frames: Iterable[Frame]) -> None:
        """Frames that count as said by the end, in place of what it says meanwhile: a keypad's tones, for example."""
        self._inserted.extend(frames)

    def overlay(self, frames: Iterable[Frame]) -> None:
        """Frames that the end hears in place of what it is given: the tones of sendDigits, for example."""
        self._overlaid.extend(frames)

    def heard(self) -> None:
        """The end calls this as its audio arrives."""
        self.last_heard_at = time.monotonic()

    def _next(self) -> Frame:
        return SILENCE

    def _deliver(self, frame: Frame) -> None:
        """To be overridden: an end that does not listen."""
