"""Polling, since Playwright's own wait_for_function needs eval, which our Content-Security-Policy refuses."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def eventually(
    ask: Callable[[], Value],
    *,
    seconds: float = 30.0,
    pause: Callable[[float], None] = time.sleep,
    told: Callable[[], object] = lambda: "",
) -> Value:
    """What `ask` answers once that is true. AssertionError with `told()` when it never is.

    pause: how to wait for so many seconds; a page's own way lets its events and routes be served meanwhile."""
    until = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s; {told()}")
        pause(0.05)
    return answer
