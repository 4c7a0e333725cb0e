"""Dispositions: what came of a conversation, in the words of the house. They are chosen when a call is wrapped up."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from voipcrm.core import clock
from voipcrm.core.db import Record, db


class Disposition(Record):
    """One of them. Never deleted, since calls refer to it: retired."""

    __tablename__ = "dispositions"

    name: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(default=0)
    retired_at: Mapped[datetime | None]

    @staticmethod
    def in_order() -> sa.Select[Disposition]:
        """Those in use, as people choose from them."""
        in_use = sa.select(Disposition).where(Disposition.retired_at.is_(None))
        return in_use.order_by(Disposition.position, Disposition.id)

    @staticmethod
    def retired() -> sa.Select[Disposition]:
        return sa.select(Disposition).where(Disposition.retired_at.is_not(None)).order_by(Disposition.name)

    @staticmethod
    def choices(present: int | None = None) -> list[tuple[int, str]]:
        """(id, name) of those in use, and of the one that a call has now: saving takes nothing away."""
        query = sa.select(Disposition.id, Disposition.name)
        query = query.where(sa.or_(Disposition.retired_at.is_(None), Disposition.id == (present or 0)))
        found = db.session.execute(query.order_by(Disposition.position, Disposition.id))
        return [(row_id, name) for row_id, name in found]

    def enter(self) -> None:
        """Put a new or retired one at the end of those in use."""
        highest = db.session.scalar(sa.select(sa.func.max(Disposition.position)))
        self.position = 0 if highest is None else highest + 1
        self.retired_at = None
        db.session.add(self)

    def retire(self) -> None:
        if self.retired_at is None:
            self.retired_at = clock.now()
