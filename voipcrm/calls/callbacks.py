"""The addresses at which the provider reports on a call, and the provider itself as this app knows it."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import current_app

from voipcrm.core.app import settings
from voipcrm.telephony.client import Provider

PREFIX = "/voip/webhook/twilio"


def callback(name: str, public_id: str | None = None, **query: str) -> str:
    """Absolute address of one of our webhooks. It names the call, since recording callbacks carry no From or To, and
    those of a conference not even a CallSid; the signature covers the name, so nobody else can choose it."""
    if public_id is not None:
        query = {"call": public_id, **query}
    return f"{settings.public_base_url}{PREFIX}/{name}" + (f"?{urlencode(query)}" if query else "")


def provider() -> Provider:
    """The phone provider of this app; one client a process, made on first use."""
    kept = current_app.extensions.get("provider")
    if kept is None:
        kept = current_app.extensions["provider"] = Provider(
            account_sid=settings.twilio_sid,
            key_sid=settings.twilio_api_key_sid,
            key_secret=settings.twilio_api_key_secret,
            base_url=settings.sandbox_url if settings.is_sandbox else None,
        )
    return kept
