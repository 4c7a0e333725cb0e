"""Legal holds: what is held is neither deleted by people nor let go by its retention."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from voipcrm.accounts.models import User
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.recordings import accesses
from voipcrm.recordings.models import LegalHold, Recording


def of(recording: Recording) -> Sequence[LegalHold]:
    """The holds that keep this recording, the oldest first."""
    mine = sa.or_(
        LegalHold.recording_id == recording.id,
        sa.and_(LegalHold.call_id.is_not(None), LegalHold.call_id == recording.call_id),
    )
    query = sa.select(LegalHold).where(mine, LegalHold.released_at.is_(None)).options(joinedload(LegalHold.by))
    return db.session.scalars(query.order_by(LegalHold.id)).all()


def hold(recording: Recording, *, whole_call: bool, by: User, reason: str) -> LegalHold:
    """Keep this recording, or all of its call, until somebody releases it. The caller commits."""
    of_call = whole_call and recording.call_id is not None
    concerned = Recording.call_id == recording.call_id if of_call else Recording.id == recording.id
    made = LegalHold(
        recording_id=None if of_call else recording.id,
        call_id=recording.call_id if of_call else None,
        reason=reason,
        by_id=by.id,
    )
    for recording_id in _locked(concerned):
        accesses.note("hold", recording_id, by=by, reason=reason)
    db.session.add(made)
    return made


def release(held: LegalHold, *, by: User) -> None:
    """From here on it goes as its retention says. The caller commits."""
    concerned = Recording.call_id == held.call_id if held.call_id else Recording.id == held.recording_id
    for recording_id in _locked(concerned):
        accesses.note("release", recording_id, by=by)
    held.released_at = clock.now()


def _locked(concerned: sa.ColumnElement[bool]) -> Sequence[int]:
    """Ids of the recordings, locked: nobody deletes one between our looking and our commit."""
    return db.session.scalars(sa.select(Recording.id).where(concerned).order_by(Recording.id).with_for_update()).all()
