"""Whose turn it is to copy a recording: one worker at a time, and never for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import OperationalError

from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.recordings.models import Recording

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=45)  # longer than the provider may stall between two pieces of a file (telephony.media)
HEARTBEAT_SECONDS = 5.0


class ClaimLost(Exception):
    """Another worker took the recording, since we were too slow to say that we live."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker needs to know of the recording that it took. Plain values: no transaction stays open meanwhile."""

    id: int
    sid: str
    tries: int  # this one included; no two claims on a row have the same
    started_at: datetime
    pending_at: datetime
    duration_seconds: int | None  # as the provider said


def take(recording_id: int) -> Claim | None:
    """Claim a recording whose copy is owed and due; None if it is not, or if somebody else was first."""
    owed = (Recording.id == recording_id, Recording.state == "pending", Recording.next_try_at <= clock.now())
    statement = (
        sa.update(Recording)
        .where(*owed)
        .values(tries=Recording.tries + 1, next_try_at=clock.now() + LEASE)
        .returning(
            Recording.id,
            Recording.sid,
            Recording.tries,
            Recording.started_at,
            sa.func.coalesce(Recording.pending_at, Recording.created_at, type_=Recording.pending_at.type),
            Recording.duration_seconds,
        )
        .execution_options(synchronize_session=False)
    )
    row = db.session.execute(statement).one_or_none()
    db.session.commit()
    return Claim(*row) if row else None


def row_of(claim: Claim) -> sa.Update:
    """An UPDATE of the claimed row; of nothing once the claim is somebody else's."""
    mine = (Recording.id == claim.id, Recording.tries == claim.tries, Recording.state == "pending")
    return sa.update(Recording).where(*mine).execution_options(synchronize_session=False)


def heartbeat(claim: Claim) -> Callable[[], None]:
    """A function to call often, from any thread, that keeps the claim alive. It raises ClaimLost if that is over."""
    engine, beaten_at = db.engine, time.monotonic()

    def beat() -> None:
        nonlocal beaten_at
        if time.monotonic() - beaten_at < HEARTBEAT_SECONDS:
            return
        beaten_at = time.monotonic()
        try:
            # Not the session: obstore pulls the pieces of a file from a thread of its own.
            with engine.begin() as connection:
                is_ours = connection.execute(row_of(claim).values(next_try_at=clock.now() + LEASE)).rowcount == 1
        except OperationalError:
            log.warning("heartbeat_missed", sid=claim.sid)  # the database is away for a moment; the copy goes on
            return
        if not is_ours:
            raise ClaimLost(claim.sid)

    return beat
