"""Lines come and go: found at the provider, taken on, retired."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from voipcrm.calls.callbacks import provider
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.routes.models import InboundRoute
from voipcrm.telephony.provider_facts import NumberFacts
from voipcrm.trunks.models import Line, Trunk


class CannotDo(Exception):
    """What was asked of a line is not possible; the message is a sentence for the person."""


def found_at_provider(number: str) -> NumberFacts:
    """The number (E.164) in the provider's account; in the sandbox it is added to it when it is missing. Raises
    CannotDo and telephony.errors.TelephonyError. Ends the session's transaction before it asks."""
    db.session.commit()
    for facts in provider().list_numbers():
        if facts.e164 == number:
            if not facts.has_voice:
                raise CannotDo("This number of the account can’t take calls.")
            return facts
    if settings.is_sandbox:
        return provider().own_number(number)
    raise CannotDo("This number is not in the account of the phone provider. Buy it there, then add it here.")


def take_on(facts: NumberFacts, *, label: str) -> Line:
    """The number as a line in use; one that was retired comes back. Raises CannotDo. The caller commits."""
    line = db.session.scalars(sa.select(Line).where(Line.number == facts.e164)).one_or_none()
    if line is None:
        line = Line(number=facts.e164)
        db.session.add(line)
    elif line.retired_at is None:
        raise CannotDo("This number is a line already.")
    line.label, line.provider_sid, line.retired_at = label, facts.sid, None
    return line


def import_chosen(chosen: Iterable[str], *, label_of: dict[str, str]) -> list[Line]:
    """Take on those of these numbers (E.164) that the provider has and that are no lines yet; the new lines. Raises
    telephony.errors.TelephonyError. The caller commits."""
    db.session.commit()
    wanted, taken = set(chosen), []
    for facts in provider().list_numbers():
        if facts.e164 in wanted and facts.has_voice:
            try:
                taken.append(take_on(facts, label=label_of[facts.e164]))
            except CannotDo:  # somebody else was quicker
                continue
    return taken


def remove(line: Line) -> bool:
    """Delete a line that nothing refers to, else retire it: True when it is retired. Raises CannotDo for the default
    caller ID. The caller commits."""
    if line.number == settings.twilio_number:
        raise CannotDo("This is the default caller ID. Set TWILIO_NUMBER to another line first.")
    if is_referred_to(line):
        line.retired_at = clock.now()
        return True
    db.session.delete(line)
    return False


def is_referred_to(line: Line) -> bool:
    """Does a call, a route or a trunk name it?"""
    return any(
        db.session.scalar(sa.select(column.class_.id).where(column == line.id).limit(1)) is not None
        for column in (Call.line_id, InboundRoute.line_id, Trunk.caller_line_id)
    )
