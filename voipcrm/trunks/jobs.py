"""The scheduled test of trunks."""

from __future__ import annotations

import time

from voipcrm.core.queue import job
from voipcrm.trunks import checking

SWEEP_SECONDS = 30  # after that the next sweep goes on, so that other jobs get their turn
AT_ONCE = 50


@job(queue="default", timeout_seconds=120)
def sweep() -> None:
    """Test the trunks that are due; rung each minute."""
    until = time.monotonic() + SWEEP_SECONDS
    for trunk_id in checking.due(limit=AT_ONCE):
        if time.monotonic() < until:
            checking.check(trunk_id)
