"""Call progress told to the application: initiated, ringing, answered, completed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.webhooks import Webhooks

EVENTS = ("initiated", "ringing", "answered", "completed")
STATUS_OF = {"initiated": "initiated", "ringing": "ringing", "answered": "in-progress"}


def rfc2822(moment: datetime) -> str:
    """`Mon, 23 Nov 2026 06:00:00 +0000`."""
    return format_datetime(moment)


def subscribe(
    call: Call, webhooks: Webhooks, address: str, *, events: Sequence[str] = (), method: str = "POST"
) -> None:
    """
    From now on `address` hears of the events (completed alone when none is known), in order, each with its
    SequenceNumber counted within this subscription. An address that the call already tells is not told twice.
    """
    wanted = [event for event in EVENTS if event in events] or ["completed"]
    if not address or any(getattr(known, "address", None) == address for known in call.listeners):
        return
    call.listeners.append(_Subscription(webhooks, address, wanted, method))


class _Subscription:
    def __init__(self, webhooks: Webhooks, address: str, events: list[str], method: str) -> None:
        self.webhooks, self.address, self.events, self.method = webhooks, address, events, method
        self.sequence = 0

    def __call__(self, call: Call, event: str) -> None:
        if event not in self.events:
            return
        fields = call.webhook_fields() | {
            "CallStatus": STATUS_OF.get(event, call.status),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self.sequence),
            "Timestamp": rfc2822(call.updated_at),
        }
        self.sequence += 1
        if event == "completed":
            fields |= {
                "CallDuration": str(call.seconds),
                "Duration": str(-(-call.seconds // 60)),
                "SipResponseCode": str(call.sip_code),
            }
        self.webhooks.notify(self.address, fields, purpose=f"status {event}", order_key=call.sid, method=self.method)
