"""Recordings that a <Dial> cannot make: they begin in the middle of a call, by REST."""

from __future__ import annotations

import sqlalchemy as sa
import structlog

from voipcrm.calls.callbacks import callback, provider
from voipcrm.calls.models import Call
from voipcrm.core.db import db
from voipcrm.recordings.noting import note_nothing
from voipcrm.telephony.errors import TelephonyError

log = structlog.get_logger(__name__)


def begin(call: Call, leg_sid: str) -> bool:
    """Record what this leg says and hears, from now on. If the provider does not do it the call goes on unrecorded,
    and says so: then False. Commits."""
    public_id = call.public_id
    db.session.commit()  # hold no transaction while the provider works
    try:
        provider().start_recording(leg_sid, status_url=callback("recording", public_id))
    except TelephonyError as error:
        log.warning("recording_not_begun", call=public_id, reason=error.sentence)
        db.session.execute(sa.update(Call).where(Call.id == call.id).values(recording="off"))
        note_nothing(call, f"The recording could not begin. {error.sentence}")
        db.session.commit()
        return False
    return True
