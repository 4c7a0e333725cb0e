"""The door of all webhooks: without the provider's signature nothing is read into the house, and nothing written."""

from __future__ import annotations

from functools import wraps
from typing import Any
from urllib.parse import unquote

import structlog
from flask import Blueprint, Response, abort, g, request

from voipcrm.calls.ledger import Entry
from voipcrm.core.app import settings
from voipcrm.core.security import WEBHOOK_BYTES
from voipcrm.telephony import signature
from voipcrm.telephony.errors import FactMissing
from voipcrm.telephony.facts import Form, idempotency_key, moment

log = structlog.get_logger(__name__)
Pairs = list[tuple[str, str]]


def guard(bp: Blueprint) -> None:
    """Check every request to this blueprint. There is no list of exceptions."""
    bp.before_request(_check)
    bp.register_error_handler(FactMissing, _useless)


def _check() -> None:
    request.max_content_length = WEBHOOK_BYTES
    # Never request.url: it decodes and lower-cases, and its host is whatever the client claims.
    target = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or ""
    if not target.startswith("/"):
        abort(403)
    pairs = _form()
    given = request.headers.get("X-Twilio-Signature")
    if not signature.verify(settings.public_base_url + target, pairs, given, tokens=settings.twilio_tokens):
        log.warning("webhook_refused", path=request.path)
        abort(403)
    # GET carries its fields in the address, which the signature covers whole.
    g.form = Form(pairs if request.method == "POST" else request.args.items(multi=True))
    account = g.form.text("AccountSid")
    if account is not None and account != settings.twilio_sid:
        log.warning("webhook_of_another_account", path=request.path)
        abort(403)


def _form() -> Pairs:
    """The fields of the body as they were sent, blank and repeated ones included. Flask's form sorts them by name in
    four times the time, for us to unsort (bench/webhooks.py)."""
    if request.mimetype != "application/x-www-form-urlencoded":
        return []
    return fields_of(request.get_data().decode("utf-8", "replace"))


def fields_of(body: str) -> Pairs:
    """As `parse_qsl(body, keep_blank_values=True)`, in half the time: most names and values have nothing to decode."""
    fields = (field.partition("=") for field in body.split("&") if field)
    return [(_decoded(name), _decoded(value)) for name, _, value in fields]


def _decoded(text: str) -> str:
    """As `unquote_plus`. What every number and moment has is replaced first, for most have nothing else."""
    if "+" in text:
        text = text.replace("+", " ")
    if "%" in text:
        text = text.replace("%2B", "+").replace("%3A", ":").replace("%2C", ",")
        if "%" in text:
            text = unquote(text)
    return text


def _useless(error: FactMissing) -> Response:
    """Signed, but without the field that says what it is about: a repeat would be no better, so it is taken quietly."""
    log.warning("webhook_useless", path=request.path, field=error.field)
    return Response(status=204)


def entry(kind: str, *, sid: str | None, status: str | None = None) -> Entry:
    """This request as an event for the ledger."""
    form: Form = g.form
    return Entry(
        kind=kind,
        key=idempotency_key(kind, form, request.headers.get("I-Twilio-Idempotency-Token")),
        form=form,
        public_id=request.args.get("call"),
        sid=sid,
        parent_sid=form.text("ParentCallSid"),
        status=status,
        sequence=form.whole("SequenceNumber"),
        at=moment(form.text("Timestamp")),
    )


def answers_twiml(view: Any) -> Any:
    """The view returns a TwiML document as text."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Response:
        return Response(view(*args, **kwargs), mimetype="text/xml")

    return answer
