"""The inbox of messages."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls.words import read
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.recordings import accesses, waveform
from voipcrm.recordings.sending import send
from voipcrm.voicemail.models import Voicemail

bp = Blueprint("voicemail", __name__, url_prefix="/voicemail")
ONE = "/<int(max=2147483647):voicemail_id>"
COUNTED = 99  # more is not told apart


@bp.context_processor
def _reading() -> dict[str, Any]:
    return {"reading": lambda call: read(call, current_user.id)}


@bp.get("")
@requires(Can.VIEW_CALLS)
def index() -> Any:
    """Those to do; with ?new=yes only those that nobody has heard, with ?done=yes those that are done."""
    is_done, is_new = request.args.get("done") == "yes", request.args.get("new") == "yes"
    query = Voicemail.with_names(Voicemail.new_for(current_user) if is_new else Voicemail.of(current_user))
    query = query.where(Voicemail.done_at.is_not(None) if is_done else Voicemail.done_at.is_(None))
    page = page_of(query, Voicemail.created_at, Voicemail.id, cursor=cursor_of_request())
    return render("voicemail/index.html", "voicemail/_list.html", page=page, is_done=is_done, is_new=is_new)


@bp.get("/unheard")
@requires(Can.VIEW_CALLS)
def unheard() -> Any:
    """How many messages nobody has heard, for the navigation; the inbox to whoever opens the address."""
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("voicemail.index"))
    some = Voicemail.new_for(current_user).with_only_columns(Voicemail.id).limit(COUNTED + 1).subquery()
    count = db.session.scalar(sa.select(sa.func.count()).select_from(some))
    return render("voicemail/_unheard.html", count=count, most=COUNTED)


@bp.get(ONE)
@requires(Can.VIEW_CALLS)
def row(voicemail_id: int) -> Any:
    """One message's row as it is now; rows that wait for their audio ask for themselves."""
    return _row(_find(voicemail_id))


@bp.post(ONE + "/plays")
@requires(Can.VIEW_CALLS)
def play(voicemail_id: int) -> Any:
    """The row with the player open below it. To play a message is to hear it."""
    one = _find(voicemail_id)
    one.hear(current_user)
    recording = one.recording
    if recording is None or not recording.is_playable:
        db.session.commit()
        return _row(one) if request.headers.get("HX-Request") else redirect(url_for("voicemail.index"), 303)
    accesses.note("play", recording.id, by=current_user)
    db.session.commit()
    ticket = accesses.ticket("play", recording, current_user)
    source = url_for("voicemail.audio", voicemail_id=voicemail_id, ticket=ticket)
    if not request.headers.get("HX-Request"):
        return redirect(source, 303)
    peaks = recording.peaks or [[]]
    wave = {"path": waveform.path(peaks[0], peaks[0]), "label": "Loudness over time"}
    return _row(_find(voicemail_id), wave=wave, source=source)


@bp.get(ONE + "/audio")
@requires(Can.VIEW_CALLS)
def audio(voicemail_id: int) -> Any:
    """The sound, to whoever has a ticket for it: that it is heard was written down then."""
    recording = _find(voicemail_id).recording
    ticket = request.args.get("ticket", "")
    if recording is None or accesses.kind_of_ticket(ticket, recording, current_user) != "play":
        return redirect(url_for("voicemail.index"))
    return send(recording)


@bp.post(ONE + "/done")
@requires(Can.VIEW_CALLS)
def finish(voicemail_id: int) -> Any:
    """Done; with `reopen` in the form, not done after all."""
    one = _find(voicemail_id)
    if request.form.get("reopen"):
        one.reopen()
    else:
        one.finish(current_user)
    db.session.commit()
    if not request.headers.get("HX-Request"):
        return redirect(url_for("voicemail.index"), 303)
    return _row(one)


def _find(voicemail_id: int) -> Voicemail:
    return find(Voicemail.with_names(Voicemail.of(current_user)), voicemail_id)


def _row(one: Voicemail, **context: Any) -> Response:
    page = render("voicemail/_voicemail.html", one=one, **context)
    page.headers["HX-Trigger"] = "voipcrm:voicemail-changed"
    return page
