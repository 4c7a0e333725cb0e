"""Lines: the numbers (DIDs) we own, with their labels and policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from voipcrm.core.db import Record, db
from voipcrm.core.prepared import Connection, Prepared
from voipcrm.trunks import recording_policies

KEEP_FOR_EVER = 0  # days


class Line(Record):
    """A DID of ours: the only numbers that may be shown as caller ID."""

    __tablename__ = "lines"

    number: Mapped[str] = mapped_column(unique=True)  # E.164
    label: Mapped[str]
    provider_sid: Mapped[str | None]  # PN…, once found at the provider
    # recording_policies.POLICIES; frozen on each call at its start.
    recording_in: Mapped[str] = mapped_column(default="on")
    recording_out: Mapped[str] = mapped_column(default="on")
    recording_notice: Mapped[str] = mapped_column(default="")  # said under the policy "announce"; empty: ours
    recording_question: Mapped[str] = mapped_column(default="")  # asked under "consent"; empty: ours
    keep_days: Mapped[int | None]  # its recordings: so many days or KEEP_FOR_EVER; None: as the house says
    retired_at: Mapped[datetime | None]  # no longer ours to use; calls refer to it, so it stays

    def says_before_recording(self, policy: str) -> str:
        """What the other party of a call under this policy hears first; empty: nothing."""
        return recording_policies.sentence(policy, notice=self.recording_notice, question=self.recording_question)

    @staticmethod
    def in_use() -> sa.Select[Line]:
        """The lines that are not retired."""
        return sa.select(Line).where(Line.retired_at.is_(None))

    @staticmethod
    def for_calling(line_id: int | None, default_number: str) -> Line | None:
        """The line to call from: the chosen one, else the default caller ID, else the oldest; None if we own none."""
        if line_id is not None:
            return db.session.scalars(Line.in_use().where(Line.id == line_id)).one_or_none()
        default_first = Line.in_use().order_by(Line.number != default_number, Line.id).limit(1)
        return db.session.scalars(default_first).first()


@dataclass(frozen=True, slots=True)
class CalledLine:
    """A line as the answer to an incoming call needs it."""

    id: int
    number: str
    label: str
    recording: str  # of calls that come in
    notice: str
    question: str

    @property
    def says_before_recording(self) -> str:
        """What the caller hears before anybody is rung; empty: nothing."""
        return recording_policies.sentence(self.recording, notice=self.notice, question=self.question)

    @staticmethod
    def of(connection: Connection, number: str | None) -> CalledLine | None:
        """The line with this E.164 number, if it is ours and in use."""
        return CalledLine.ask(connection, number)()

    @staticmethod
    def ask(connection: Connection, number: str | None) -> Callable[[], CalledLine | None]:
        """The same, to be read later."""
        if not number:
            return lambda: None
        asked = _BY_NUMBER.ask(connection, {"number": number})
        return lambda: CalledLine(*row) if (row := asked.first()) else None


_BY_NUMBER = Prepared(
    lambda: sa.select(
        Line.id, Line.number, Line.label, Line.recording_in, Line.recording_notice, Line.recording_question
    ).where(Line.number == sa.bindparam("number"), Line.retired_at.is_(None))
)
