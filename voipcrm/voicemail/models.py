"""Messages in mailboxes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import Record
from voipcrm.recordings.models import Recording
from voipcrm.routes.mailboxes import Mailbox

# States of a recording of which there is something to hear, or to wait for.
LISTED = ("recording", "pending", "archived", "failed")


class Voicemail(Record):
    """A caller who reached a mailbox. It is a message once there is a recording; some hang up before.

    Heard by one of the mailbox's people is heard, and done by one is done: they share the inbox."""

    __tablename__ = "voicemails"
    __table_args__ = (sa.Index("ix_voicemails_mailbox", "mailbox_id", "created_at", "id"),)

    call_id: Mapped[int] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"), unique=True)
    mailbox_id: Mapped[int] = mapped_column(sa.ForeignKey("mailboxes.id", ondelete="CASCADE"))
    recording_id: Mapped[int | None] = mapped_column(sa.ForeignKey("recordings.id"), index=True)
    heard_at: Mapped[datetime | None]
    heard_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))

    call: Mapped[Call] = relationship()
    mailbox: Mapped[Mailbox] = relationship()
    recording: Mapped[Recording | None] = relationship()
    heard_by: Mapped[User | None] = relationship(foreign_keys=[heard_by_id])
    done_by: Mapped[User | None] = relationship(foreign_keys=[done_by_id])

    @staticmethod
    def of(user: User) -> sa.Select[Voicemail]:
        """The messages in this person's inbox: of their own mailboxes and those of their ring groups. Nobody else's,
        whatever they may see of calls."""
        theirs = Mailbox.read_by(user).with_only_columns(Mailbox.id)
        return (
            sa.select(Voicemail)
            .join(Recording, Recording.id == Voicemail.recording_id)
            .where(Voicemail.mailbox_id.in_(theirs), Recording.state.in_(LISTED))
        )

    @staticmethod
    def new_for(user: User) -> sa.Select[Voicemail]:
        """Those in this person's inbox that nobody has heard or done."""
        return Voicemail.of(user).where(Voicemail.heard_at.is_(None), Voicemail.done_at.is_(None))

    @staticmethod
    def with_names(query: sa.Select[Voicemail]) -> sa.Select[Voicemail]:
        """The same messages with all that their rows show, in the same statement."""
        return query.options(
            *Call.names_by(joinedload(Voicemail.call)),
            joinedload(Voicemail.mailbox),
            joinedload(Voicemail.recording),
            joinedload(Voicemail.heard_by),
            joinedload(Voicemail.done_by),
        )

    def hear(self, by: User) -> None:
        """The first who plays it has heard it for all."""
        if self.heard_at is None:
            self.heard_at, self.heard_by_id = clock.now(), by.id

    def finish(self, by: User) -> None:
        """Nothing is left to do about it; who says so needs not have played it."""
        self.hear(by)
        if self.done_at is None:
            self.done_at, self.done_by_id = clock.now(), by.id

    def reopen(self) -> None:
        self.done_at = self.done_by_id = None
