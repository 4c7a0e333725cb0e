"""Pausing the recording of a live call, as for card numbers, and going on with it.

The provider keeps the pause as silence, so that the times in the file stay those of the call. Wherever the recording
runs it is found: of a <Dial> it belongs to the first leg, of a held call to the conference, of a call whose other party
was asked first to their leg. A call that is promoted to a conference while it is paused gets a conference that does not
record (Call.is_recorded_by_dial), so there is no moment in which it would; going on then begins a new recording.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.calls import ledger
from voipcrm.calls.callbacks import provider
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.recordings.beginning import begin
from voipcrm.telephony.client import Provider
from voipcrm.telephony.errors import RecordingGone, TelephonyError


class CannotPause(Exception):
    """The recording cannot be paused or resumed now; the message is a sentence for the person."""


def pause(call: Call, *, by: User) -> None:
    """From now on nothing of the call is recorded. Raises CannotPause. Commits as it goes."""
    if call.state != "in-progress" or not call.is_recorded:
        raise CannotPause("This call is not being recorded.")
    if call.recording_paused_at:
        return
    _mark(call, paused=True)  # first: a hold at the same time must not begin a recording of its own
    try:
        found = _set(call, True)
    except TelephonyError as error:
        _mark(call, paused=False)
        raise CannotPause(f"The call is still being recorded. {error.sentence}") from None
    if not found:
        _mark(call, paused=False)
        raise CannotPause("The recording has not begun yet. Try again in a moment.")
    _tell("recording-paused", call, by)


def go_on(call: Call, *, by: User) -> None:
    """What is said is recorded again. Raises CannotPause. Nothing happens to a recording that is not paused."""
    if not call.recording_paused_at or not call.is_live:
        return
    try:
        found = _set(call, False)
    except TelephonyError as error:
        raise CannotPause(f"The recording is still paused. {error.sentence}") from None
    if not found and not begin(call, call.root_sid or ""):
        raise CannotPause("The recording could not go on. The rest of this call is not recorded.")
    _mark(call, paused=False)
    _tell("recording-resumed", call, by)


def _set(call: Call, paused: bool) -> bool:
    """Tell the recorder that runs; False if none does. Raises TelephonyError."""
    network = provider()
    for sid in _owners(call, network):
        try:
            network.set_recording_paused(sid, paused)
        except RecordingGone:
            continue
        return True
    return False


def _owners(call: Call, network: Provider) -> Iterator[str]:
    """SIDs of the conference and the legs to which a recording may belong. Of a call that is just being promoted only
    the conference counts: the first leg's recording is about to end, and the conference's begins unpaused."""
    name, root = call.conference_name, call.root_sid
    legs = [leg.sid for leg in call.legs if leg.answered_at and not leg.ended_at]
    db.session.commit()  # hold no transaction while the provider works
    conference = network.find_conference(name) if name else None
    if conference:
        yield conference
    if conference or not name:
        yield from dict.fromkeys([*filter(None, [root]), *legs])


def _mark(call: Call, *, paused: bool) -> None:
    at = clock.now() if paused else None
    db.session.execute(sa.update(Call).where(Call.id == call.id).values(recording_paused_at=at))
    db.session.commit()
    db.session.refresh(call)


def _tell(kind: str, call: Call, by: User) -> None:
    ledger.enter_deed(db.session.connection(), kind, public_id=call.public_id, by=by.id)
    db.session.commit()
    db.session.refresh(call)
