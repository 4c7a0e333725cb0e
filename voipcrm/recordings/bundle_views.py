"""Pages of ZIP files: ask for one, see how far it is, take it home."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.core.queue import later
from voipcrm.recordings import bundles, jobs
from voipcrm.recordings.bundles import Bundle, CannotBundle
from voipcrm.recordings.filters import Filters
from voipcrm.recordings.models import Recording
from voipcrm.recordings.sending import send_stored

bp = Blueprint("bundles", __name__, url_prefix="/admin/voip/recordings/zips")
ONE = "/<int(max=2147483647):bundle_id>"


@bp.get("")
@requires(Can.DOWNLOAD_RECORDINGS)
def index() -> Any:
    page = page_of(Bundle.of(current_user), Bundle.created_at, Bundle.id, cursor=cursor_of_request())
    return render("bundles/index.html", page=page)


@bp.post("")
@requires(Can.DOWNLOAD_RECORDINGS)
def ask() -> Any:
    """A ZIP of the recordings whose `sid` are given, or else of all that the filters let through."""
    query, filters = Recording.visible_to(current_user), Filters.read(request.form)
    chosen = request.form.getlist("sid")[: bundles.MOST_FILES + 1]
    query = query.where(Recording.sid.in_(chosen)) if chosen else filters.apply(query, viewer_zone())
    try:
        zone, ip = viewer_zone().key, request.remote_addr or ""
        bundle = bundles.ask_for(query, by=current_user, zone=zone, ip=ip)
        db.session.commit()
    except CannotBundle as problem:
        db.session.rollback()
        back = f"{url_for('recordings.index')}?{urlencode(filters.pairs)}"
        return render("bundles/refused.html", problem=str(problem), back=back), 422
    later(jobs.make_bundle, bundle.id)
    return redirect(url_for("bundles.show", bundle_id=bundle.id), 303)


@bp.get(ONE)
@requires(Can.DOWNLOAD_RECORDINGS)
def show(bundle_id: int) -> Any:
    """The ZIP as it stands; while it is made the page asks again."""
    bundle = find(Bundle.of(current_user), bundle_id)
    return render("bundles/show.html", "bundles/_bundle.html", bundle=bundle)


@bp.get(ONE + "/file")
@requires(Can.DOWNLOAD_RECORDINGS)
def file(bundle_id: int) -> Any:
    """The accesses to what is in it were written down when it was made, for who may fetch it was known then."""
    bundle = find(Bundle.of(current_user), bundle_id)
    if bundle.state != "ready" or bundle.path is None:
        return redirect(url_for("bundles.show", bundle_id=bundle.id))
    etag = bundle.path.rpartition("/")[2]
    return send_stored(bundle.path, content_type="application/zip", etag=etag, save_as=bundle.file_name)


@bp.post(ONE + "/discard")
@requires(Can.DOWNLOAD_RECORDINGS)
def discard(bundle_id: int) -> Any:
    bundle = find(Bundle.of(current_user), bundle_id)
    if bundle.state in {"making", "ready"}:
        bundle.end("gone", "You discarded it.")
        db.session.commit()
        flash("Discarded.", "good")
    return redirect(url_for("bundles.index"), 303)
