"""Pages of what happens to recordings later: deleting, legal holds, and the log of who had access."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.core.queue import later
from voipcrm.recordings import accesses, erasing, holds, jobs
from voipcrm.recordings.accesses import KINDS, RecordingAccess
from voipcrm.recordings.forms import DeleteForm, HoldForm
from voipcrm.recordings.models import LegalHold
from voipcrm.recordings.views import visible

bp = Blueprint("keeping", __name__, url_prefix="/admin/voip/recordings")


@bp.get("/<sid>/delete")
@requires(Can.DELETE_RECORDINGS)
def ask_to_delete(sid: str) -> Any:
    recording = visible(sid)
    return render("recordings/delete.html", recording=recording, form=DeleteForm(), holds=holds.of(recording))


@bp.post("/<sid>/delete")
@requires(Can.DELETE_RECORDINGS)
def delete(sid: str) -> Any:
    recording, form = visible(sid), DeleteForm()
    problem = ""
    if form.validate_on_submit():
        try:
            erasing.delete(recording, by=current_user, reason=form.reason.data or "")
            db.session.commit()
        except erasing.CannotDelete as refusal:
            db.session.rollback()
            recording, problem = visible(sid), str(refusal)
        else:
            later(jobs.erase, recording.id)
            flash("Deleted. Its copies are being removed, here and at the phone provider.", "good")
            return redirect(url_for("recordings.show", sid=sid), 303)
    shown = {"recording": recording, "form": form, "holds": holds.of(recording), "problem": problem}
    return render("recordings/delete.html", **shown), 422


@bp.get("/<sid>/hold")
@requires(Can.MANAGE)
def ask_to_hold(sid: str) -> Any:
    return render("recordings/hold.html", recording=visible(sid), form=HoldForm())


@bp.post("/<sid>/hold")
@requires(Can.MANAGE)
def hold(sid: str) -> Any:
    recording, form = visible(sid), HoldForm()
    if not form.validate_on_submit():
        return render("recordings/hold.html", recording=recording, form=form), 422
    whole_call = form.covers.data == "call"
    holds.hold(recording, whole_call=whole_call, by=current_user, reason=form.reason.data or "")
    db.session.commit()
    flash("On hold. Nobody can delete it, and it does not expire.", "good")
    return redirect(url_for("recordings.show", sid=sid), 303)


@bp.post("/holds/<int(max=2147483647):hold_id>/release")
@requires(Can.MANAGE)
def release(hold_id: int) -> Any:
    """Leads back to the recording that it was released from (`sid`), if it came from one."""
    held = find(sa.select(LegalHold).where(LegalHold.released_at.is_(None)), hold_id)
    holds.release(held, by=current_user)
    db.session.commit()
    flash("Released.", "good")
    sid = request.form.get("sid")
    return redirect(url_for("recordings.show", sid=sid) if sid else url_for("recordings.index"), 303)


@bp.get("/accesses")
@requires(Can.MANAGE)
def log() -> Any:
    """Who had access to which recording, of all of them."""
    filters = accesses.Filters.read(request.args)
    query = filters.query(viewer_zone())
    people = db.session.execute(sa.select(User.id, User.name).order_by(sa.func.lower(User.name), User.id)).all()
    return render(
        "recordings/accesses.html",
        "recordings/_accesses_results.html",
        page=page_of(query, RecordingAccess.created_at, RecordingAccess.id, cursor=cursor_of_request()),
        filters=filters,
        people=people,
        kinds=KINDS,
    )
