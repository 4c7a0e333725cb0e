"""Work that takes long and is done a batch at a time, each in a short transaction, so that nobody waits for it: imports
and exports of files. The row of the work says what is owed and whose it is: a job signs it with a claim of its own, and
stops when it finds another's there, or none. One whose worker died is begun anew, or gone on with, by another."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import ClassVar, Self

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from voipcrm.core import clock
from voipcrm.core.db import Record, db

STALLED = timedelta(minutes=2)  # a batch takes about a second


class Lost(Exception):
    """Another job took the work over, or nobody wants it any more."""


class LongWork(Record):
    """A row of work. A subclass has a column `state` and says in which of them a job is at it, or owed."""

    __abstract__ = True
    WORKING: ClassVar[tuple[str, ...]]

    state: Mapped[str]
    claim: Mapped[str] = mapped_column(default="")  # of the job that is at it
    reached_at: Mapped[datetime] = mapped_column(default=clock.now)  # when something last moved

    @property
    def is_working(self) -> bool:
        return self.state in self.WORKING

    @classmethod
    def take(cls, row_id: int) -> Self | None:
        """The work, locked and signed by this job, whoever was at it; None if nothing is owed. The caller commits."""
        one = db.session.get(cls, row_id, with_for_update=True)
        if one is None or not one.is_working:
            return None
        one.claim, one.reached_at = secrets.token_hex(12), clock.now()
        return one

    @classmethod
    def mine(cls, row_id: int, claim: str) -> Self:
        """The work as it stands, locked for the batch that follows. Raises Lost, and then keeps no lock."""
        one = db.session.get(cls, row_id, with_for_update=True, populate_existing=True)
        if one is None or one.claim != claim:
            db.session.rollback()
            raise Lost
        one.reached_at = clock.now()
        return one

    @classmethod
    def stalled(cls, *, limit: int) -> list[int]:
        """Ids of those that nobody is at, longest waiting first: nobody heard the bell, or the worker died."""
        idle = sa.select(cls.id).where(cls.state.in_(cls.WORKING), cls.reached_at < clock.now() - STALLED)
        found = list(db.session.scalars(idle.order_by(cls.reached_at).limit(limit)))
        db.session.commit()
        return found
