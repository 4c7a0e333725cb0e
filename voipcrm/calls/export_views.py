"""Exports of the history: ask for one, see how far it is, fetch it, or stop it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls import exporting, jobs
from voipcrm.calls.exports import CallExport
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.queue import later
from voipcrm.core.storage import storage

AT_ONCE = 2  # in a process: each download holds a thread for as long as its reader likes
SHOWN = 20
_downloads = threading.BoundedSemaphore(AT_ONCE)
bp = Blueprint("call_exports", __name__, url_prefix="/calls/exports")
ONE = "/<int(max=2147483647):export_id>"


@bp.get("")
@requires(Can.VIEW_CALLS)
def index() -> Any:
    newest = CallExport.of(current_user).order_by(CallExport.created_at.desc(), CallExport.id.desc()).limit(SHOWN)
    return render("calls/exports.html", "calls/_exports.html", exports=db.session.scalars(newest).all())


@bp.post("")
@requires(Can.VIEW_CALLS)
def begin() -> Any:
    """Of the filters in the address, which are those of the history."""
    running = db.session.scalars(CallExport.of(current_user).where(CallExport.state == "working")).first()
    if running is not None:
        flash("An export of yours is still being written. Wait for it, or cancel it.", "warn")
        return redirect(url_for("call_exports.index"), code=303)
    asked = {name: value[:200] for name, value in request.args.items() if name not in {"page", "sort"} and value}
    one = CallExport(by_id=current_user.id, asked=asked, time_zone=viewer_zone().key)
    db.session.add(one)
    db.session.commit()
    later(jobs.write_export, one.id)
    return redirect(url_for("call_exports.index"), code=303)


@bp.get(ONE + "/file")
@requires(Can.VIEW_CALLS)
def download(export_id: int) -> Any:
    one = find(CallExport.of(current_user), export_id)
    if one.path is None:
        abort(404)
    if not _downloads.acquire(blocking=False):
        flash("Other exports are being fetched. Try again in a minute.", "warn")
        return redirect(url_for("call_exports.index"), code=303)
    response = Response(_Lent(one.path), mimetype="text/csv", direct_passthrough=True)
    day = one.created_at.astimezone(viewer_zone()).date().isoformat()
    response.headers["Content-Disposition"] = f'attachment; filename="calls-{day}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post(ONE + "/cancel")
@requires(Can.VIEW_CALLS)
def cancel(export_id: int) -> Any:
    one = find(CallExport.of(current_user).with_for_update(), export_id)
    was_done = one.state == "done"
    exporting.discard(one)
    db.session.commit()
    flash("The file is deleted." if was_done else "The export is canceled.", "good")
    return redirect(url_for("call_exports.index"), code=303)


class _Lent:
    """The file, piece by piece. Its place is given back once: when the server closes it, read or not, or forgets it."""

    def __init__(self, path: str) -> None:
        self._give_back = weakref.finalize(self, _downloads.release)
        self._pieces = storage().pieces(path)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._give_back()
