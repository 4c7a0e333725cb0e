"""Jobs of recordings. The rows say what is owed; whoever rings, and however often, nothing is copied twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.queue import job, later
from voipcrm.core.storage import storage
from voipcrm.recordings import archiving, asking, bundling, erasing, retention
from voipcrm.recordings.noting import adopt_orphans

log = structlog.get_logger(__name__)
SWEPT_AT_ONCE = 50
SWEEP_SECONDS = 60  # after that the next sweep goes on, so that short jobs get their turn
DRAFTS_KEPT = timedelta(days=1)


@job(queue="recordings", timeout_seconds=3600)
def archive(recording_id: int) -> None:
    """Copy one recording. If the provider needs some seconds more, get in line again instead of holding the worker."""
    if archiving.archive(recording_id) is not None:
        later(archive, recording_id)


@job(queue="recordings", timeout_seconds=300)
def erase(recording_id: int) -> None:
    """Remove the copies of one recording that was deleted or let go."""
    erasing.erase(recording_id)


@job(queue="default", timeout_seconds=3600)
def make_bundle(bundle_id: int) -> None:
    bundling.make(bundle_id)


@job(queue="default", timeout_seconds=1200)
def expire_old() -> None:
    """Each hour: let go what is older than it is kept."""
    retention.sweep()


@job(queue="default", timeout_seconds=120)
def sweep_bundles() -> None:
    """Each minute: go on with ZIPs whose worker died, and remove those that are over."""
    for bundle_id in bundling.stalled(limit=20):
        later(make_bundle, bundle_id)
    bundling.remove_old()


@job(queue="recordings", timeout_seconds=3600)
def sweep() -> None:
    """Do what nobody rang for, or whose worker died; rung every 20 seconds. It works the list off itself instead of
    ringing, so that sweeps which pile up behind a stopped worker find nothing left to do."""
    adopt_orphans()
    db.session.commit()
    until = time.monotonic() + SWEEP_SECONDS
    for act, owed in ((asking.ask, asking.due), (archiving.archive, archiving.due), (erasing.erase, erasing.due)):
        for recording_id in owed(limit=SWEPT_AT_ONCE):
            if time.monotonic() < until:
                _alone(act, recording_id)
    storage().delete_drafts(before=clock.now() - DRAFTS_KEPT)


def _alone(act: Callable[[int], object], recording_id: int) -> None:
    """One recording's trouble is not that of those after it. What the act owes stays written on its row."""
    try:
        act(recording_id)
    except Exception:
        log.exception("sweep_stumbled", recording=recording_id, act=act.__name__)
        db.session.rollback()


@job(queue="recordings", timeout_seconds=600)
def reconcile() -> None:
    """Find recordings of which no message ever reached us; rung every 5 minutes."""
    asking.reconcile()
