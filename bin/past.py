"""A past for the house of bin/screens: some days of calls and their recordings, callers who wait to be called back, and
what agents are asked after a call, as if the demo's people had worked."""

from __future__ import annotations

import hashlib
import math
import random
import struct
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from voipcrm.accounts.models import User
from voipcrm.calls import aftermath
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.models import Call, CallTarget
from voipcrm.calls.states import CallState
from voipcrm.calls.wrapping_up import WrapUpPolicy
from voipcrm.contacts.models import Person
from voipcrm.core.db import db
from voipcrm.recordings import waveform
from voipcrm.recordings.models import Recording
from voipcrm.recordings.wav import read_head
from voipcrm.trunks.models import Line

RATE = 8000
# Contact, or a number that nobody knows; direction; outcome; line; who; day (0 is today) and time; seconds; recording.
CALLS = (
    ("Priya Raman", "outbound", "answered", 0, "ada", (0, "14:12"), 378, "archived"),
    ("+16285550119", "inbound", "answered", 1, "bo", (0, "13:45"), 62, "archived"),
    ("Hannah Kim", "outbound", "answered", 0, "ada", (0, "13:28"), 764, "archived"),
    ("Tomás Herrera", "inbound", "answered", 0, "ada", (0, "11:31"), 207, "pending"),
    ("Marcus Webb", "inbound", "abandoned", 0, None, (0, "10:56"), 0, None),
    ("Omar Haddad", "outbound", "no-answer", 0, "ada", (0, "10:20"), 0, None),
    ("Yuki Tanaka", "inbound", "missed", 1, None, (0, "9:41"), 0, None),
    ("Leila Farouk", "inbound", "answered", 1, "bo", (1, "17:20"), 1329, "archived"),
    ("Sofia Marchetti", "inbound", "answered", 0, "ada", (1, "16:47"), 48, "failed"),
    ("Jonas Meyer", "outbound", "busy", 0, "ada", (1, "15:58"), 0, None),
    ("Grace Whitfield", "outbound", "answered", 0, "ada", (1, "15:03"), 495, "archived"),
    ("Kwame Mensah", "inbound", "answered", 1, "bo", (1, "11:12"), 251, "archived"),
    ("Nora Byrne", "inbound", "answered", 0, "ada", (2, "16:08"), 133, "archived"),
    ("Ingrid Solberg", "outbound", "answered", 0, "ada", (2, "10:37"), 912, "archived"),
)
DISPOSITIONS = ("Order", "Question answered", "Call back later", "Not interested")


def afternoon_zone(now: datetime) -> str:
    """A time zone in which it is about three in the afternoon, so that every picture shows a working day."""
    ahead = (15 - now.hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"  # their sign is turned round


def write(recordings: Path) -> None:
    """Into the house's database and recordings' folder; inside an app context."""
    now = datetime.now(UTC)
    name = afternoon_zone(now)
    people = {user.email.split("@")[0]: user for user in db.session.query(User)}
    for user in people.values():
        user.time_zone = name
    lines = db.session.query(Line).order_by(Line.id).all()
    sound = _sound(recordings / "past.wav")
    for number, (who, direction, outcome, line, agent, (days, clock), seconds, state) in enumerate(CALLS):
        person = db.session.query(Person).filter_by(name=who).one_or_none()
        day = (now.astimezone(ZoneInfo(name)) - timedelta(days=days)).date()
        hour, minute = map(int, clock.split(":"))
        began = datetime(day.year, day.month, day.day, hour, minute, 7, tzinfo=ZoneInfo(name)).astimezone(UTC)
        answered = began + timedelta(seconds=6) if outcome == "answered" else None
        call = Call(
            direction=direction,
            state="ended",
            outcome=outcome,
            user=people[agent] if agent else None,
            line=lines[line],
            peer_number=person.numbers[0].number if person else who,
            person=person,
            started_at=began,
            answered_at=answered,
            ended_at=(answered or began + timedelta(seconds=18)) + timedelta(seconds=seconds),
            talk_seconds=seconds,
            recording="on",
            has_recording=state == "archived",
        )
        db.session.add(call)
        db.session.flush()
        if direction == "inbound":  # whom it was meant for, by the routes of the demo
            meant = ("ada",) if line == 0 else ("ada", "bo")
            db.session.add_all(CallTarget(call_id=call.id, user_id=people[one].id) for one in meant)
        if state:
            db.session.add(_recording(number, call, state, sound if state == "archived" else {}))
        if not seconds:
            db.session.flush()
            aftermath.write(db.session.connection(), call, CallState(state="ended", outcome=outcome))
    db.session.add_all(Disposition(name=words, position=place) for place, words in enumerate(DISPOSITIONS))
    db.session.add(WrapUpPolicy(is_on=True, limit_seconds=0))
    db.session.commit()


def _recording(number: int, call: Call, state: str, sound: dict) -> Recording:
    why = {"failed": "The provider does not have the audio ready yet."}.get(state)
    later = datetime.now(UTC) + timedelta(days=1) if state == "pending" else None  # no worker shall look for it
    return Recording(
        sid=f"RE{number:032x}",
        call_id=call.id,
        state=state,
        error=why,
        channels=2,
        started_at=call.answered_at,
        duration_seconds=call.talk_seconds,
        pending_at=call.ended_at,
        next_try_at=later,
        **sound,
    )


def _sound(path: Path) -> dict:
    """A made-up conversation of the first call's length, and what the archive knows of such a file."""
    dice, seconds = random.Random(7), CALLS[0][6]
    loud = [[0.0] * (seconds * 10) for _ in range(2)]  # for each tenth of a second
    at, speaker = 5, 0
    while at < len(loud[0]):
        voice = dice.uniform(0.05, 0.5)
        for step in range(dice.randint(8, 70)):
            if step % 6 == 0:
                word = voice * dice.uniform(0.1, 1)
            if at < len(loud[0]):
                loud[speaker][at] = word * dice.uniform(0.5, 1)
                loud[1 - speaker][at] = max(0.0, dice.gauss(0.002, 0.004))  # breath, and a word in between
            at += 1
        at += dice.randint(2, 14)
        speaker = 1 - speaker if dice.random() < 0.8 else speaker
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", "not compressed"))
        tenth = RATE // 10
        hum = [math.sin(2 * math.pi * 180 * n / RATE) for n in range(tenth)]
        for first, second in zip(*loud, strict=True):
            samples = [round(24_000 * level * value) for value in hum for level in (first, second)]
            file.writeframes(struct.pack(f"<{2 * tenth}h", *samples))
    content = path.read_bytes()
    with path.open("rb") as file:
        peaks = waveform.peaks(file, read_head(file))
    return {
        "path": path.name,
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "peaks": peaks,
        "archived_at": datetime.now(UTC),
    }
