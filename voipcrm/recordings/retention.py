"""How long recordings are kept: as the house says, or as their line does. What is older goes, unless it is on hold."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import begin_reading, db
from voipcrm.core.house import house
from voipcrm.recordings.erasing import expire
from voipcrm.recordings.models import HELD, Recording
from voipcrm.trunks.models import KEEP_FOR_EVER, Line

log = structlog.get_logger(__name__)
COUNTED_AT_MOST = 10_000
AT_ONCE = 100
PAUSE_SECONDS = 0.05  # between batches: SQLite has one writer, and a webhook that waits shall get its turn
SWEEP_SECONDS = 600
_EXPIRING = ("archived", "failed")  # what waits for its copy is young


def days_of(line: Line | None) -> int | None:
    """Days for which recordings of this line are kept; None: for ever. Calls without a line are as the house says."""
    days = house.keep_recordings_days if line is None or line.keep_days is None else line.keep_days
    return None if days == KEEP_FOR_EVER else days


def kept_until(recording: Recording) -> datetime | None:
    """When it goes; None: never by itself."""
    days = days_of(recording.call.line if recording.call else None)
    return None if days is None else recording.started_at + timedelta(days=days)


def count_going(line: Line | None, days: int | None) -> int:
    """How many would go at once if recordings of this line (None: of all that follow the house) were kept so many days;
    counted up to COUNTED_AT_MOST + 1. It may look at many rows, so it holds no lock meanwhile."""
    if days is None:
        return 0
    line_id = line.id if line else None
    begin_reading()
    some = _older(line_id, days).limit(COUNTED_AT_MOST + 1).subquery()
    found = db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    db.session.commit()
    return found


def sweep() -> int:
    """Let go what is older than it is kept; how many went. What is left when the time is up goes the next time."""
    until, gone = time.monotonic() + SWEEP_SECONDS, 0
    own = sa.select(Line).where(Line.keep_days.is_not(None), Line.keep_days != KEEP_FOR_EVER)
    lines: list[tuple[int | None, int]] = [(line.id, line.keep_days or 0) for line in db.session.scalars(own)]
    db.session.commit()
    if (of_house := days_of(None)) is not None:
        lines.append((None, of_house))
    for line_id, days in lines:
        while time.monotonic() < until and (ids := _next(line_id, days)):
            went = expire(ids)
            db.session.commit()
            gone += len(went)
            if not went:  # held or deleted since we looked
                break
            time.sleep(PAUSE_SECONDS)
    if gone:
        log.info("recordings_expired", count=gone)
    return gone


def _next(line_id: int | None, days: int) -> list[int]:
    begin_reading()
    found = list(db.session.scalars(_older(line_id, days).order_by(Recording.started_at).limit(AT_ONCE)))
    db.session.commit()
    return found


def _older(line_id: int | None, days: int) -> sa.Select[Any]:
    """Ids of the recordings of a line, or of all that follow the house, that are older than so many days."""
    query = (
        sa.select(Recording.id)
        .outerjoin(Call, Call.id == Recording.call_id)
        .where(Recording.state.in_(_EXPIRING), Recording.started_at < clock.now() - timedelta(days=days), ~HELD)
    )
    if line_id is not None:
        return query.where(Call.line_id == line_id)
    own = sa.select(Line.id).where(Line.keep_days.is_not(None))
    return query.where(sa.or_(Call.line_id.is_(None), Call.line_id.not_in(own)))
