"""What the other party hears before a call is recorded, and what they answer where they are asked."""

from __future__ import annotations

from typing import Any

from flask import g, request

from voipcrm.calls import ledger
from voipcrm.calls.callbacks import callback
from voipcrm.calls.models import Call
from voipcrm.core.db import db
from voipcrm.recordings.beginning import begin
from voipcrm.recordings.noting import note_refusal
from voipcrm.telephony import twiml
from voipcrm.telephony.facts import Form
from voipcrm.trunks.recording_policies import CONSENT_KEY
from voipcrm.webhooks import answering, door


def announce() -> str:
    """Whom we called has answered and hears this before the two are connected; the end of it connects them."""
    sid = g.form.needed("CallSid")
    call = _call()
    if call is None or call.line is None:
        return twiml.empty()
    sentence = call.line.says_before_recording(call.recording)
    ledger.enter(db.session.connection(), door.entry("announced", sid=sid))
    db.session.commit()
    if call.recording == "consent":
        return twiml.ask_for_key(text=sentence, action_url=callback("consent", call.public_id))
    return twiml.say(text=sentence)


def settle() -> str:
    """A key was pressed, or none. The first answer counts, so that a repeated delivery changes nothing. A caller
    is connected now; whom we called is connected by the end of this document."""
    form: Form = g.form
    sid = form.needed("CallSid")
    call = _call()
    if call is None:
        return twiml.hang_up()
    ledger.enter(db.session.connection(), door.entry("consent", sid=sid))
    is_first, agreed = call.consented is None, form.text("Digits") == CONSENT_KEY
    if is_first:
        call.consented = agreed
        if not agreed:
            note_refusal(call)
    if call.direction != "outbound":
        answer = answering.first_step(call)
        db.session.commit()
        return answer
    db.session.commit()  # no lock while the provider works
    if is_first and agreed:
        begin(call, sid)
    return twiml.empty()


def _call() -> Any:
    """The call that our address names, locked."""
    query = db.session.query(Call).filter_by(public_id=request.args.get("call", ""))
    return query.with_for_update().one_or_none()
