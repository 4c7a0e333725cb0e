"""A provider that tells of calls as Twilio does, over HTTP and signed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree

import pytest
import services
from cast import SALES

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOOKS = "/voip/webhook/twilio"


@dataclass
class Provider:
    """Sends webhooks; keeps count of sequence numbers a leg."""

    post: Any
    sequences: dict[str, int] = field(default_factory=dict)

    def ask(self, sid: str, *, from_: str, to: str = SALES, **more: str) -> ElementTree.Element:
        """The voice webhook; its TwiML."""
        form = self.form(sid, "ringing", from_=from_, to=to, Direction="inbound", **more)
        answer = self.post(f"{HOOKS}/voice", form)
        assert (answer.status_code, answer.mimetype) == (200, "text/xml")
        return ElementTree.fromstring(answer.data)

    def dial_ended(self, sid: str, call: str, status: str, **more: str) -> ElementTree.Element:
        """The action of a <Dial>; its TwiML."""
        form = self.form(sid, more.pop("parent", "in-progress"), from_="", to="", DialCallStatus=status, **more)
        answer = self.post(f"{HOOKS}/dial?call={call}{more.pop('query', '')}", form)
        assert answer.status_code == 200
        return ElementTree.fromstring(answer.data)

    def status(self, sid: str, word: str, second: int = 0, *, call: str | None = None, **more: str) -> dict[str, str]:
        """The form of a status callback; `tell` delivers it."""
        sequence = self.sequences.get(sid, -1) + 1
        self.sequences[sid] = sequence
        return self.form(
            sid,
            word,
            from_=more.pop("from_", SALES),
            to=more.pop("to", "+12125550108"),
            CallbackSource="call-progress-events",
            SequenceNumber=str(sequence),
            Timestamp=format_datetime(NOON + timedelta(seconds=second)),
            **more,
        )

    def tell(self, form: dict[str, str], call: str | None = None) -> None:
        address = f"{HOOKS}/status" + (f"?call={call}" if call else "")
        assert self.post(address, form).status_code == 204

    def form(self, sid: str, status: str, *, from_: str, to: str, **more: str) -> dict[str, str]:
        base = {"AccountSid": services.ACCOUNT, "ApiVersion": "2010-04-01", "CallSid": sid, "CallStatus": status}
        return {**base, "From": from_, "To": to, "Caller": from_, "Called": to, **more}


@pytest.fixture
def provider(signed_post) -> Provider:
    return Provider(signed_post)
