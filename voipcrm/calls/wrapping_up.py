"""Wrap-up: what an agent writes down after a call they talked on.

It is a row from the moment at which the ledger sees the call's end (`calls.ledger`), so it is still there after a
reload, in another tab, and when the browser is gone. While it is open routes pass its agent over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.models import Call
from voipcrm.calls.notes import CallNote
from voipcrm.contacts.notes import Task
from voipcrm.core import clock
from voipcrm.core.db import Record, db, partial_index

LONGEST_SECONDS = 3600
GRACE = timedelta(seconds=20)  # the dock itself saves at the limit; the sweep is for those that no dock shows
AT_ONCE = 200
FOLLOW_UP = "Call back"  # what a follow-up is called that has only a day


class WrapUpPolicy(Record):
    """Whether agents wrap calls up, and for how long at most; 0 s is no limit. At most one row; none is off."""

    __tablename__ = "wrap_up_policy"

    is_on: Mapped[bool] = mapped_column(default=False)
    limit_seconds: Mapped[int] = mapped_column(default=0)

    @staticmethod
    def present() -> WrapUpPolicy:
        """The one there is, else a new one that is off and not yet in the session."""
        known = db.session.scalars(sa.select(WrapUpPolicy)).first()
        return known or WrapUpPolicy(id=1, is_on=False, limit_seconds=0)


class WrapUp(Record):
    """One agent's wrap-up of one call. Until it is finished the last four columns are a draft; afterwards they are what
    was said, kept beside the call's own disposition, note and task, which others may change."""

    __tablename__ = "wrap_ups"
    __table_args__ = (
        sa.UniqueConstraint("call_id", "user_id"),
        partial_index("ix_wrap_ups_open", "user_id", where="finished_at IS NULL"),
    )

    call_id: Mapped[int] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    began_at: Mapped[datetime]  # when the call ended
    limit_seconds: Mapped[int]  # the policy's when it began; 0: none
    finished_at: Mapped[datetime | None]
    finished_by: Mapped[str | None]  # saved, skipped, or the limit
    task_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tasks.id", ondelete="SET NULL"))
    disposition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("dispositions.id"))
    note: Mapped[str] = mapped_column(default="")
    follow_up: Mapped[str] = mapped_column(default="")
    due_on: Mapped[date | None]

    call: Mapped[Call] = relationship()
    user: Mapped[User] = relationship()
    disposition: Mapped[Disposition | None] = relationship()

    @property
    def until_at(self) -> datetime | None:
        return ends_at(self.began_at, self.limit_seconds)

    @staticmethod
    def of(user: User) -> sa.Select[WrapUp]:
        """This user's open ones, the oldest first, with what a form of it shows. Those past their limit are still
        among them until somebody saves them."""
        names = joinedload(WrapUp.call)
        return (
            sa.select(WrapUp)
            .where(WrapUp.user_id == user.id, WrapUp.finished_at.is_(None))
            .options(names.joinedload(Call.person), names.joinedload(Call.line))
            .order_by(WrapUp.began_at, WrapUp.id)
        )

    def save(self) -> None:
        """Write what was said to the call and the contact, and be done."""
        self._finish("saved")
        self._write()

    def skip(self) -> None:
        """Be done without writing anything."""
        self._finish("skipped")

    def run_out(self) -> None:
        """The limit passed: what was typed so far is kept as if it had been saved."""
        self._finish("limit")
        self._write()

    def _finish(self, how: str) -> None:
        self.finished_at, self.finished_by = clock.now(), how

    def _write(self) -> None:
        if self.disposition_id:
            self.call.disposition_id = self.disposition_id
        if self.note:
            db.session.add(CallNote(call_id=self.call_id, by_id=self.user_id, text=self.note))
        if self.due_on and self.call.person_id:
            task = Task(
                person_id=self.call.person_id,
                by_id=self.user_id,
                owner_id=self.user_id,
                title=self.follow_up or FOLLOW_UP,
                due_on=self.due_on,
            )
            db.session.add(task)
            db.session.flush()
            self.task_id = task.id


def ends_at(began_at: datetime, limit_seconds: int) -> datetime | None:
    """When a wrap-up ends by itself; None without a limit."""
    return began_at + timedelta(seconds=limit_seconds) if limit_seconds else None


def is_wrapping_up(began_at: datetime, limit_seconds: int, *, at: datetime) -> bool:
    """Does an unfinished wrap-up keep its agent from the phone at that moment?"""
    until = ends_at(began_at, limit_seconds)
    return until is None or at < until


def wrapping_up_now() -> set[int]:
    """Ids of the users who are wrapping up. One statement, as large as they are many."""
    open_ones = sa.select(WrapUp.user_id, WrapUp.began_at, WrapUp.limit_seconds).where(WrapUp.finished_at.is_(None))
    now = clock.now()
    return {
        user_id
        for user_id, began_at, limit_seconds in db.session.execute(open_ones)
        if is_wrapping_up(began_at, limit_seconds, at=now)
    }


def run_out_due() -> None:
    """The sweep: end those whose limit has passed and that no dock has saved. Commits."""
    limited = sa.select(WrapUp).where(WrapUp.finished_at.is_(None), WrapUp.limit_seconds > 0).order_by(WrapUp.began_at)
    now = clock.now() - GRACE
    due = [one for one in _locked(limited) if not is_wrapping_up(one.began_at, one.limit_seconds, at=now)]
    for one in due:
        one.run_out()
    db.session.commit()


def run_out_all() -> None:
    """Wrap-up is turned off: nobody stays behind in one. The caller commits."""
    for one in _locked(sa.select(WrapUp).where(WrapUp.finished_at.is_(None))):
        one.run_out()


def _locked(query: sa.Select[WrapUp]) -> Iterable[WrapUp]:
    return db.session.scalars(query.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
