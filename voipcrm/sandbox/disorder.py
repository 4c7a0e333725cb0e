"""
Callbacks as a bad day delivers them: late, doubled, out of order, lost, or held back until a test lets them go.
Only notifications go through here (status, recording, conference); a request whose answer steers a call never does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from voipcrm.sandbox.tasks import Tasks

Send = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Plan:
    """
    delay_ms: each waits a random time up to this. shuffle_ms: those of one window leave in random order.
    duplicate, drop: probabilities 0..1. hold: keep the next n until they are released. match: only addresses
    that contain this text. seed: the same seed gives the same disorder.
    """

    delay_ms: int = 0
    shuffle_ms: int = 0
    duplicate: float = 0.0
    drop: float = 0.0
    hold: int = 0
    match: str = ""
    seed: int = 1

    @classmethod
    def from_json(cls, asked: dict[str, Any]) -> Plan:
        """Raises ValueError and names the field."""
        unknown = set(asked) - set(cls.__dataclass_fields__)
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        try:
            plan = cls(**{name: type(getattr(cls, name))(value) for name, value in asked.items()})
        except (TypeError, ValueError) as error:
            raise ValueError(f"malformed value: {error}") from error
        if not (0 <= plan.duplicate <= 1 and 0 <= plan.drop <= 1):
            raise ValueError("duplicate and drop are probabilities from 0 to 1")
        if min(plan.delay_ms, plan.shuffle_ms, plan.hold) < 0:
            raise ValueError("delay_ms, shuffle_ms and hold are not negative")
        return plan


@dataclass
class Held:
    """One notification that waits for its release."""

    summary: dict[str, str]
    send: Send


@dataclass
class Disorder:
    """With the default plan everything goes out at once and in order."""

    tasks: Tasks
    plan: Plan = field(default_factory=Plan, init=False)
    held: list[Held] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"dropped": 0, "doubled": 0, "delayed": 0, "held": 0})

    _random: random.Random = field(default_factory=lambda: random.Random(1), init=False)
    _window: list[Send] = field(default_factory=list, init=False)
    _to_hold: int = field(default=0, init=False)

    def follow(self, plan: Plan) -> None:
        """A new plan from now on. What is held stays held until it is released."""
        self.plan = plan
        self._random = random.Random(plan.seed)
        self._to_hold = plan.hold

    def touches(self, url: str) -> bool:
        """Whether the plan would do anything to a notification for this address."""
        quiet = self.plan == Plan(match=self.plan.match, seed=self.plan.seed, hold=self.plan.hold)
        return self.plan.match in url and (self._to_hold > 0 or not quiet)

    def take(self, summary: dict[str, str], send: Send) -> None:
        """Delivers by the plan; the summary names the notification in the list of held ones."""
        if self._to_hold > 0:
            self._to_hold -= 1
            self.counts["held"] += 1
            self.held.append(Held(summary, send))
            return
        if self._random.random() < self.plan.drop:
            self.counts["dropped"] += 1
            return
        times = 1
        if self._random.random() < self.plan.duplicate:
            self.counts["doubled"] += 1
            times = 2
        for _ in range(times):
            if self.plan.shuffle_ms:
                self._shuffle(send)
            else:
                self.tasks.start(self._late(send), name="late callback")

    async def _late(self, send: Send) -> None:
        if self.plan.delay_ms:
            self.counts["delayed"] += 1
            await asyncio.sleep(self._random.uniform(0, self.plan.delay_ms) / 1000)
        await send()

    def _shuffle(self, send: Send) -> None:
        self._window.append(send)
        if len(self._window) == 1:
            self.tasks.start(self._empty_window(), name="shuffled callbacks")

    async def _empty_window(self) -> None:
        await asyncio.sleep(self.plan.shuffle_ms / 1000)
        window, self._window = self._window, []
        self._random.shuffle(window)
        for send in window:
            await send()

    async def release(self, order: list[int] | None = None) -> int:
        """
        Sends the held ones, one after the other, by their positions in the list (all, in order, by default; a
        position may come twice). Those not named are lost. Returns how many went out; raises ValueError on a
        position that does not exist.
        """
        order = list(range(len(self.held))) if order is None else order
        if any(not 0 <= position < len(self.held) for position in order):
            raise ValueError(f"positions are 0 to {len(self.held) - 1}")
        held, self.held, self._to_hold = self.held, [], 0
        for position in order:
            await held[position].send()
        return len(order)

    def as_json(self) -> dict[str, Any]:
        """The plan, the counts and what is held."""
        return {"plan": asdict(self.plan), "counts": dict(self.counts), "held": [item.summary for item in self.held]}
