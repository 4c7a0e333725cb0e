"""What the provider's REST interface says about calls, recordings, numbers and applications, as plain facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """One leg. The provider updates these with some delay; the price comes minutes after the end."""

    sid: str
    status: str | None  # queued, ringing, in-progress, completed, busy, no-answer, failed, canceled
    ended_at: datetime | None
    duration_seconds: int | None
    price: Decimal | None  # negative: what it cost
    price_unit: str | None

    @classmethod
    def of(cls, call: Any) -> CallFacts:
        return cls(
            sid=call.sid,
            status=call.status or None,
            ended_at=_utc(call.end_time),
            duration_seconds=_whole(call.duration),
            price=_money(call.price),
            price_unit=call.price_unit or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFacts:
    """One recording, of a call or of a conference."""

    sid: str
    call_sid: str | None
    conference_sid: str | None
    status: str | None  # in-progress, paused, stopped, processing, completed, absent, deleted
    duration_seconds: int | None
    channels: int | None
    source: str | None
    started_at: datetime | None
    error_code: int | None

    @classmethod
    def of(cls, recording: Any) -> RecordingFacts:
        return cls(
            sid=recording.sid,
            call_sid=recording.call_sid or None,
            conference_sid=recording.conference_sid or None,
            status=recording.status or None,
            duration_seconds=_whole(recording.duration),
            channels=_whole(recording.channels),
            source=recording.source or None,
            started_at=_utc(recording.start_time),
            error_code=_whole(recording.error_code) or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFacts:
    """One number of the account, and where its calls go. trunk_sid wins over the application, that over voice_url."""

    sid: str
    e164: str
    name: str | None
    voice_application_sid: str | None
    voice_url: str | None
    trunk_sid: str | None
    has_voice: bool

    @classmethod
    def of(cls, number: Any) -> NumberFacts:
        can = number.capabilities
        return cls(
            sid=number.sid,
            e164=number.phone_number,
            name=number.friendly_name or None,
            voice_application_sid=number.voice_application_sid or None,
            voice_url=number.voice_url or None,
            trunk_sid=number.trunk_sid or None,
            has_voice=bool(can.get("voice")) if isinstance(can, dict) else True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFacts:
    """A TwiML application: where browsers' calls and those of the numbers wired to it are reported."""

    sid: str
    voice_url: str | None
    status_url: str | None

    @classmethod
    def of(cls, application: Any) -> ApplicationFacts:
        return cls(
            sid=application.sid,
            voice_url=application.voice_url or None,
            status_url=application.status_callback or None,
        )


def _whole(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if number >= 0 else None  # -1 is how a recording in progress gives its length


def _money(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value)) if value not in (None, "") else None
    except InvalidOperation:
        return None


def _utc(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
