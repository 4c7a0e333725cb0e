"""Pages of recordings: the list, the player in it, the audio itself. What happens to them later: keeping_views.py."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, abort, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls import history
from voipcrm.calls.models import Call
from voipcrm.core.app import settings
from voipcrm.core.db import begin_writing, db, find
from voipcrm.core.gates import can, requires
from voipcrm.core.house import house
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.core.queue import later
from voipcrm.recordings import accesses, copying, holds, jobs, naming, retention, waveform
from voipcrm.recordings.accesses import RecordingAccess
from voipcrm.recordings.filters import Filters
from voipcrm.recordings.models import Recording
from voipcrm.recordings.sending import send

bp = Blueprint("recordings", __name__, url_prefix="/admin/voip/recordings")
SHOWN_ACCESSES = 20


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
def show(sid: str) -> Any:
    """One recording's page; its row alone for rows that wait for something and so ask for themselves."""
    recording = visible(sid)
    if request.headers.get("HX-Request-Type") == "partial":
        return _row(recording)
    return render("recordings/show.html", **page_context(recording))


@bp.post("/<sid>/plays")
@requires(Can.VIEW_RECORDINGS)
def play(sid: str) -> Any:
    """The row with the player open below it. The player's many requests for parts of the file are this one access."""
    recording = visible(sid)
    if not recording.is_playable:
        return _row(recording) if _is_htmx() else redirect(url_for("recordings.show", sid=sid), 303)
    accesses.note("play", recording.id, by=current_user)
    db.session.commit()
    recording = visible(sid)
    source = url_for("recordings.audio", sid=sid, ticket=accesses.ticket("play", recording, current_user))
    return _row(recording, wave=_wave(recording), source=source) if _is_htmx() else redirect(source, 303)


@bp.get("/<sid>/audio")
@requires(Can.VIEW_RECORDINGS)
def audio(sid: str) -> Any:
    """The sound, to whoever has a ticket for it: its access is in the log already."""
    recording = visible(sid)
    match accesses.kind_of_ticket(request.args.get("ticket", ""), recording, current_user):
        case "play":
            return send(recording)
        case "download" if can(Can.DOWNLOAD_RECORDINGS):
            return send(recording, save_as=naming.file_name(recording, viewer_zone(), house.default_country))
    return redirect(url_for("recordings.show", sid=sid))


@bp.get("/<sid>/download")
@requires(Can.DOWNLOAD_RECORDINGS)
def download(sid: str) -> Any:
    recording = visible(sid)
    if not recording.is_playable:
        abort(404)
    begin_writing()
    accesses.note("download", recording.id, by=current_user)
    db.session.commit()
    ticket = accesses.ticket("download", visible(sid), current_user)
    return redirect(url_for("recordings.audio", sid=sid, ticket=ticket))


@bp.post("/<sid>/retry")
@requires(Can.VIEW_RECORDINGS)
def retry(sid: str) -> Any:
    recording = visible(sid)
    recording.retry()
    db.session.commit()
    later(jobs.archive, recording.id)
    if not _is_htmx():
        return redirect(url_for("recordings.index"), 303)
    return _row(recording)


def visible(sid: str) -> Recording:
    """The recording with its names, if the present person may see it; else 404."""
    return find(Recording.with_names(Recording.visible_to(current_user)), sid, by="sid")


def page_context(recording: Recording) -> dict[str, Any]:
    """What a recording's page shows: it, its holds, and to admins who had access to it lately."""
    log = RecordingAccess.with_recordings(
        sa.select(RecordingAccess).where(RecordingAccess.recording_id == recording.id)
    )
    newest = log.order_by(RecordingAccess.created_at.desc(), RecordingAccess.id.desc()).limit(SHOWN_ACCESSES)
    return {
        "recording": recording,
        "holds": holds.of(recording),
        "kept_until": retention.kept_until(recording),
        "accesses": db.session.scalars(newest).all() if can(Can.MANAGE) else None,
    }


def _is_htmx() -> bool:
    return bool(request.headers.get("HX-Request"))


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
