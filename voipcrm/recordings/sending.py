"""Sending files of the storage: best not by us; else with ranges, and never with the last threads of the server."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import structlog
from flask import Response, abort, current_app, redirect, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import FileWrapper

from voipcrm.core.app import settings
from voipcrm.core.storage import storage
from voipcrm.recordings.models import Recording

log = structlog.get_logger(__name__)

BUFFER_BYTES = 64 * 1024
KEPT_FOR_OTHERS = 2  # threads: a paused player holds one for as long as it likes, and a webhook must not wait for it
RETRY_SECONDS = "5"
ADDRESS_SECONDS = 15 * 60  # of a presigned address: a player fetches parts from it while it plays; then it asks again
NEVER_STORE = "private, no-cache"  # kept by this browser, but asked for again: the permission may be gone by then


def send(recording: Recording, *, save_as: str | None = None) -> Response:
    """The audio of an archived recording, whole or the part that was asked for. `save_as`: to keep, by that name."""
    if not recording.is_playable:
        abort(404)
    etag = recording.sha256 or recording.sid
    return send_stored(recording.path or "", content_type="audio/wav", etag=etag, save_as=save_as)


def send_stored(path: str, *, content_type: str, etag: str, save_as: str | None = None) -> Response:
    """A file of the storage, or where the browser finds it."""
    said = {
        "content_type": content_type,
        "cache_control": NEVER_STORE,
        "content_disposition": _disposition(save_as),
    }
    method = "HEAD" if request.method == "HEAD" else "GET"
    if address := storage().address(path, seconds=ADDRESS_SECONDS, method=method, **said):
        away = redirect(address)
        away.headers["Cache-Control"] = "no-store"  # the address is a key for as long as it lives
        return cast("Response", away)
    headers = {name.replace("_", "-").title(): value for name, value in said.items()}
    if settings.accel_redirect_prefix:
        return Response(headers={**headers, "X-Accel-Redirect": settings.accel_redirect_prefix + quote(path)})
    return _send_file(storage().local_path(path), headers, etag=etag)


def _disposition(save_as: str | None) -> str:
    if save_as is None:
        return "inline"
    plain = save_as.encode("ascii", "replace").decode().replace("?", "_").replace('"', "'")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(save_as, safe='')}"


def _send_file(file: Path, headers: dict[str, str], *, etag: str) -> Response:
    budget = _budget()
    if not budget.acquire(blocking=False):
        return Response(
            "Too many recordings are being sent just now.", 503, {"Retry-After": RETRY_SECONDS}, mimetype="text/plain"
        )
    try:
        lent = _LentFile(file, budget)
    except OSError:
        budget.release()
        log.exception("recording_file_missing", path=file.name)
        abort(404)
    size = file.stat().st_size
    # Not the server's own file wrapper: it cannot seek, so that a range would read all that stands before it.
    response = Response(FileWrapper(lent, BUFFER_BYTES), headers=headers, direct_passthrough=True)
    response.content_length = size
    response.set_etag(etag)
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable as problem:
        lent.close()
        return Response(status=416, headers={"Content-Range": f"bytes */{problem.length}", "Accept-Ranges": "bytes"})
    return response


class _LentFile(io.FileIO):
    """A file that gives its place in the budget back when it is closed, however that comes about."""

    def __init__(self, path: Path, budget: threading.BoundedSemaphore) -> None:
        self._place: threading.BoundedSemaphore | None = None
        super().__init__(path, "rb")
        self._place = budget

    def close(self) -> None:
        super().close()
        place, self._place = self._place, None
        if place is not None:
            place.release()


def _budget() -> Any:
    """How many files this process may be sending at a time."""
    kept = current_app.extensions.get("recordings_budget")
    if kept is None:
        new = threading.BoundedSemaphore(settings.web_threads - KEPT_FOR_OTHERS)
        kept = current_app.extensions.setdefault("recordings_budget", new)
    return kept
