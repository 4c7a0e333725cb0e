"""Asking the provider about recordings whose messages never came: callbacks are best effort, its lists the truth."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
import structlog

from voipcrm.calls.callbacks import provider
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.recordings.models import Recording
from voipcrm.recordings.noting import note
from voipcrm.telephony.errors import RecordingGone, TelephonyError
from voipcrm.telephony.facts import RecordingStatus
from voipcrm.telephony.provider_facts import RecordingFacts

log = structlog.get_logger(__name__)

AGAIN_AFTER = timedelta(minutes=1)
GIVE_UP_AFTER = timedelta(hours=24)
FARTHEST_BACK = timedelta(hours=48)
OVERLAP = timedelta(hours=2)
IN_ONE_QUERY = 500
_GONE = "The provider has no such recording."
_SILENT = "The provider never said what became of this recording."


def due(*, limit: int) -> list[int]:
    """Ids of recordings that should be over, since their call is, and of whose end we heard nothing."""
    longest = timedelta(seconds=settings.call_time_limit_seconds)
    is_over = sa.or_(Call.state == "ended", Recording.started_at < clock.now() - longest)
    query = (
        sa.select(Recording.id)
        .outerjoin(Recording.call)
        .where(Recording.state == "recording", Recording.next_try_at <= clock.now(), is_over)
        .order_by(Recording.next_try_at)
        .limit(limit)
    )
    found = list(db.session.scalars(query))
    db.session.commit()
    return found


def ask(recording_id: int) -> None:
    """Ask how far one recording has come, and note the answer."""
    recording = db.session.get_one(Recording, recording_id)
    sid, is_old = recording.sid, recording.started_at < clock.now() - GIVE_UP_AFTER
    db.session.commit()  # nothing stays open while we wait for the provider
    values = {"next_try_at": clock.now() + AGAIN_AFTER}
    silent = {"state": "failed", "error": _SILENT, "next_try_at": None}
    try:
        note(_as_told(provider().fetch_recording(sid)))
    except RecordingGone:
        values = {"state": "absent", "error": _GONE, "next_try_at": None}
    except TelephonyError as problem:
        log.warning("recording_not_asked", sid=sid, reason=problem.sentence)
    still = sa.update(Recording).where(Recording.id == recording_id, Recording.state == "recording")
    values = silent if is_old and "state" not in values else values
    db.session.execute(still.values(values).execution_options(synchronize_session="fetch"))
    db.session.commit()


def reconcile() -> None:
    """Note every recording of which no message ever reached us: of the last hours, or of as long as we were away."""
    newest = db.session.scalar(sa.select(sa.func.max(Recording.created_at)))
    db.session.commit()
    earliest = clock.now() - FARTHEST_BACK
    since = max(earliest, min(newest or earliest, clock.now()) - OVERLAP)
    # The whole list first: a transaction must not stay open from page to page.
    try:
        found = list(provider().list_recordings(since))
    except TelephonyError as problem:
        log.warning("recordings_not_listed", reason=problem.sentence)
        return
    settled = _settled([facts.sid for facts in found])
    for facts in found:
        if facts.sid not in settled and facts.status in {"completed", "absent"}:
            note(_as_told(facts))
            db.session.commit()
            log.warning("recording_recovered", sid=facts.sid)


def _settled(sids: list[str]) -> set[str]:
    """Those of which we know what became of them."""
    found: set[str] = set()
    for start in range(0, len(sids), IN_ONE_QUERY):
        some = sids[start : start + IN_ONE_QUERY]
        found |= set(
            db.session.scalars(
                sa.select(Recording.sid).where(Recording.sid.in_(some), Recording.state.not_in(("recording", "absent")))
            )
        )
    db.session.commit()
    return found


def _as_told(facts: RecordingFacts) -> RecordingStatus:
    return RecordingStatus(
        recording_sid=facts.sid,
        call_sid=facts.call_sid,
        conference_sid=facts.conference_sid,
        status=facts.status,
        duration_seconds=facts.duration_seconds,
        channels=facts.channels,
        started_at=facts.started_at,
        source=facts.source,
        error_code=facts.error_code,
    )
