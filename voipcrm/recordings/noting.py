"""What the provider says of a recording, noted on its row: in any order, any number of times, call known or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from voipcrm.calls.models import Call, Leg
from voipcrm.core import clock
from voipcrm.core.db import db, insert
from voipcrm.recordings.models import Recording
from voipcrm.telephony.facts import RecordingStatus

ASK_AFTER = timedelta(minutes=2)  # a recording that should be over by then and of which we heard nothing
ADOPTED_AT_ONCE = 500

_NOTHING = {
    "absent": "The provider recorded nothing: the call ended before there was anything to hear.",
    "failed": "The provider could not record this call.",
}


def note(fact: RecordingStatus, *, call_id: int | None = None) -> Recording:
    """Note one message of the provider; the caller commits. `call_id` if the message named its call.

    The same row comes out whatever the order: completed beats absent, both beat in-progress, and nothing the provider
    says changes what we archived, gave up or deleted."""
    recording = _row(fact)
    recording.call_sid = recording.call_sid or fact.call_sid
    recording.conference_sid = recording.conference_sid or fact.conference_sid
    recording.source = recording.source or fact.source or ""
    if recording.duration_seconds is None:
        recording.duration_seconds = fact.duration_seconds
    if recording.call_id is None:
        recording.call_id = call_id or _call_of(recording.call_sid)
    if fact.status == "completed" and recording.state in {"recording", "absent"}:
        recording.state, recording.error = "pending", None
        recording.pending_at = recording.next_try_at = clock.now()
    elif fact.status in _NOTHING and recording.state == "recording":
        code = f" (provider’s error {fact.error_code})" if fact.error_code else ""
        recording.state, recording.error = "absent", _NOTHING[fact.status] + code
        recording.next_try_at = None
    _tell_call(recording)
    return recording


def note_refusal(call: Call) -> None:
    """The other party did not agree to being recorded: the list of recordings says so. The caller commits."""
    note_nothing(call, "Not recorded: no consent. The other party did not press 1.")


def note_nothing(call: Call, why: str) -> None:
    """A call of which there is no recording for a reason that people look for; the caller commits."""
    row = {
        "sid": f"none-{call.public_id}",
        "call_id": call.id,
        "state": "absent",
        "error": why,
        "source": "",
        "channels": 1,
        "tries": 0,
        "started_at": clock.now(),
        "created_at": clock.now(),
    }
    db.session.execute(insert(Recording.__table__).values(row).on_conflict_do_nothing(index_elements=["sid"]))


def adopt(call_id: int) -> None:
    """Link what was noted before this call was known; the caller commits."""
    _adopt(Leg.call_id == call_id, Call.id == call_id)


def adopt_orphans() -> None:
    """Link every recording without a call whose leg has come to be known meanwhile; the caller commits."""
    _adopt(sa.true(), sa.true())


def _row(fact: RecordingStatus) -> Recording:
    """The recording's row, locked; made if it is the first that we hear of it."""
    first = {
        "sid": fact.recording_sid,
        "created_at": clock.now(),
        "started_at": fact.started_at or clock.now(),
        "channels": fact.channels or 1,
        "source": fact.source or "",
        "state": "recording",
        "tries": 0,
        "next_try_at": clock.now() + ASK_AFTER,
    }
    # Two deliveries at once: the second waits here for the first, and then finds its row.
    db.session.execute(insert(Recording.__table__).values(first).on_conflict_do_nothing(index_elements=["sid"]))
    query = sa.select(Recording).where(Recording.sid == fact.recording_sid).with_for_update()
    recording = db.session.scalars(query.execution_options(populate_existing=True)).one()
    # Messages are cut short at will: a later one may be the first to say when it began.
    if fact.started_at and fact.started_at < recording.started_at:
        recording.started_at = fact.started_at
    if fact.channels and fact.channels > recording.channels:
        recording.channels = fact.channels
    return recording


def _call_of(call_sid: str | None) -> int | None:
    if call_sid is None:
        return None
    of_leg = db.session.scalar(sa.select(Leg.call_id).where(Leg.sid == call_sid))
    return of_leg or db.session.scalar(sa.select(Call.id).where(Call.root_sid == call_sid))


def _adopt(leg: Any, call: Any) -> None:
    unlinked = (Recording.call_id.is_(None), Recording.call_sid.is_not(None))
    of_legs = sa.select(Recording, Leg.call_id).join(Leg, Leg.sid == Recording.call_sid).where(*unlinked, leg)
    of_calls = sa.select(Recording, Call.id).join(Call, Call.root_sid == Recording.call_sid).where(*unlinked, call)
    for query in (of_legs, of_calls):
        for recording, call_id in db.session.execute(query.limit(ADOPTED_AT_ONCE)).all():
            recording.call_id = call_id
            _tell_call(recording)
    db.session.flush()


def _tell_call(recording: Recording) -> None:
    if recording.call_id is not None and recording.state in {"pending", "archived"}:
        db.session.execute(
            sa.update(Call)
            .where(Call.id == recording.call_id, Call.has_recording.is_(False))
            .values(has_recording=True)
            .execution_options(synchronize_session=False)
        )
