"""Lines: the numbers (DIDs) we own, with their labels and policies."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from voipcrm.core.db import Record, db

RECORDING_POLICIES = ("off", "on")


class Line(Record):
    """A DID of ours: the only numbers that may be shown as caller ID."""

    __tablename__ = "lines"

    number: Mapped[str] = mapped_column(unique=True)  # E.164
    label: Mapped[str]
    provider_sid: Mapped[str | None]  # PN…, once found at the provider
    recording: Mapped[str] = mapped_column(default="on")  # RECORDING_POLICIES; frozen on each call at its start

    @staticmethod
    def of(number: str | None) -> Line | None:
        """The line with this E.164 number, if it is ours."""
        return db.session.scalars(sa.select(Line).where(Line.number == number)).one_or_none() if number else None

    @staticmethod
    def for_calling(line_id: int | None, default_number: str) -> Line | None:
        """The line to call from: the chosen one, else the default caller ID, else the oldest; None if we own none."""
        if line_id is not None:
            return db.session.get(Line, line_id)
        return Line.of(default_number) or db.session.scalars(sa.select(Line).order_by(Line.id).limit(1)).first()
