"""Queues of callers who wait for someone to <Dial> the queue."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.store import new_sid

LONGEST = 100


@dataclass
class Waiting:
    """
    A caller in a queue. taken: an agent has them; ready: their waiting music has stopped; released: that talk is
    over; left: <Leave>, or out of the queue for good.
    """

    call: Call
    since: float = field(default_factory=time.monotonic)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def seconds(self) -> int:
        """How long so far."""
        return round(time.monotonic() - self.since)


class Queue:
    """First come, first served."""

    def __init__(self, name: str) -> None:
        self.sid = new_sid("QU")
        self.name = name
        self.waiting: deque[Waiting] = deque()
        self._news = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """No room for one more."""
        return len(self.waiting) >= LONGEST

    def add(self, call: Call) -> Waiting:
        """At the end."""
        place = Waiting(call)
        self.waiting.append(place)
        self._news.set()
        return place

    def remove(self, place: Waiting) -> None:
        """Gone; a second call changes nothing."""
        if place in self.waiting:
            self.waiting.remove(place)

    async def next(self, timeout: float, over: asyncio.Event) -> Waiting | None:
        """The one who waits longest, taken out; None after `timeout` seconds or when `over` is set."""
        ends_at = time.monotonic() + timeout
        gone = asyncio.ensure_future(over.wait())
        try:
            while True:
                while self.waiting:
                    place = self.waiting.popleft()
                    if place.call.is_live and not place.left.is_set():
                        place.taken.set()
                        return place
                self._news.clear()
                news = asyncio.ensure_future(self._news.wait())
                left = max(0.0, ends_at - time.monotonic())
                await asyncio.wait({news, gone}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                if gone.done() or time.monotonic() >= ends_at:
                    return None
        finally:
            gone.cancel()


class Queues:
    """By name, made when first named."""

    def __init__(self) -> None:
        self.rows: dict[str, Queue] = {}

    def named(self, name: str) -> Queue:
        """The queue of this name."""
        return self.rows.setdefault(name, Queue(name))
