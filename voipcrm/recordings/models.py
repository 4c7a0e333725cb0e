"""Recordings and how far each has come."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, column_property, joinedload, mapped_column, relationship, undefer

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import Record

STATES = ("recording", "pending", "archived", "failed", "absent", "deleted", "expired")
DELETABLE = ("pending", "archived", "failed")  # while it is still being recorded there is nothing whole to delete


class Recording(Record):
    """One audio file the provider made of a call. A promoted call has two: before and after.

    recording: it still runs. pending: finished, and its copy is owed. archived: the copy is whole and checked.
    failed: gave up copying. absent: the provider has no audio. deleted: a person removed it. expired: it was kept as
    long as its line says. The last six never go back to the ones before them, except by `retry`."""

    __tablename__ = "recordings"
    __table_args__ = (
        sa.Index("ix_recordings_started", "started_at", "id"),
        sa.Index("ix_recordings_owed", "state", "next_try_at"),
        sa.Index("ix_recordings_state_started", "state", "started_at", "id"),
        sa.Index("ix_recordings_erase_at", "erase_at"),
        sa.Index("ix_recordings_length", "duration_seconds", "started_at", "id"),
    )

    # RE…; of one that was never made, none-… with the public id of its call.
    sid: Mapped[str] = mapped_column(unique=True)
    call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("calls.id"), index=True)
    call_sid: Mapped[str | None] = mapped_column(index=True)  # for linking when the call comes to be known later
    conference_sid: Mapped[str | None]
    source: Mapped[str] = mapped_column(default="")  # Twilio's RecordingSource
    state: Mapped[str] = mapped_column(default="pending")  # STATES
    error: Mapped[str | None]  # why it failed, is absent or has to wait, in words
    channels: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    duration_seconds: Mapped[int | None]

    pending_at: Mapped[datetime | None]  # since when the copy is owed; a retry by hand counts anew
    tries: Mapped[int] = mapped_column(default=0)  # how often it was claimed since then; also says whose claim it is
    next_try_at: Mapped[datetime | None]  # a worker may take it from then on; while one has it, when its claim expires
    archived_at: Mapped[datetime | None]
    path: Mapped[str | None]  # inside the storage
    size_bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    peaks: Mapped[list[list[int]] | None] = mapped_column(sa.JSON)  # see waveform.peaks

    deleted_at: Mapped[datetime | None]  # deleted or expired
    deleted_by: Mapped[str] = mapped_column(default="", server_default="")  # a name, as it was; empty: the retention
    deleted_reason: Mapped[str] = mapped_column(default="", server_default="")
    erase_at: Mapped[datetime | None]  # a copy, ours or the provider's, is to be removed from then on; see erasing.py
    erase_tries: Mapped[int] = mapped_column(default=0, server_default="0")
    provider_erased_at: Mapped[datetime | None]  # since when the provider has no copy any more, by our doing

    if TYPE_CHECKING:
        is_held: Mapped[bool]  # by a LegalHold; a column of its own only where asked for, see below

    call: Mapped[Call | None] = relationship()

    @property
    def is_owed(self) -> bool:
        """A worker may copy it now."""
        return self.state == "pending" and self.next_try_at is not None and self.next_try_at <= clock.now()

    @property
    def is_playable(self) -> bool:
        return self.state == "archived" and self.path is not None

    @property
    def is_deletable(self) -> bool:
        """By its state; a legal hold is another matter."""
        return self.state in DELETABLE

    @property
    def storage_path(self) -> str:
        """Where its copy lies or would come to lie, inside the storage."""
        return self.path or f"{self.started_at:%Y/%m}/{self.sid}.wav"

    def retry(self) -> None:
        """Owe the copy anew, from now on; only of what failed."""
        if self.state == "failed":
            self.state, self.error, self.tries = "pending", None, 0
            self.pending_at = self.next_try_at = clock.now()

    @staticmethod
    def visible_to(user: User) -> sa.Select[Recording]:
        """Those of the calls this person may see; with the right to see every call also those of no known call."""
        query = sa.select(Recording)
        if user.may(Can.VIEW_ALL_CALLS):
            return query
        # EXISTS, not IN: the newest page then costs a few look-ups instead of a list of all their calls.
        theirs = Call.visible_to(user).where(Call.id == Recording.call_id).with_only_columns(Call.id)
        return query.where(theirs.correlate(Recording).exists())

    @staticmethod
    def with_names(query: sa.Select[Recording]) -> sa.Select[Recording]:
        """The same recordings with their calls, people and lines, in the same statement."""
        return query.options(*Call.names_by(joinedload(Recording.call)), undefer(Recording.is_held))


class LegalHold(Record):
    """A recording, or all those of a call (also later ones), may not be deleted and does not expire until released."""

    __tablename__ = "legal_holds"

    recording_id: Mapped[int | None] = mapped_column(sa.ForeignKey("recordings.id"), index=True)
    call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("calls.id"), index=True)  # one of the two is set
    reason: Mapped[str]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    released_at: Mapped[datetime | None]

    by: Mapped[User | None] = relationship()


HELD = sa.exists().where(
    LegalHold.released_at.is_(None),
    sa.or_(LegalHold.recording_id == Recording.id, LegalHold.call_id == Recording.call_id),
)
Recording.is_held = column_property(sa.select(HELD.correlate(Recording.__table__)).scalar_subquery(), deferred=True)
