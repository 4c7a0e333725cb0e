"""Recordings and how far each has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import Record

STATES = ("recording", "pending", "archived", "failed", "absent", "deleted")


class Recording(Record):
    """One audio file the provider made of a call. A promoted call has two: before and after."""

    __tablename__ = "recordings"
    __table_args__ = (
        sa.Index("ix_recordings_started", "started_at", "id"),
        sa.Index("ix_recordings_owed", "state", "next_try_at"),
    )

    sid: Mapped[str] = mapped_column(unique=True)  # RE…
    call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("calls.id"), index=True)
    call_sid: Mapped[str | None] = mapped_column(index=True)  # for linking when the call comes to be known later
    conference_sid: Mapped[str | None]
    source: Mapped[str] = mapped_column(default="")  # Twilio's RecordingSource
    state: Mapped[str] = mapped_column(default="pending")  # STATES
    error: Mapped[str | None]  # why it failed or is absent, in words
    channels: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    duration_seconds: Mapped[int | None]

    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]  # owed to a worker from then on; None: nothing owed
    archived_at: Mapped[datetime | None]
    path: Mapped[str | None]  # inside the storage
    size_bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    peaks: Mapped[list[Any] | None] = mapped_column(sa.JSON)  # a list a channel, values 0 to 100

    call: Mapped[Call | None] = relationship()
