"""A call as the API tells it. Moments are ISO 8601 in UTC, numbers E.164 with a text to show beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.core.house import house
from voipcrm.telephony import numbers


def call_json(call: Call, viewer: User) -> dict[str, Any]:
    return {
        "id": call.public_id,
        "direction": call.direction,
        "state": call.state,
        "outcome": call.outcome,
        "reason": call.reason,
        "peer": _colleague(call, viewer) if call.direction == "internal" else _outsider(call),
        "line": _line(call),
        "held": call.held_at is not None and call.is_live,
        "recording": call.is_recorded,
        "recording_paused": call.recording_paused_at is not None and call.is_live,
        "started_at": _iso(call.started_at),
        "answered_at": _iso(call.answered_at),
        "ended_at": _iso(call.ended_at),
        "talk_seconds": call.talk_seconds,
        "answered_by": _answered_by(call),
        "url": url_for("calls.show", public_id=call.public_id),
    }


def taken_json(call: Call, viewer: User) -> dict[str, Any]:
    """What a phone at which the call rang may know once somebody else took it: what its card showed, and who has it."""
    known = ("id", "direction", "state", "peer", "line", "started_at", "answered_by")
    whole = call_json(call, viewer)
    return {name: whole[name] for name in known}


def _outsider(call: Call) -> dict[str, Any]:
    number, person = call.peer_number, call.person
    return {
        "number": number,
        "display": numbers.display(number, house.default_country) if number else call.peer_text or "Unknown number",
        "name": person.name if person else "",
        "company": person.company if person else "",
        "contact_id": person.id if person else None,
        "url": url_for("contacts.show", person_id=person.id) if person else None,
    }


def _colleague(call: Call, viewer: User) -> dict[str, Any]:
    other = call.user if call.other_user_id == viewer.id else call.other_user
    name = other.name if other else "A colleague"
    return {"number": None, "display": name, "name": name, "company": "", "contact_id": None, "url": None}


def _line(call: Call) -> dict[str, Any] | None:
    if call.line is None:
        return None
    display = numbers.display(call.line.number, house.default_country)
    return {"id": call.line.id, "label": call.line.label, "number": call.line.number, "display": display}


def _answered_by(call: Call) -> dict[str, Any] | None:
    who = call.other_user if call.direction == "internal" else call.user if call.direction == "inbound" else None
    return {"id": who.id, "name": who.name} if who and call.answered_at else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
