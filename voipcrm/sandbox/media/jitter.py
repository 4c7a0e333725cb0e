"""A jitter buffer: RTP packets in as they arrive, one frame out per tick.

A missing packet costs its own 20 ms and nothing more. (aiortc's own buffer waits for a missing packet until sixteen
later ones are there: one loss near the start of a call was 260 ms of silence and as much added delay.)

The delay adapts: every dry tick lengthens it by one frame, and one frame is left out when for two seconds there was
never less than `DEPTH` in store. That also absorbs a sender whose clock runs faster or slower than ours.
"""

from voipcrm.sandbox.media.frames import FRAME, SILENCE, Frame, to_frames

DEPTH = 3
"""Frames to have in store before playing begins: 60 ms."""
MOST = 15
"""Frames of delay beyond which the oldest are thrown away: 300 ms. Also what is left of a leg nobody listened to."""
JUMP = 100
"""Frames a timestamp may differ from the expected one before it counts as a new stream: 2 s."""
WATCHED = 100
"""Ticks for which the store must have been deeper than needed before a frame is left out: 2 s."""
FADE = (0.7, 0.35)
"""How loud the last frame is repeated in place of missing ones; silence afterwards."""


class JitterBuffer:
    """Counts `received`, `late` (came after their turn), `concealed` (missing at their turn), `skipped` (delay cut)."""

    def __init__(self) -> None:
        self.received = self.late = self.concealed = self.skipped = 0
        self._store: dict[int, Frame] = {}
        self._next: int | None = None  # number of the frame whose turn it is; None before a stream begins
        self._filling = True  # nothing is played until there is enough in store
        self._newest = 0
        self._last_stamp: int | None = None
        self._last_number = 0
        self._last_played: Frame = SILENCE
        self._missing_in_a_row = 0
        self._shallowest = MOST
        self._watched = 0

    def push(self, timestamp: int, samples: Frame) -> None:
        """One packet. timestamp: RTP, 32 bit, samples. Its length should be a whole number of frames."""
        self.received += 1
        number = self._number(timestamp)
        if self._next is not None and abs(number - self._next) > JUMP:
            self._store.clear()
            self._next, self._filling = None, True
        for offset, frame in enumerate(to_frames(samples)):
            self._put(number + offset, frame)

    def pop(self) -> Frame:
        """The frame whose turn it is: its own, an imitation of the one before, or silence."""
        if self._filling or self._next is None:
            if len(self._store) < DEPTH:
                return SILENCE
            self._filling = False
            self._next = max(min(self._store), self._newest - DEPTH + 1)
            self._forget_before(self._next)
        depth = self._newest - self._next + 1
        if depth > MOST:
            self._skip_to(self._next, self._newest - DEPTH + 1)
            depth = DEPTH
        frame = self._store.pop(self._next, None)
        if frame is None:
            return self._conceal(self._next)
        self._next += 1
        self._missing_in_a_row = 0
        self._last_played = frame
        self._shorten_if_deep(self._next, depth)
        return frame

    def _number(self, timestamp: int) -> int:
        """The frame number of a timestamp that wraps around at 2**32."""
        if self._last_stamp is not None:
            step = (timestamp - self._last_stamp + 2**31) % 2**32 - 2**31
            self._last_number += round(step / FRAME)
        self._last_stamp = timestamp
        return self._last_number

    def _put(self, number: int, frame: Frame) -> None:
        if self._next is not None and number < self._next:
            self.late += 1
            return
        if not self._store and self._filling:
            self._newest = number
        self._store[number] = frame
        self._newest = max(self._newest, number)
        if len(self._store) > MOST + DEPTH:  # nobody listens yet: keep the newest only
            self._forget_before(self._newest - MOST)

    def _conceal(self, missing: int) -> Frame:
        self.concealed += 1
        repeat = self._missing_in_a_row
        self._missing_in_a_row += 1
        if self._store:
            self._next = missing + 1  # lost: later ones are here. When there are none it is late, so its turn stays.
        elif self._missing_in_a_row > MOST:
            self._filling = True
        self._watched, self._shallowest = 0, MOST
        if repeat < len(FADE):
            return (self._last_played * FADE[repeat]).astype(self._last_played.dtype)
        return SILENCE

    def _shorten_if_deep(self, following: int, depth: int) -> None:
        self._shallowest = min(self._shallowest, depth)
        self._watched += 1
        if self._watched >= WATCHED:
            if self._shallowest > DEPTH:
                self._skip_to(following, following + 1)
            self._watched, self._shallowest = 0, MOST

    def _skip_to(self, following: int, number: int) -> None:
        self.skipped += number - following
        self._next = number
        self._forget_before(number)

    def _forget_before(self, number: int) -> None:
        for old in [known for known in self._store if known < number]:
            del self._store[old]
