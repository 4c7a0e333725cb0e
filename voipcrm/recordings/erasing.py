"""Removing recordings: at once for everybody who looks, then, by a job that does not give up, from our storage and at
the provider. The row stays and says who, when and why.

`erase_at` says that a removal is owed, and from when on (claims.py says whose turn it is)."""

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
from voipcrm.recordings.archiving import COPYING
from voipcrm.recordings.claims import Claim, Work
from voipcrm.recordings.models import DELETABLE, HELD, Recording
from voipcrm.telephony.errors import TelephonyError

log = structlog.get_logger(__name__)


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
        "erase_at": sa.case((copying, now + COPYING.lease), else_=now),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseClaim(Claim):
    path: str
    size_bytes: int | None
    is_held: bool
    provider_erased_at: datetime | None


# One that is deleted while its provider's copy is being removed is in another state: then all is owed anew.
ERASING = Work(
    due_at=Recording.erase_at,
    tries=Recording.erase_tries,
    lease=timedelta(minutes=5),
    delays=[timedelta(seconds=seconds) for seconds in (30, 120, 600, 3_600)],
    claim=EraseClaim,
    more=lambda recording: {
        "path": recording.storage_path,
        "size_bytes": recording.size_bytes,
        "is_held": recording.is_held,
        "provider_erased_at": recording.provider_erased_at,
    },
)


def erase(recording_id: int) -> None:
    """Remove what is to be removed of one recording, if that is due. Safe to call at any time, any number of times."""
    claim = ERASING.take(recording_id)
    if claim is None:
        return
    if claim.state == "archived" and claim.is_held:  # two copies are safer than one
        ERASING.put_off(claim, timedelta(days=1), error=None)
        return
    try:
        if claim.state != "archived":
            storage().delete(claim.path)
        elif storage().size_of(claim.path) != claim.size_bytes:
            log.error("own_copy_missing", sid=claim.sid)  # so the provider's is the only one left
            ERASING.put_off(claim, timedelta(days=1), error=None)
            return
        if claim.provider_erased_at is None:
            provider().delete_recording(claim.sid)
    except (OSError, StoreError) as problem:
        log.warning("storage_failed", sid=claim.sid, reason=repr(problem)[:300])
        trouble = "Our storage could not remove the file yet; it is tried again."
        ERASING.put_off(claim, ERASING.delay(claim), error=trouble)
    except TelephonyError as problem:
        log.warning("provider_copy_stays", sid=claim.sid, reason=problem.sentence)
        trouble = f"The provider’s copy could not be deleted yet; it is tried again. {problem.sentence}"
        ERASING.put_off(claim, ERASING.delay(claim), error=trouble if claim.state != "archived" else None)
    else:
        done = {"erase_at": None, "provider_erased_at": claim.provider_erased_at or clock.now(), "error": None}
        touched(ERASING.row_of(claim).values(done if claim.state == "archived" else {**done, "path": None}))
        db.session.commit()
