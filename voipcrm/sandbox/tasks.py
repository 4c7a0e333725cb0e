"""Background work of the process: kept from garbage collection, never silent when it fails, all stopped at exit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """Every task that nobody awaits belongs to one of these."""

    def __init__(self) -> None:
        self._live: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._live)

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Runs it from now on; an exception is logged with the name."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._live.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._live.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s failed", task.get_name(), exc_info=task.exception())

    async def stop(self, seconds: float = 1.0) -> None:
        """Cancels all and waits, but not longer than `seconds`."""
        live = [task for task in self._live if task is not asyncio.current_task()]
        for task in live:
            task.cancel()
        if live:
            await asyncio.wait(live, timeout=seconds)


async def first_of(*events: asyncio.Event, timeout: float | None = None) -> asyncio.Event | None:
    """The event that came first, in the order given when several are set; None when `timeout` seconds passed."""
    waiting = {asyncio.ensure_future(event.wait()): event for event in events}
    try:
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return next((event for event in events if event.is_set()), None)
