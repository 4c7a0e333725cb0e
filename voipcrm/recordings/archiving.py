"""Copying finished recordings from the provider to our own storage.

A copy is owed as long as its row is `pending` (claims.py says whose turn it is). It is written as a draft and gets its
name only when it was read back and found whole, so nobody ever sees half a file.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

import requests
import sqlalchemy as sa
import structlog
from obstore.exceptions import BaseError as StoreError

from voipcrm.calls.callbacks import provider
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import db, touched
from voipcrm.core.storage import DRAFTS, storage
from voipcrm.recordings.claims import Claim, ClaimLost, Work
from voipcrm.recordings.copying import BYTES_PER_SECOND, Copy, CopyRefused, StorageFull, check_room, copy
from voipcrm.recordings.models import Recording
from voipcrm.telephony.errors import MediaNotReady, ProviderRefused, ProviderUnreachable

log = structlog.get_logger(__name__)

# Right after hang-up the audio is often not there yet; later failures are somebody's outage.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 60, 300, 1_800, 7_200))
GIVE_UP_AFTER = timedelta(hours=24)
OUR_TROUBLE = timedelta(minutes=1)
PATIENCE = timedelta(
    seconds=5
)  # a worker waits this long for a try that is nearly due, instead of leaving it to a sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyClaim(Claim):
    started_at: datetime
    pending_at: datetime
    duration_seconds: int | None  # as the provider said


COPYING = Work(
    due_at=Recording.next_try_at,
    tries=Recording.tries,
    lease=timedelta(seconds=45),  # longer than the provider may stall between two pieces of a file (telephony.media)
    delays=DELAYS,
    claim=CopyClaim,
    more=lambda recording: {
        "started_at": recording.started_at,
        "pending_at": recording.pending_at or recording.created_at,
        "duration_seconds": recording.duration_seconds,
    },
    only=[Recording.state == "pending"],
)


@dataclass(frozen=True, slots=True)
class Setback:
    """Why a try came to nothing, in words, and what follows from it."""

    reason: str
    at_least: timedelta = timedelta(0)  # the shortest wait; exactly this one if the trouble is ours
    is_ours: bool = False  # our disk or our bug: no reason to ever give the recording up


def archive(recording_id: int) -> timedelta | None:
    """Copy one recording if that is owed and nobody else is at it. Safe to call at any time, any number of times.

    Returns how soon to try again where that is a matter of seconds, else None: then a sweep does it."""
    _wait_until_due(recording_id)
    claim = COPYING.take(recording_id)
    if claim is None:
        return None
    draft = f"{DRAFTS}/{claim.sid}.{token_hex(4)}"
    path = f"{claim.started_at:%Y/%m}/{claim.sid}.wav"
    try:
        made = _fetch(claim, draft)
        storage().publish(draft, path)
    except ClaimLost:
        log.warning("recording_claim_lost", sid=claim.sid)
        return None
    except Exception as problem:
        known = _setback(problem)
        delay = _put_off(
            claim, known or Setback("Something went wrong here. It was logged.", at_least=DELAYS[4], is_ours=True)
        )
        if known is None:
            raise
        return delay
    finally:
        with suppress(OSError, StoreError):  # what cannot be removed now, a sweep removes
            storage().delete(draft)
    if not _finish(claim, path, made):
        log.info("recording_deleted_meanwhile", sid=claim.sid)
        storage().delete(path)
    return None


def _fetch(claim: CopyClaim, draft: str) -> Copy:
    check_room(BYTES_PER_SECOND * (claim.duration_seconds or 0))
    with provider().open_recording_media(claim.sid) as response:
        return copy(response, draft, duration_seconds=claim.duration_seconds, heartbeat=COPYING.heartbeat(claim))


def _wait_until_due(recording_id: int) -> None:
    due_at = db.session.scalar(sa.select(Recording.next_try_at).where(Recording.id == recording_id))
    db.session.commit()
    wait = (due_at - clock.now()) if due_at else timedelta(0)
    if timedelta(0) < wait <= PATIENCE:
        time.sleep(wait.total_seconds())


def _setback(problem: Exception) -> Setback | None:
    """What an error of a try means; None for one that nobody foresaw."""
    match problem:
        case MediaNotReady():
            known = Setback("The provider does not have the audio ready yet.")
        case ProviderUnreachable():
            known = Setback(problem.sentence, at_least=timedelta(seconds=problem.retry_after or 0))
        case ProviderRefused():  # a wrong key, say: worth trying again, since an admin can put it right
            known = Setback(problem.sentence, at_least=DELAYS[3])
        case requests.RequestException():
            known = Setback("The connection to the provider broke off.")
        case CopyRefused():
            known = Setback(str(problem))
        case StorageFull():
            known = Setback(str(problem), at_least=OUR_TROUBLE, is_ours=True)
        case OSError() | StoreError():
            log.warning("storage_failed", reason=repr(problem)[:300])
            known = Setback("Our storage could not take the file.", at_least=OUR_TROUBLE, is_ours=True)
        case _:
            known = None
    return known


def _put_off(claim: CopyClaim, setback: Setback) -> timedelta | None:
    """Note why, and when to try again; or give up. Returns the delay if it is short enough to wait for."""
    now, deadline = clock.now(), claim.pending_at + GIVE_UP_AFTER
    delay = setback.at_least
    values: dict[str, object] = {}
    if setback.is_ours:
        values["pending_at"] = now  # the provider shall have its day once we are well again
    elif now >= deadline and claim.tries >= len(DELAYS):  # not at the first try of a worker that was away for a day
        values |= {"state": "failed", "next_try_at": None}
    else:
        delay = max(COPYING.delay(claim), setback.at_least)
        if now < deadline < now + delay:
            delay = deadline - now
    gives_up = "state" in values
    log.warning("recording_put_off", sid=claim.sid, tries=claim.tries, reason=setback.reason, gives_up=gives_up)
    COPYING.put_off(claim, delay, error=setback.reason, **values)
    return delay if delay <= PATIENCE and not gives_up else None


def _finish(claim: CopyClaim, path: str, made: Copy) -> bool:
    """Note that the copy is there. False: somebody deleted the recording while it was copied."""
    kept_at_provider = settings.provider_copy_days
    archived = {
        "state": "archived",
        "error": None,
        "next_try_at": None,
        "archived_at": clock.now(),
        "erase_at": None if kept_at_provider is None else clock.now() + timedelta(days=kept_at_provider),
        "path": path,
        "size_bytes": made.size_bytes,
        "sha256": made.sha256,
        "channels": made.channels,
        "duration_seconds": made.duration_seconds,
        "peaks": made.peaks,
    }
    # Not by claim: whoever copied it, the file stands there whole, and the first to say so is right.
    mine = sa.update(Recording).where(Recording.id == claim.id, Recording.state == "pending")
    if touched(mine.values(archived)) == 0:
        state = db.session.scalar(sa.select(Recording.state).where(Recording.id == claim.id))
        db.session.commit()
        return state == "archived"
    call = sa.select(Recording.call_id).where(Recording.id == claim.id).scalar_subquery()
    has = sa.update(Call).where(Call.id == call, Call.has_recording.is_(False)).values(has_recording=True)
    db.session.execute(has.execution_options(synchronize_session=False))
    db.session.commit()
    return True
