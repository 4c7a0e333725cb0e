"""The provider's webhook forms, read into plain facts.

Every form arrives as (name, value) pairs. New fields may appear any day and are ignored; a missing or unreadable
optional field is None and does not cost the others. A name that comes twice with different values (a browser can
send `To` or `From` as a parameter of its own) counts as not given: nobody can know which of them is the provider's.
Everything here is still only what was *sent*; `signature.verify` says whether the provider sent it.

Source: Twilio, "TwiML Voice request parameters", "Voice call status callbacks", "Dial", "Recording status callbacks",
"Conference statusCallback", and captured payloads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from voipcrm.telephony.errors import FactMissing

Pairs = Iterable[tuple[str, str]]

LEG_RANKS = {
    "queued": 0,
    "initiated": 1,
    "ringing": 2,
    "in-progress": 3,
    "answered": 3,  # the name of the event; the provider's REST interface calls the state in-progress
    "completed": 4,
    "busy": 4,
    "no-answer": 4,
    "failed": 4,
    "canceled": 4,
}
TERMINAL_RANK = 4

_TWILIO_PREFIXES = ("From", "To", "Caller", "Called")
_PLACES = ("City", "State", "Zip", "Country")
_VOICE_FIELDS = frozenset(
    {"CallSid", "ParentCallSid", "AccountSid", "ApiVersion", "CallStatus", "Direction", "ApplicationSid", "CallerName"}
    | {"ForwardedFrom", "CalledVia", "StirVerstat", "StirPassportToken", "StirStatus", "CallToken", "AddOns"}
    | {"Digits", "FinishedOnKey", "SpeechResult", "Confidence", "msg", "ErrorCode", "ErrorUrl"}
    | {"SipDomain", "SipDomainSid", "SipCallId", "SipSourceIp"}
    | set(_TWILIO_PREFIXES)
    | {prefix + place for prefix in _TWILIO_PREFIXES for place in _PLACES}
)


class Form:
    """The fields of one webhook by name, each read as what it should be, or None. `pairs`: the fields as they came."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = list(pairs)
        self._values: dict[str, str] = {}
        unclear = set()
        for name, value in self.pairs:
            if self._values.setdefault(name, value) != value:
                unclear.add(name)
        for name in unclear:
            del self._values[name]

    def text(self, name: str) -> str | None:
        """The value without the white space around it; None if missing or blank."""
        return self._values.get(name, "").strip() or None

    def needed(self, name: str) -> str:
        """Like `text`, but raises FactMissing."""
        value = self.text(name)
        if value is None:
            raise FactMissing(name)
        return value

    def word(self, name: str) -> str | None:
        """A status or event name, in lower case."""
        value = self.text(name)
        return value.lower() if value else None

    def whole(self, name: str) -> int | None:
        """A whole number from 0 up."""
        value = self.text(name)
        return int(value) if value and value.isascii() and value.isdigit() and len(value) <= 15 else None

    def yes_no(self, name: str) -> bool | None:
        return {"true": True, "1": True, "false": False, "0": False}.get(self.word(name) or "")

    def moment(self, name: str) -> datetime | None:
        return moment(self.text(name))

    def others(self, known: frozenset[str]) -> dict[str, str]:
        """The fields that are not the provider's own, values untouched."""
        return {
            name: value
            for name, value in self._values.items()
            if name not in known and not name.startswith("SipHeader_")
        }


def moment(text: str | None) -> datetime | None:
    """An aware UTC datetime from RFC 2822, ISO 8601 or Unix seconds (all three occur as `Timestamp`), else None."""
    if not text:
        return None
    text = text.strip()
    try:
        if text.isascii() and text.isdigit():
            seconds = int(text[:16])
            parsed = datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, UTC)
        elif text[:1].isdigit() and text[4:5] == "-":
            parsed = datetime.fromisoformat(text)
        else:
            parsed = parsedate_to_datetime(text)
        # Without a zone it is UTC: the provider speaks no other, and RFC 2822 writes -0000 for it.
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRequest:
    """The provider asks what to do with a leg. Browser-placed calls come with direction `inbound`, too."""

    call_sid: str
    from_: str | None  # E.164, client:..., sip:..., or a word for a withheld number
    to: str | None
    status: str | None

    @classmethod
    def read(cls, form: Form) -> VoiceRequest:
        """Raises FactMissing without a CallSid."""
        return cls(
            call_sid=form.needed("CallSid"),
            from_=form.text("From"),
            to=form.text("To"),
            status=form.word("CallStatus"),
        )


