"""What people write down about a call. It belongs to the call, also where nobody knows who called, and so it goes along
when the call is linked to another contact."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.core.db import Record, db


class CallNote(Record):
    __tablename__ = "call_notes"

    call_id: Mapped[int] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    text: Mapped[str]
    edited_at: Mapped[datetime | None]

    call: Mapped[Call] = relationship()
    by: Mapped[User] = relationship()

    @staticmethod
    def of(user: User) -> sa.Select[CallNote]:
        """Those that this user wrote about calls that they may still see, and so may change."""
        visible = Call.visible_to(user).where(Call.id == CallNote.call_id).with_only_columns(Call.id)
        return sa.select(CallNote).where(CallNote.by_id == user.id, visible.correlate(CallNote).exists())


def notes_of(calls: Iterable[Call]) -> dict[int, list[CallNote]]:
    """The notes of each call by its id, oldest first. One statement."""
    ids = [call.id for call in calls]
    if not ids:
        return {}
    query = sa.select(CallNote).where(CallNote.call_id.in_(ids)).options(joinedload(CallNote.by))
    found: dict[int, list[CallNote]] = {}
    for note in db.session.scalars(query.order_by(CallNote.id)):
        found.setdefault(note.call_id, []).append(note)
    return found
