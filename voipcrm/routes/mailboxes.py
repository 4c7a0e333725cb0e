"""Mailboxes: where callers leave a message when nobody answers, and whose inbox it comes to."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.core.db import Record
from voipcrm.core.prepared import Connection, Prepared
from voipcrm.routes.models import GroupMember, RingGroup

GREETING = (
    "Nobody can take your call right now. Please leave a message after the tone, then hang up or press the hash key."
)


class Mailbox(Record):
    """Of one person, or of everybody in a ring group."""

    __tablename__ = "mailboxes"

    name: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    group_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ring_groups.id"), index=True)
    greeting: Mapped[str] = mapped_column(default="")  # spoken before the tone; empty: ours
    greeting_file: Mapped[str | None] = mapped_column(unique=True)  # played instead: see routes.greetings

    user: Mapped[User | None] = relationship()
    group: Mapped[RingGroup | None] = relationship()

    @staticmethod
    def read_by(user: User) -> sa.Select[Mailbox]:
        """The mailboxes whose messages come to this person."""
        member = sa.exists().where(GroupMember.group_id == Mailbox.group_id, GroupMember.user_id == user.id)
        return sa.select(Mailbox).where(sa.or_(Mailbox.user_id == user.id, member))

    @property
    def owner(self) -> str:
        """Whose it is, in words."""
        return self.group.name if self.group else self.user.name if self.user else "Nobody"


@dataclass(frozen=True, slots=True)
class Box:
    """A mailbox as the answer to a call needs it; user_ids: whose inbox it is, without who left."""

    id: int
    name: str
    greeting: str
    greeting_file: str | None
    user_ids: tuple[int, ...]


def box(connection: Connection, mailbox_id: int) -> Box | None:
    rows = _WITH_OWNERS.rows(connection, {"mailbox_id": mailbox_id})
    if not rows:
        return None
    owners = tuple(row.user_id for row in rows if row.user_id is not None)
    return Box(rows[0].id, rows[0].name, rows[0].greeting or GREETING, rows[0].greeting_file, owners)


_WITH_OWNERS = Prepared(
    lambda: (
        sa.select(Mailbox.id, Mailbox.name, Mailbox.greeting, Mailbox.greeting_file, User.id.label("user_id"))
        .outerjoin(GroupMember, GroupMember.group_id == Mailbox.group_id)
        .outerjoin(
            User,
            sa.and_(sa.or_(User.id == Mailbox.user_id, User.id == GroupMember.user_id), User.deactivated_at.is_(None)),
        )
        .where(Mailbox.id == sa.bindparam("mailbox_id"))
        .order_by(GroupMember.position, User.id)
    )
)
