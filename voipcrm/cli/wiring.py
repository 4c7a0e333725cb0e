"""What the provider must know so that calls reach us: the application's addresses, and each line's application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from voipcrm.calls.callbacks import callback, provider
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.telephony.provider_facts import NumberFacts
from voipcrm.trunks.models import Line

# Connection overrides, read by the provider and never sent (Twilio, "Webhooks connection overrides"). The caller
# hears silence while the voice request is open: give up early and try again. A report may be late but not lost.
VOICE = "#ct=2000&rt=4000&rc=2&rp=all"
REPORT = "#rc=5&rp=all"


@dataclass(frozen=True)
class Change:
    """One difference between what the provider has and what it should have."""

    what: str  # "Application AP…, voice address"
    now: str | None
    wanted: str
    make: Callable[[], object] | None  # None: to be done by hand in the provider's console

    def carry_out(self) -> None:
        if self.make:
            self.make()


def changes() -> list[Change]:
    """What has to change at the provider, nothing if all is well. Asks the provider, changes nothing.

    Raises telephony.errors.TelephonyError."""
    numbers = {number.e164: number for number in provider().list_numbers()}
    lines = db.session.scalars(sa.select(Line).order_by(Line.id)).all()
    return _application() + [change for line in lines for change in _number(line, numbers.get(line.number))]


def _application() -> list[Change]:
    sid = settings.twilio_app_sid
    found = provider().fetch_application(sid)
    voice_url, status_url = callback("voice") + VOICE, callback("status") + REPORT

    def make() -> None:
        provider().wire_application(sid, voice_url=voice_url, status_url=status_url)

    return [
        Change(f"Application {sid}, {what}", now, wanted, make)
        for what, now, wanted in (
            ("voice address", found.voice_url, voice_url),
            ("status address", found.status_url, status_url),
        )
        if now != wanted
    ]


def _number(line: Line, number: NumberFacts | None) -> list[Change]:
    name = f"{line.label} {line.number}"
    if number is None:
        return [Change(name, "not in the account", "in the account", _adding(line) if settings.is_sandbox else None)]
    if number.trunk_sid:
        # A number on a trunk never asks an application, whatever else is set.
        return [Change(name, f"on trunk {number.trunk_sid}", "on no trunk", None)]
    if number.voice_application_sid != settings.twilio_app_sid:
        now = number.voice_application_sid or number.voice_url
        return [Change(name, now, settings.twilio_app_sid, lambda: _wire(line, number.sid))]
    if line.provider_sid != number.sid:
        return [Change(f"{name}, noted here", line.provider_sid, number.sid, lambda: _wire(line, number.sid))]
    return []


def _adding(line: Line) -> Callable[[], None]:
    return lambda: _wire(line, provider().own_number(line.number).sid)


def _wire(line: Line, sid: str) -> None:
    provider().wire_number(sid, application_sid=settings.twilio_app_sid)
    line.provider_sid = sid