def browser_parameters(form: Form) -> dict[str, str]:
    """Of a voice request: what the browser passed to `connect()`. Untrusted."""
    return form.others(_VOICE_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegStatus:
    """One leg moved on. Arrives late, twice and out of order: order by LEG_RANKS, then by SequenceNumber."""

    call_sid: str
    status: str | None

    @classmethod
    def read(cls, form: Form) -> LegStatus:
        """Raises FactMissing without a CallSid."""
        return cls(call_sid=form.needed("CallSid"), status=form.word("CallStatus"))


def is_trunks_fault(status: str | None, sip_code: int | None) -> bool:
    """Did a SIP leg fail on its way, so that another way may reach the same telephone? Busy, declined, unanswered and
    not a number are answers of the telephone or its network, and the same on every way.

    Without a code the provider reached nobody who could have given one. 401, 403, 407: the trunk does not let us in;
    408: it says nothing; 488: it speaks no codec of ours; 5xx: it can't."""
    if sip_code is None:
        return status == "failed"
    return sip_code in {401, 403, 407, 408, 488} or 500 <= sip_code <= 599


@dataclass(frozen=True, slots=True, kw_only=True)
class DialEnded:
    """A <Dial> is over and the parent leg asks what comes next (the `action` request)."""

    call_sid: str  # the parent
    parent_status: str | None  # usually still in-progress; a terminal one means that the TwiML will not be run
    dial_status: str | None
    dial_sid: str | None  # the child; None after a conference
    bridged: bool | None
    duration_seconds: int | None  # None after no answer, a conference or a redirected child
    sip_code: int | None

    @property
    def was_answered(self) -> bool:
        """Did the two people talk? `completed` without a bridge is a voicemail box or a refused screening: missed."""
        return self.dial_status in {"completed", "answered"} and self.bridged is not False

    @property
    def failed_on_the_way(self) -> bool:
        """Of a Dial to a trunk: did the trunk fail, rather than the telephone behind it?"""
        return not self.was_answered and is_trunks_fault(self.dial_status, self.sip_code)

    @classmethod
    def read(cls, form: Form) -> DialEnded:
        """Raises FactMissing without a CallSid."""
        return cls(
            call_sid=form.needed("CallSid"),
            parent_status=form.word("CallStatus"),
            dial_status=form.word("DialCallStatus"),
            dial_sid=form.text("DialCallSid"),
            bridged=form.yes_no("DialBridged"),
            duration_seconds=form.whole("DialCallDuration"),
            sip_code=form.whole("DialSipResponseCode"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStatus:
    """A recording began, ended or came to nothing. Has no From, To or Direction; of a conference, no CallSid either."""

    recording_sid: str
    call_sid: str | None
    conference_sid: str | None
    status: str | None  # in-progress, completed (the media exist), absent, failed
    duration_seconds: int | None
    channels: int | None
    started_at: datetime | None
    source: str | None  # DialVerb, Conference, RecordVerb...
    error_code: int | None

    @classmethod
    def read(cls, form: Form) -> RecordingStatus:
        """Raises FactMissing without a RecordingSid."""
        return cls(
            recording_sid=form.needed("RecordingSid"),
            call_sid=form.text("CallSid"),
            conference_sid=form.text("ConferenceSid"),
            status=form.word("RecordingStatus"),
            duration_seconds=form.whole("RecordingDuration"),
            channels=form.whole("RecordingChannels"),
            started_at=form.moment("RecordingStartTime"),
            source=form.text("RecordingSource"),
            error_code=form.whole("ErrorCode") or None,  # 0 when all is well
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceEvent:
    """Something happened in a conference."""

    conference_sid: str
    event: str | None  # conference-start, conference-end, participant-join, participant-leave, -mute, -hold...
    call_sid: str | None  # whom it happened to; None for conference-start and conference-end
    sequence: int | None

    @classmethod
    def read(cls, form: Form) -> ConferenceEvent:
        """Raises FactMissing without a ConferenceSid."""
        return cls(
            conference_sid=form.needed("ConferenceSid"),
            event=form.word("StatusCallbackEvent"),
            call_sid=form.text("CallSid"),
            sequence=form.whole("SequenceNumber"),
        )


def idempotency_key(kind: str, form: Form, header_token: str | None) -> str:
    """The same text for every delivery of one webhook, and another for every other webhook.

    kind: which webhook (`voice`, `status`, `dial`, `recording`, `conference`). header_token: the value of
    `I-Twilio-Idempotency-Token`. Prefers the leg's own numbering, then the header, then a hash of the form.
    At most 160 characters, plain ASCII.
    """
    source, sequence = form.text("CallbackSource"), form.whole("SequenceNumber")
    call_sid = form.text("CallSid")
    if call_sid and source and sequence is not None:
        key = f"{kind}:{call_sid}:{source}:{sequence}"
    elif header_token and header_token.strip():
        key = f"{kind}:token:{header_token.strip()}"
    else:
        key = ""
    if not key or len(key) > 160 or not key.isascii() or not key.isprintable():
        body = json.dumps(sorted([name, value] for name, value in form.pairs))
        key = f"{kind}:body:{hashlib.sha256(body.encode()).hexdigest()}"
    return key
