"""Taking a message: what the caller hears, and what is known once they have spoken."""

from __future__ import annotations

from flask import g

from voipcrm.calls import ledger
from voipcrm.calls.callbacks import callback
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.prepared import Connection
from voipcrm.recordings.noting import note
from voipcrm.routes import greetings
from voipcrm.routes.mailboxes import Box
from voipcrm.telephony import twiml
from voipcrm.telephony.facts import Form, RecordingStatus
from voipcrm.voicemail.taking import attach, open_for
from voipcrm.webhooks import door

NOTHING = "We did not hear a message. Goodbye."
THANKS = "Thank you for your message. Goodbye."


def ask_for_one(connection: Connection, call_id: int, public_id: str, box: Box) -> str:
    """The greeting, the tone, and the recording."""
    open_for(connection, call_id=call_id, public_id=public_id, box=box)
    return twiml.record_message(
        greeting=box.greeting,
        greeting_url=greetings.address(box.greeting_file) if box.greeting_file else None,
        action_url=callback("voicemail", public_id),
        recording_url=callback("recording", public_id, voicemail="yes"),
        most_seconds=settings.voicemail_seconds,
        nothing=NOTHING,
    )


def taken() -> str:
    """The end of the recording. The file is told of by a callback of its own, which may be lost; noted here as well,
    the recording is asked for by a sweep."""
    form: Form = g.form
    kind = kind_of(form.whole("RecordingDuration"))
    call_id = ledger.enter(db.session.connection(), door.entry(kind, sid=form.needed("CallSid")))
    if kind == "message" and form.text("RecordingSid"):
        begun = [("RecordingStatus", "in-progress"), ("RecordingSource", "RecordVerb"), ("RecordingChannels", "1")]
        told = {"RecordingSid", "CallSid"}
        fact = RecordingStatus.read(Form([*begun, *(pair for pair in form.pairs if pair[0] in told)]))
        attach(call_id, note(fact, call_id=call_id).id)
    db.session.commit()
    return twiml.say_and_hang_up(text=THANKS)


def kind_of(seconds: int | None) -> str:
    """The kind of the event: what is shorter than a second is no message."""
    return "message" if seconds else "no-message"
