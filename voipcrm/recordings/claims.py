"""Whose turn it is to work on a recording: one worker at a time, and never for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import OperationalError

from voipcrm.core import clock
from voipcrm.core.db import db, touched
from voipcrm.recordings.models import Recording

log = structlog.get_logger(__name__)
HEARTBEAT_SECONDS = 5.0


class ClaimLost(Exception):
    """Another worker took the recording, since we were too slow to say that we live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a worker needs to know of the recording that it took. Plain values: no transaction stays open meanwhile."""

    id: int
    sid: str
    state: str
    tries: int  # this one included; no two claims on a row have the same


C = TypeVar("C", bound=Claim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[C]):
    """Something that may be owed on a recording, and that one worker at a time does.

    It is owed from the moment in `due_at` on. A worker claims the row by moving that moment into the near future; if
    it dies, the claim runs out and the next sweep takes the row again."""

    due_at: Any  # a column of Recording
    tries: Any  # another: how often it was claimed
    lease: timedelta  # how long a claim holds without a heartbeat
    delays: Sequence[timedelta]  # after each try, until the next; the last one again and again
    claim: type[C]
    more: Callable[[Recording], dict[str, Any]]  # the fields that C has beyond those of every Claim
    only: Sequence[sa.ColumnElement[bool]] = ()  # of recordings on which it may be owed at all

    def due(self, *, limit: int) -> list[int]:
        """Ids of recordings that a worker may take now, longest waiting first; also those whose worker died."""
        query = sa.select(Recording.id).where(*self.only, self.due_at <= clock.now())
        found = list(db.session.scalars(query.order_by(self.due_at).limit(limit)))
        db.session.commit()
        return found

    def take(self, recording_id: int) -> C | None:
        """Claim a recording on which the work is owed and due; None if it is not, or if somebody else was first."""
        owed = sa.update(Recording).where(Recording.id == recording_id, *self.only, self.due_at <= clock.now())
        claim = None
        if touched(owed.values({self.tries: self.tries + 1, self.due_at: clock.now() + self.lease})):
            row = db.session.get_one(Recording, recording_id, populate_existing=True)
            tries = getattr(row, self.tries.key)
            claim = self.claim(id=row.id, sid=row.sid, state=row.state, tries=tries, **self.more(row))
        db.session.commit()
        return claim

    def row_of(self, claim: C) -> sa.Update:
        """An UPDATE of the claimed row; of nothing once the claim is somebody else's, or the recording is in another
        state than it was."""
        mine = (Recording.id == claim.id, self.tries == claim.tries, Recording.state == claim.state)
        return sa.update(Recording).where(*mine)

    def delay(self, claim: C) -> timedelta:
        """How long to wait after this try."""
        return self.delays[min(claim.tries, len(self.delays)) - 1]

    def put_off(self, claim: C, delay: timedelta, **values: Any) -> None:
        """Give the claim up and owe the work again after the delay, unless `values` say something else. Commits."""
        db.session.rollback()
        touched(self.row_of(claim).values({self.due_at.key: clock.now() + delay, **values}))
        db.session.commit()

    def heartbeat(self, claim: C) -> Callable[[], None]:
        """A function to call often, from any thread, that keeps the claim alive. Raises ClaimLost once it is over."""
        engine, beaten_at = db.engine, time.monotonic()

        def beat() -> None:
            nonlocal beaten_at
            if time.monotonic() - beaten_at < HEARTBEAT_SECONDS:
                return
            beaten_at = time.monotonic()
            try:
                # Not the session: obstore pulls the pieces of a file from a thread of its own.
                with engine.begin() as connection:
                    alive = self.row_of(claim).values({self.due_at: clock.now() + self.lease})
                    is_ours = connection.execute(alive).rowcount == 1
            except OperationalError:
                log.warning("heartbeat_missed", sid=claim.sid)  # the database is away for a moment; the work goes on
                return
            if not is_ours:
                raise ClaimLost(claim.sid)

        return beat
