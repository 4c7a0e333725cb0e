"""Removing recordings: at once for everybody who looks, then, by a job that does not give up, from our storage and at
the provider. The row stays and says who, when and why.

`erase_at` says that a removal is owed, and from when on; while a worker is at it, it lies in the near future, so that
another one takes over from a worker that died."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from obstore.exceptions import BaseError as StoreError

from voipcrm.accounts.models import User
from voipcrm.calls.callbacks import provider
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import db, touched
from voipcrm.core.storage import storage
from voipcrm.recordings import accesses, bundles
from voipcrm.recordings.claims import LEASE
from voipcrm.recordings.models import DELETABLE, HELD, Recording
from voipcrm.telephony.errors import TelephonyError

log = structlog.get_logger(__name__)
CLAIMED_FOR = timedelta(minutes=5)
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3_600))  # the last one again and again


class CannotDelete(Exception):
    """Why not, as a sentence for the person."""


def delete(recording: Recording, *, by: User, reason: str) -> None:
    """Nobody can hear it from here on. Raises CannotDelete. The caller commits and rings for `jobs.erase`."""
    db.session.flush()
    if not _remove([recording.id], state="deleted", by=by, reason=reason):
        db.session.refresh(recording)
        if recording.is_deletable:
            raise CannotDelete("It is on legal hold. Release it first.")
        raise CannotDelete("There is nothing to delete any more, or not yet.")
    accesses.note("delete", recording.id, by=by, reason=reason)
    db.session.refresh(recording)


def expire(recording_ids: list[int]) -> list[int]:
    """Let these go, as their retention says, and return which went: not those that are held, or gone already. The
    caller commits."""
    gone = _remove(recording_ids, state="expired", by=None, reason="")
    for recording_id in gone:
        accesses.note("expire", recording_id, by=None)
    return gone


def _remove(recording_ids: list[int], *, state: str, by: User | None, reason: str) -> list[int]:
    now = clock.now()
    # A worker that copies it just now needs as long as its claim to notice; before, it could still put its file there.
    copying = sa.and_(Recording.state == "pending", Recording.next_try_at > now)
    values = {
        "state": state,
        "error": None,
        "deleted_at": now,
        "deleted_by": by.name if by else "",
        "deleted_reason": reason,
        "next_try_at": None,
        "erase_at": sa.case((copying, now + LEASE), else_=now),
        "erase_tries": 0,
        "peaks": None,
    }
    # Locked first: whoever puts one on hold locks it too, and the condition is looked at after that.
    lock = sa.select(Recording.id).where(Recording.id.in_(recording_ids)).order_by(Recording.id).with_for_update()
    db.session.execute(lock).all()
    going = sa.update(Recording).where(Recording.id.in_(recording_ids), Recording.state.in_(DELETABLE), ~HELD)
    gone = list(
        db.session.scalars(going.values(values).returning(Recording.id).execution_options(synchronize_session=False))
    )
    _tell_calls(gone)
    bundles.take_back(gone)
    return gone


def _tell_calls(recording_ids: list[int]) -> None:
    """A call whose last recording is gone has none any more."""
    calls = sa.select(Recording.call_id).where(Recording.id.in_(recording_ids), Recording.call_id.is_not(None))
    left = sa.exists().where(Recording.call_id == Call.id, Recording.state.in_(("pending", "archived")))
    touched(sa.update(Call).where(Call.id.in_(calls), ~left).values(has_recording=False))


def due(*, limit: int) -> list[int]:
    """Ids of recordings of which a copy is to be removed now, longest waiting first."""
    query = sa.select(Recording.id).where(Recording.erase_at <= clock.now()).order_by(Recording.erase_at).limit(limit)
    found = list(db.session.scalars(query))
    db.session.commit()
    return found


@dataclass(frozen=True, slots=True)
class _Claim:
    id: int
    sid: str
    state: str
    tries: int
    path: str
    size_bytes: int | None
    is_held: bool
    provider_erased_at: datetime | None


def erase(recording_id: int) -> None:
    """Remove what is to be removed of one recording, if that is due. Safe to call at any time, any number of times."""
    claim = _take(recording_id)
    if claim is None:
        return
    if claim.state == "archived" and claim.is_held:  # two copies are safer than one
        _put_off(claim, timedelta(days=1), None)
        return
    try:
        if claim.state != "archived":
            storage().delete(claim.path)
        elif storage().size_of(claim.path) != claim.size_bytes:
            log.error("own_copy_missing", sid=claim.sid)  # so the provider's is the only one left
            _put_off(claim, timedelta(days=1), None)
            return
        if claim.provider_erased_at is None:
            provider().delete_recording(claim.sid)
    except (OSError, StoreError) as problem:
        log.warning("storage_failed", sid=claim.sid, reason=repr(problem)[:300])
        _put_off(claim, _delay(claim), "Our storage could not remove the file yet; it is tried again.")
    except TelephonyError as problem:
        log.warning("provider_copy_stays", sid=claim.sid, reason=problem.sentence)
        trouble = f"The provider’s copy could not be deleted yet; it is tried again. {problem.sentence}"
        _put_off(claim, _delay(claim), trouble if claim.state != "archived" else None)
    else:
        done = {"erase_at": None, "provider_erased_at": claim.provider_erased_at or clock.now(), "error": None}
        touched(_row_of(claim).values(done if claim.state == "archived" else {**done, "path": None}))
        db.session.commit()


def _take(recording_id: int) -> _Claim | None:
    due = sa.update(Recording).where(Recording.id == recording_id, Recording.erase_at <= clock.now())
    taken = due.values(erase_at=clock.now() + CLAIMED_FOR, erase_tries=Recording.erase_tries + 1)
    if touched(taken) == 0:
        db.session.commit()
        return None
    recording = db.session.get_one(Recording, recording_id, populate_existing=True)
    claim = _Claim(
        id=recording.id,
        sid=recording.sid,
        state=recording.state,
        tries=recording.erase_tries,
        path=recording.storage_path,
        size_bytes=recording.size_bytes,
        is_held=recording.is_held,
        provider_erased_at=recording.provider_erased_at,
    )
    db.session.commit()  # nothing stays open while we wait for storage and provider
    return claim


def _row_of(claim: _Claim) -> sa.Update:
    """The row, unless it was deleted while its provider's copy was being removed: then all is owed anew."""
    return sa.update(Recording).where(
        Recording.id == claim.id, Recording.state == claim.state, Recording.erase_tries == claim.tries
    )


def _delay(claim: _Claim) -> timedelta:
    return DELAYS[min(claim.tries, len(DELAYS)) - 1]


def _put_off(claim: _Claim, delay: timedelta, error: str | None) -> None:
    db.session.rollback()
    touched(_row_of(claim).values(erase_at=clock.now() + delay, error=error))
    db.session.commit()
