"""Pages of recordings: the list, the player in it, the audio itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls import history
from voipcrm.calls.models import Call
from voipcrm.core.app import settings
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.house import house
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.core.queue import later
from voipcrm.recordings import copying, jobs, naming, waveform
from voipcrm.recordings.filters import Filters
from voipcrm.recordings.models import Recording
from voipcrm.recordings.sending import send

bp = Blueprint("recordings", __name__, url_prefix="/admin/voip/recordings")


@bp.app_template_global()
def other_party(call: Call | None) -> str:
    return naming.other_party(call, house.default_country)


@bp.get("")
@requires(Can.VIEW_RECORDINGS)
def index() -> Any:
    filters = Filters.read(request.args)
    query = filters.apply(Recording.with_names(Recording.visible_to(current_user)), viewer_zone())
    page = page_of(query, Recording.started_at, Recording.id, cursor=cursor_of_request())
    return render(
        "recordings/index.html",
        "recordings/_list.html",
        page=page,
        filters=filters,
        choices=history.choices(current_user, history.Filters()),
        storage_problem=_storage_problem(),
    )


@bp.get("/of-call/<public_id>")
@requires(Can.VIEW_RECORDINGS)
def of_call(public_id: str) -> Any:
    """A call's recordings, for its page."""
    call = find(Call.visible_to(current_user), public_id, by="public_id")
    query = Recording.with_names(sa.select(Recording).where(Recording.call_id == call.id))
    found = db.session.scalars(query.order_by(Recording.started_at, Recording.id).limit(50)).unique().all()
    return render("recordings/_of_call.html", call=call, recordings=found)


@bp.get("/<sid>")
@requires(Can.VIEW_RECORDINGS)
def row(sid: str) -> Any:
    """One recording's row as it is now; rows that wait for something ask for themselves."""
    return _row(_find(sid))


@bp.get("/<sid>/player")
@requires(Can.VIEW_RECORDINGS)
def player(sid: str) -> Any:
    """The row with the player open below it."""
    recording = _find(sid)
    return _row(recording, wave=_wave(recording) if recording.is_playable else None)


@bp.get("/<sid>/audio")
@requires(Can.VIEW_RECORDINGS)
def audio(sid: str) -> Response:
    return send(_find(sid))


@bp.get("/<sid>/download")
@requires(Can.DOWNLOAD_RECORDINGS)
def download(sid: str) -> Response:
    recording = _find(sid)
    return send(recording, save_as=naming.file_name(recording, viewer_zone(), house.default_country))


@bp.post("/<sid>/retry")
@requires(Can.VIEW_RECORDINGS)
def retry(sid: str) -> Any:
    recording = _find(sid)
    recording.retry()
    db.session.commit()
    later(jobs.archive, recording.id)
    if not request.headers.get("HX-Request"):
        return redirect(url_for("recordings.index"), 303)
    return _row(recording)


def _find(sid: str) -> Recording:
    return find(Recording.with_names(Recording.visible_to(current_user)), sid, by="sid")


def _row(recording: Recording, **context: Any) -> Response:
    """`?in=call`: as on the page of its call, where line and contact stand at the top already."""
    is_short = request.args.get("in") == "call"
    return render("recordings/_recording.html", recording=recording, is_short=is_short, **context)


def _wave(recording: Recording) -> dict[str, str]:
    """The picture of the sound, and what it shows in words."""
    peaks = recording.peaks or [[]]
    voices = naming.voices(recording, settings.recording_channels) if len(peaks) == 2 else None
    if voices is None:
        return {"path": waveform.path(peaks[0], peaks[0]), "label": "Loudness over time"}
    above, below = (peaks[index] for index in voices)
    return {"path": waveform.path(above, below), "label": "Loudness over time: agent above, other side below"}


def _storage_problem() -> str | None:
    try:
        copying.check_room(0)
    except copying.StorageFull as problem:
        return str(problem)
    return None
