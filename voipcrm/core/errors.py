"""What a person, an API client or the provider sees when something goes wrong: in their own format, with what to do."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, render_template, request
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError

from voipcrm.core.db import db
from voipcrm.core.gates import wants_json

log = structlog.get_logger(__name__)

# Spoken when our own code fails in the middle of a call: valid TwiML instead of the provider's "application error".
APOLOGY = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    "<Response><Say>We are sorry. Something went wrong. Please call again.</Say></Response>"
)
WORDS = {
    400: ("bad_request", "That request could not be understood. Go back and try again."),
    403: ("forbidden", "Your role does not allow this."),
    404: ("not_found", "There is nothing here, or it is not yours to see."),
    405: ("method_not_allowed", "That cannot be done here."),
    413: ("too_large", "That is too large."),
    422: ("invalid", "Some of it is not valid. Check it and try again."),
    429: ("too_many", "Too many tries. Wait a minute and try again."),
    500: ("server_error", "The server could not do that. It was logged; try again."),
    503: ("unavailable", "That is not available just now. Try again in a moment."),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _expected)
    app.register_error_handler(Exception, _unexpected)


def _expected(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    code = error.code or 500
    word, sentence = WORDS.get(code, (str(code), error.name))
    if isinstance(error, CSRFError):
        word, sentence = "form_expired", "This page is out of date. Reload it and try again."
    if request.path.startswith("/voip/"):
        return Response(status=code)
    if wants_json():
        return jsonify(error={"code": word, "message": sentence}), code
    return render_template("errors/error.html", code=code, sentence=sentence), code


def _unexpected(error: Exception) -> Any:
    with suppress(SQLAlchemyError):  # the database may be the trouble
        db.session.rollback()
    g._login_user = AnonymousUserMixin()  # so that the error page asks nobody who is reading it
    log.exception("unexpected", path=request.path, method=request.method)
    if request.path.startswith("/voip/"):
        if request.path.endswith(("/voice", "/dial")):
            return Response(APOLOGY, mimetype="text/xml")
        return Response(status=500)  # the provider delivers it again
    return _expected(InternalServerError(original_exception=error))
