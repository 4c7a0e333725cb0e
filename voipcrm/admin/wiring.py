"""What the provider must know so that calls reach us: the application's addresses, and each line's application.

No function here holds a transaction open over a question to the provider, since every webhook would wait behind it."""

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
    line_id: int | None = None  # of the line that it is about

    def carry_out(self) -> None:
        """Do it at the provider and note it here. Raises telephony.errors.TelephonyError. The caller commits."""
        if self.make:
            self.make()


@dataclass(frozen=True)
class Survey:
    """What the provider has, compared with us: what has to change, and its numbers that are no lines of ours."""

    changes: list[Change]
    strangers: list[NumberFacts]

    def of_line(self, line_id: int) -> Change | None:
        return next((change for change in self.changes if change.line_id == line_id), None)

    @property
    def of_application(self) -> list[Change]:
        return [change for change in self.changes if change.line_id is None]


def survey() -> Survey:
    """Asks the provider, changes nothing. Raises telephony.errors.TelephonyError. Ends the session's transaction."""
    db.session.commit()
    found = {number.e164: number for number in provider().list_numbers()}
    application = _application()
    lines = db.session.scalars(Line.in_use().order_by(Line.id)).all()
    changes = application + [change for line in lines for change in _number(line, found.get(line.number))]
    ours = {line.number for line in lines}
    db.session.commit()
    return Survey(changes, [number for e164, number in sorted(found.items()) if e164 not in ours])


def changes() -> list[Change]:
    """What has to change at the provider, nothing if all is well. Raises telephony.errors.TelephonyError."""
    return survey().changes


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
    label, line_id, e164 = line.label, line.id, line.number
    name = f"{label} {e164}"
    if number is None:
        adding = (lambda: _wire(line_id, provider().own_number(e164).sid, label)) if settings.is_sandbox else None
        return [Change(name, "not in the account", "in the account", adding, line_id)]
    if number.trunk_sid:
        # A number on a trunk never asks an application, whatever else is set.
        return [Change(name, f"on trunk {number.trunk_sid}", "on no trunk", None, line_id)]
    sid = number.sid
    if number.voice_application_sid != settings.twilio_app_sid:
        now = number.voice_application_sid or number.voice_url
        return [Change(name, now, settings.twilio_app_sid, lambda: _wire(line_id, sid, label), line_id)]
    if line.provider_sid != sid:
        return [Change(f"{name}, noted here", line.provider_sid, sid, lambda: _wire(line_id, sid, label), line_id)]
    return []


def _wire(line_id: int, sid: str, label: str) -> None:
    provider().wire_number(sid, application_sid=settings.twilio_app_sid, label=label)
    db.session.execute(sa.update(Line).where(Line.id == line_id).values(provider_sid=sid))
