"""The history as a CSV file of any size: a job writes it into the storage, whoever asked fetches it for a day."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.core import clock
from voipcrm.core.long_work import LongWork

STATES = ("working", "done", "canceled", "failed")
KEPT_FOR = timedelta(hours=24)


class CallExport(LongWork):
    """One file. Working: a job is at it, or owed; it begins anew if the one that was at it died."""

    __tablename__ = "call_exports"
    WORKING = ("working",)
    __table_args__ = (sa.Index("ix_call_exports_of", "by_id", "created_at", "id"),)

    by_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    asked: Mapped[dict[str, str]] = mapped_column(sa.JSON)  # the filters as in the address of the history
    time_zone: Mapped[str]  # in which days are meant and moments are written
    state: Mapped[str] = mapped_column(default="working")  # STATES
    reason: Mapped[str] = mapped_column(default="")  # why it failed, for people
    total: Mapped[int | None]  # rows, once they were counted
    written: Mapped[int] = mapped_column(default=0)  # rows
    path: Mapped[str | None]  # inside the storage
    done_at: Mapped[datetime | None]

    by: Mapped[User] = relationship()

    @property
    def percent(self) -> int | None:
        """How far it is; None while nobody knows how much it is."""
        return min(self.written * 100 // self.total, 100) if self.total else None

    @property
    def until_at(self) -> datetime:
        """Until when it can be fetched."""
        return self.created_at + KEPT_FOR

    @staticmethod
    def of(user: User) -> sa.Select[CallExport]:
        """Nobody but who asked for it: it holds what they may see. Those that can still be fetched."""
        return sa.select(CallExport).where(CallExport.by_id == user.id, CallExport.created_at > clock.now() - KEPT_FOR)
