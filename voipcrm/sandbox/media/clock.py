"""The media clock: one 20 ms tick for everything that moves audio.

The n-th tick is due at start + n * 20 ms, so small delays of the event loop do not add up. A late tick is made up for
at once. Only when the loop was away for longer than `GIVE_UP_AFTER` are ticks lost, and counted: playing half a second
of audio in one burst would help nobody.
"""

import asyncio
import logging
import time
from typing import Protocol

from voipcrm.sandbox.media.frames import FRAME, RATE, TICK

__all__ = ["FRAME", "RATE", "TICK", "MediaClock", "Ticking"]

log = logging.getLogger(__name__)

GIVE_UP_AFTER = 0.5
"""Seconds behind schedule after which ticks are lost instead of made up for."""


class Ticking(Protocol):
    def tick(self) -> None: ...


class MediaClock:
    """Calls `tick()` of every item 50 times a second. An item that raises is taken off; the others go on."""

    def __init__(self) -> None:
        self.ticks = 0
        self.lost = 0
        self.late = 0
        self.lag_max = 0.0
        self._items: dict[Ticking, None] = {}  # a dict keeps the order in which items came

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Ticking) -> None:
        """From the next tick on. Adding twice changes nothing."""
        self._items[item] = None

    def remove(self, item: Ticking) -> None:
        """At once, also from within a tick. Removing what is not there changes nothing."""
        self._items.pop(item, None)

    def figures(self) -> dict[str, float]:
        """ticks run, ticks lost, ticks more than one period (20 ms) late, worst lag in ms, items on the clock."""
        return {
            "ticks": self.ticks,
            "lost": self.lost,
            "late": self.late,
            "lag_max_ms": round(self.lag_max * 1000, 1),
            "items": len(self._items),
        }

    def reset_figures(self) -> None:
        self.ticks = self.lost = self.late = 0
        self.lag_max = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        due = time.monotonic()
        while True:
            due += TICK
            wait = due - time.monotonic()
            # sleep(0) when late: the sockets must be read between ticks, or catching up would only mix silence
            await asyncio.sleep(max(wait, 0))
            lag = time.monotonic() - due
            self.lag_max = max(self.lag_max, lag)
            if lag > TICK:
                self.late += 1
            if lag > GIVE_UP_AFTER:
                skipped = int(lag / TICK)
                self.lost += skipped
                due += skipped * TICK
            self.tick()

    def tick(self) -> None:
        """One period for everyone; `run` calls it, tests may call it without waiting for real time."""
        for item in tuple(self._items):
            if item not in self._items:  # an earlier item of this very tick took it off
                continue
            try:
                item.tick()
            except Exception:
                log.exception("taken off the media clock: %r", item)
                self.remove(item)
        self.ticks += 1
