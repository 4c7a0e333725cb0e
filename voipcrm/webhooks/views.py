"""What the provider asks and tells: store it, let the rooms below make of it what they know, answer."""

from __future__ import annotations

from contextlib import ExitStack

from flask import Blueprint, Response, g, request

from voipcrm.calls import ledger
from voipcrm.core.db import db
from voipcrm.core.gates import signed_by_provider
from voipcrm.core.prepared import conclude
from voipcrm.core.queue import later
from voipcrm.core.short import OnceCommitted, short_transaction
from voipcrm.recordings import jobs
from voipcrm.recordings.noting import note
from voipcrm.telephony import twiml
from voipcrm.telephony.facts import ConferenceEvent, DialEnded, LegStatus, RecordingStatus, VoiceRequest
from voipcrm.voicemail.taking import attach
from voipcrm.webhooks import answering, consent, door, messages

bp = Blueprint("webhooks", __name__, url_prefix="/voip/webhook/twilio")
door.guard(bp)


@bp.post("/voice")
@signed_by_provider
@door.answers_twiml
def voice() -> str:
    """What shall happen with this leg? A browser of ours placed it, or somebody outside calls one of our lines."""
    asked = VoiceRequest.read(g.form)
    if (asked.from_ or "").startswith("client:"):
        answer = answering.placed_by_browser(asked)
        db.session.commit()
        return answer
    return answering.arriving(asked)


@bp.post("/status")
@signed_by_provider
def status() -> Response:
    """A leg moved on."""
    told = LegStatus.read(g.form)
    with ExitStack() as stack:
        connection = stack.enter_context(short_transaction(db.engine))
        ledger.enter_read(
            connection,
            request.args.get("call"),
            lambda: door.entry("status", sid=told.call_sid, status=told.status),
        )
        conclude(connection)
        return OnceCommitted(stack.pop_all(), status=204)


@bp.post("/announcement")
@signed_by_provider
@door.answers_twiml
def announcement() -> str:
    """Whom we called has answered: what do they hear before the two are connected?"""
    return consent.announce()


@bp.post("/consent")
@signed_by_provider
@door.answers_twiml
def consented() -> str:
    """The other party was asked whether the call may be recorded. What next?"""
    return consent.settle()


@bp.post("/dial")
@signed_by_provider
@door.answers_twiml
def dial() -> str:
    """A <Dial> ended; what does the parent leg do next?"""
    told = DialEnded.read(g.form)
    ledger.enter(db.session.connection(), door.entry("dial", sid=told.call_sid, status=told.parent_status))
    answer = answering.after_dial(told)
    db.session.commit()
    return answer


@bp.post("/recording")
@signed_by_provider
def recording() -> Response:
    """A recording began, is ready, or came to nothing."""
    told = RecordingStatus.read(g.form)
    is_message = "voicemail" in request.args
    kind = messages.kind_of(told.duration_seconds) if is_message else "recording"
    call_id = ledger.enter(db.session.connection(), door.entry(kind, sid=told.call_sid))
    noted = note(told, call_id=call_id)
    if is_message:
        attach(call_id, noted.id)
    db.session.commit()
    if noted.is_owed:
        later(jobs.archive, noted.id)
    return Response(status=204)


@bp.post("/voicemail")
@signed_by_provider
@door.answers_twiml
def voicemail() -> str:
    """A caller has left a message, or said nothing and hung up."""
    return messages.taken()


@bp.post("/conference")
@signed_by_provider
def conference() -> Response:
    """Somebody came into or left the conference that a held call became."""
    told = ConferenceEvent.read(g.form)
    ledger.enter(db.session.connection(), door.entry("conference", sid=told.call_sid))
    db.session.commit()
    return Response(status=204)


@bp.route("/hold-music", methods=["GET", "POST"])
@signed_by_provider
@door.answers_twiml
def hold_music() -> str:
    return twiml.hold_music(url=answering.hold_music_url())


@bp.route("/quiet", methods=["GET", "POST"])
@signed_by_provider
@door.answers_twiml
def quiet() -> str:
    """Heard for the moment in which one of two people is already in the conference: nothing."""
    return twiml.pause(seconds=120)
