"""Conferences: who sits in them and how, when they begin and end, and what the application hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.media.clock import MediaClock
from voipcrm.sandbox.media.mixing import Room
from voipcrm.sandbox.media.tones import chirp
from voipcrm.sandbox.recordings import ActiveRecording
from voipcrm.sandbox.status_callbacks import rfc2822
from voipcrm.sandbox.store import new_sid
from voipcrm.sandbox.twiml.music import Music
from voipcrm.sandbox.webhooks import Webhooks

REMEMBERED = 1000
KINDS = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-mute": "mute",
    "participant-unmute": "mute",
    "participant-hold": "hold",
    "participant-unhold": "hold",
    "participant-modify": "modify",
}


@dataclass
class Participant:
    """One call in a conference. `beep` is true, false, onEnter or onExit."""

    call: Call
    label: str = ""
    muted: bool = False
    hold: bool = False
    coaching: str = ""  # the CallSid that alone hears this one
    beep: str = "true"
    start_on_enter: bool = True
    end_on_exit: bool = False
    music: Music | None = None
    left: asyncio.Event = field(default_factory=asyncio.Event)
    joined_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seated: bool = False


class Conference:
    """`status` is init until two are there and one of them may start it, then in-progress, then completed."""

    def __init__(self, name: str, account_sid: str, clock: MediaClock, webhooks: Webhooks) -> None:
        self.sid = new_sid("CF")
        self.name = name
        self.account_sid = account_sid
        self.status = "init"
        self.room = Room(clock)
        self.participants: dict[str, Participant] = {}
        self.started = asyncio.Event()
        self.created_at = self.updated_at = datetime.now(UTC)
        self.reason_ended: str | None = None
        self.ended_by: str | None = None
        self.recording: ActiveRecording | None = None
        self.on_start: Callable[[], None] | None = None  # begins the recording, if one is wanted
        self.callback: tuple[str, str, frozenset[str]] = ("", "POST", frozenset())  # address, method, events
        self._webhooks = webhooks
        self._sequence = 0

    @property
    def is_live(self) -> bool:
        """Not completed."""
        return self.status != "completed"

    def add(self, participant: Participant) -> None:
        """Comes in: hears waiting music until the conference starts, which this may bring about."""
        self.participants[participant.call.sid] = participant
        participant.call.participant = participant
        self._touch(participant)
        self.tell("participant-join", participant)
        if (
            not self.started.is_set()
            and len(self.participants) > 1
            and any(other.start_on_enter for other in self.participants.values())
        ):
            self.status = "in-progress"
            self.started.set()
            if self.on_start:
                self.on_start()
            self.tell("conference-start", participant)

    def seat(self, participant: Participant) -> None:
        """Its leg is in the room from now on; applies what was asked for before."""
        participant.seated = True
        leg = participant.call.leg
        self.room.set_muted(leg, participant.muted)
        self._apply_coaching(participant)
        if participant.hold:
            self.room.set_held(leg, True, participant.music)
        if participant.beep in ("true", "onEnter"):
            self.room.announce(chirp(rising=True))

    def remove(self, participant: Participant) -> None:
        """Goes out; the last one, or one with end_on_exit, ends the conference. A second call changes nothing."""
        if self.participants.get(participant.call.sid) is not participant:
            return
        del self.participants[participant.call.sid]
        participant.call.participant = None
        participant.left.set()
        self._stop_music(participant)
        self.room.leave(participant.call.leg)
        self.tell("participant-leave", participant)
        if not self.is_live:
            return
        if participant.end_on_exit:
            self.end("participant-with-end-conference-on-exit-left", participant.call.sid)
        elif not self.participants:
            self.end("last-participant-left", participant.call.sid)
        elif participant.seated and participant.beep in ("true", "onExit"):
            self.room.announce(chirp(rising=False))

    def end(self, reason: str, call_sid: str | None = None) -> None:
        """Everyone leaves; each call goes on with what follows its <Dial>."""
        if not self.is_live:
            return
        self.status, self.reason_ended, self.ended_by = "completed", reason, call_sid
        self.updated_at = datetime.now(UTC)
        if self.recording:
            self.recording.stop()
        for participant in list(self.participants.values()):
            self.remove(participant)
        self.tell("conference-end", None)
        self.room.stop()

    def set_muted(self, participant: Participant, muted: bool) -> None:
        """Not heard by the others."""
        if participant.muted != muted:
            participant.muted = muted
            self.room.set_muted(participant.call.leg, muted)
            self._touch(participant)
            self.tell("participant-mute" if muted else "participant-unmute", participant)

    def set_held(self, participant: Participant, held: bool, music: Music | None) -> None:
        """Hears music (the built-in one when None), is not heard. Again while held: only the music changes."""
        news = participant.hold != held
        self._stop_music(participant)
        participant.hold, participant.music = held, music
        self.room.set_held(participant.call.leg, held, music)
        self._touch(participant)
        if news:
            self.tell("participant-hold" if held else "participant-unhold", participant)

    def set_coaching(self, participant: Participant, coached: str) -> None:
        """Only the call `coached` hears this one; empty: everyone again. Raises KeyError when it is not here."""
        if coached:
            _ = self.participants[coached]
        participant.coaching = coached
        self._apply_coaching(participant)
        self._touch(participant)
        self.tell("participant-modify", participant)

    def tell(self, event: str, participant: Participant | None) -> None:
        """The statusCallback, if it asked for this kind of event."""
        address, method, events = self.callback
        if KINDS[event] not in events:
            return
        fields = {
            "AccountSid": self.account_sid,
            "ConferenceSid": self.sid,
            "FriendlyName": self.name,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(self._sequence),
            "Timestamp": rfc2822(datetime.now(UTC).replace(microsecond=0)),
        }
        self._sequence += 1
        if participant:
            fields |= _fields_of(participant)
        if event == "conference-end":
            fields |= {
                "ReasonConferenceEnded": self.reason_ended or "",
                "CallSidEndingConference": self.ended_by or "",
                "Reason": (self.reason_ended or "").replace("-", " "),
            }
        self._webhooks.notify(address, fields, purpose=event, order_key=self.sid, method=method)

    def _apply_coaching(self, participant: Participant) -> None:
        coached = self.participants.get(participant.coaching)
        self.room.set_coaching(participant.call.leg, coached.call.leg if coached else None)

    def _stop_music(self, participant: Participant) -> None:
        if participant.music:
            participant.music.stop()
            participant.music = None

    def _touch(self, participant: Participant) -> None:
        self.updated_at = participant.updated_at = datetime.now(UTC)


class Conferences:
    """All of them by SID; a name is taken by at most one live conference."""

    def __init__(self, account_sid: str, clock: MediaClock, webhooks: Webhooks) -> None:
        self.account_sid, self.clock, self.webhooks = account_sid, clock, webhooks
        self.rows: dict[str, Conference] = {}

    def named(self, name: str) -> Conference | None:
        """The live one of this name."""
        return next((row for row in self.rows.values() if row.is_live and row.name == name), None)

    def enter(self, name: str) -> Conference:
        """The live one of this name, made if there is none."""
        found = self.named(name)
        if found is None:
            found = Conference(name, self.account_sid, self.clock, self.webhooks)
            self.rows[found.sid] = found
            if len(self.rows) > REMEMBERED:
                over = next((row.sid for row in self.rows.values() if not row.is_live), None)
                if over:
                    del self.rows[over]
        return found


def _fields_of(participant: Participant) -> dict[str, str]:
    fields = {
        "CallSid": participant.call.sid,
        "Muted": str(participant.muted).lower(),
        "Hold": str(participant.hold).lower(),
        "Coaching": str(bool(participant.coaching)).lower(),
        "StartConferenceOnEnter": str(participant.start_on_enter).lower(),
        "EndConferenceOnExit": str(participant.end_on_exit).lower(),
    }
    if participant.coaching:
        fields["CallSidToCoach"] = participant.coaching
    if participant.label:
        fields["ParticipantLabel"] = participant.label
    return fields
