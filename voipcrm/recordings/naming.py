"""What a recording is called: on the page, and as a file on somebody's disk."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from voipcrm.calls.models import Call
from voipcrm.recordings.models import Recording
from voipcrm.telephony import numbers

_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]+')


def other_party(call: Call | None, country: str) -> str:
    """Who was spoken with: a name, else a number as people of `country` write it, else what the network said."""
    if call is None:
        return "Unknown call"
    if call.person:
        return call.person.name
    if call.direction == "internal":
        return call.other_user.name if call.other_user else "A colleague"
    if call.peer_number:
        return numbers.display(call.peer_number, country)
    return call.peer_text or "Unknown caller"


def file_name(recording: Recording, zone: ZoneInfo, country: str) -> str:
    """'2026-11-23 10.42 Priya Raman.wav', in the viewer's zone; safe on every file system."""
    who = _NOT_IN_FILE_NAMES.sub(" ", other_party(recording.call, country))
    who = " ".join(who.split())[:80].strip(". ") or "Recording"
    return f"{recording.started_at.astimezone(zone):%Y-%m-%d %H.%M} {who}.wav"


def voices(recording: Recording, order: tuple[str, ...]) -> tuple[int, int] | None:
    """Indexes of the channels with the agent's and the other voice; None if both are in one channel.

    `order` says which leg is in which channel. An agent's leg is the parent of a call that they placed, and the child
    of one that came in."""
    if recording.channels != 2:
        return None
    agent = "child" if recording.call and recording.call.direction == "inbound" else "parent"
    index = order.index(agent)
    return index, 1 - index
