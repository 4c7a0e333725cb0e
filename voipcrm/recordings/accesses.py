"""The access log of recordings: who played, took home or deleted what, when and from where; and what was held back.

A row is written, and committed, before the first byte leaves. What may be heard is then named by a ticket: the player
asks for the same file many times over, a part each time, and all of that is one play."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app, has_request_context, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship
from werkzeug.datastructures import MultiDict

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.core import asking
from voipcrm.core.db import Record, db
from voipcrm.recordings.models import Recording

# What can happen to a recording, in words of the log.
KINDS = {
    "play": "Played",
    "download": "Downloaded",
    "zip": "Put into a ZIP",
    "delete": "Deleted",
    "expire": "Expired",
    "hold": "Put on legal hold",
    "release": "Released from legal hold",
}
TICKET_LIFE = {"play": timedelta(hours=10), "download": timedelta(hours=1)}  # a player may stay open for a working day


class RecordingAccess(Record):
    """One thing that a person, or the house itself, did with a recording."""

    __tablename__ = "recording_accesses"
    __table_args__ = (
        sa.Index("ix_recording_accesses_at", "created_at", "id"),
        sa.Index("ix_recording_accesses_recording_at", "recording_id", "created_at", "id"),
        sa.Index("ix_recording_accesses_user_at", "user_id", "created_at", "id"),
        sa.Index("ix_recording_accesses_kind_at", "kind", "created_at", "id"),
    )

    recording_id: Mapped[int] = mapped_column(sa.ForeignKey("recordings.id"))
    kind: Mapped[str]  # of KINDS
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))  # None: the house itself
    user_name: Mapped[str] = mapped_column(default="")  # as it was then
    reason: Mapped[str] = mapped_column(default="")  # as they gave it
    ip: Mapped[str] = mapped_column(default="")

    recording: Mapped[Recording] = relationship()

    @property
    def kind_words(self) -> str:
        return KINDS[self.kind]

    @staticmethod
    def with_recordings(query: sa.Select[RecordingAccess]) -> sa.Select[RecordingAccess]:
        """The same rows with what names their recordings, in the same statement."""
        call = joinedload(RecordingAccess.recording).joinedload(Recording.call)
        return query.options(call.joinedload(Call.person), call.joinedload(Call.other_user))


def note(kind: str, recording_id: int, *, by: User | None, reason: str = "", ip: str | None = None) -> RecordingAccess:
    """Write down what `by` (None: the house itself) did. The caller commits. `ip` if no request tells it."""
    if kind not in KINDS:
        raise ValueError(kind)
    if ip is None:
        ip = (request.remote_addr or "") if has_request_context() else ""
    entry = RecordingAccess(
        recording_id=recording_id,
        kind=kind,
        user_id=by.id if by else None,
        user_name=by.name if by else "",
        reason=reason,
        ip=ip,
    )
    db.session.add(entry)
    return entry


def ticket(kind: str, recording: Recording, user: User) -> str:
    """What lets this person, and nobody else, fetch this file for a while, after the access was written down."""
    return _signer(kind).dumps([recording.sid, user.id])


def kind_of_ticket(text: str, recording: Recording, user: User) -> str | None:
    """play or download; None for a ticket that is somebody else's, of another recording, too old or no ticket."""
    for kind, life in TICKET_LIFE.items():
        with suppress(BadSignature):
            whose = _signer(kind).loads(text, max_age=int(life.total_seconds()))
            return kind if whose == [recording.sid, user.id] else None
    return None


def _signer(kind: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=f"recording-{kind}")


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody wants to see of the log. A value that makes no sense counts as not set."""

    person: int | None = None
    kind: str = ""
    since: date | None = None
    until: date | None = None  # that day included

    @classmethod
    def read(cls, args: MultiDict[str, str]) -> Filters:
        return cls(
            person=args.get("person", type=asking.row_id),
            kind=kind if (kind := args.get("kind", "")) in KINDS else "",
            since=args.get("since", type=asking.day),
            until=args.get("until", type=asking.day),
        )

    @property
    def is_set(self) -> bool:
        return self != Filters()

    def query(self, zone: ZoneInfo) -> sa.Select[RecordingAccess]:
        """The rows asked for; days are days of `zone`."""
        conditions: list[Any] = []
        if self.person is not None:
            conditions.append(RecordingAccess.user_id == self.person)
        if self.kind:
            conditions.append(RecordingAccess.kind == self.kind)
        if self.since:
            conditions.append(RecordingAccess.created_at >= asking.start_of(self.since, zone))
        if self.until:
            conditions.append(RecordingAccess.created_at < asking.start_of(self.until + timedelta(days=1), zone))
        return RecordingAccess.with_recordings(sa.select(RecordingAccess).where(*conditions))
