"""What people say of a call, on its page: its disposition and their notes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls import about
from voipcrm.calls.forms import DispositionForm
from voipcrm.calls.models import Call
from voipcrm.calls.notes import CallNote
from voipcrm.contacts.forms import NoteForm
from voipcrm.core import clock
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render

bp = Blueprint("about_call", __name__, url_prefix="/calls")
A_NOTE = "/notes/<int(max=2147483647):note_id>"


@bp.get("/<public_id>/about")
@requires(Can.VIEW_CALLS)
def show(public_id: str) -> Any:
    """The part by itself, once the call has ended; the whole page to whoever opens the address."""
    call = _call(public_id)
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("calls.show", public_id=call.public_id))
    return render("calls/_about.html", **about.part(call))


@bp.post("/<public_id>/disposition")
@requires(Can.VIEW_CALLS)
def dispose(public_id: str) -> Any:
    call = _call(public_id)
    form = DispositionForm(call.disposition_id)
    if not form.validate_on_submit():
        return render("calls/about.html", "calls/_about.html", **about.part(call, form=form)), 422
    call.disposition_id = form.disposition_id.data or None
    return _done(call, "Disposition saved.")


@bp.post("/<public_id>/notes")
@requires(Can.VIEW_CALLS)
def add_note(public_id: str) -> Any:
    call = _call(public_id)
    form = NoteForm()
    if not form.validate_on_submit():
        return render("calls/about.html", "calls/_about.html", **about.part(call, note_form=form)), 422
    db.session.add(CallNote(call_id=call.id, by_id=current_user.id, text=form.text.data))
    return _done(call, "Note added.")


@bp.get(A_NOTE + "/edit")
@requires(Can.VIEW_CALLS)
def edit_note(note_id: int) -> Any:
    note = find(CallNote.of(current_user), note_id)
    return render("calls/note.html", note=note, form=NoteForm(obj=note))


@bp.post(A_NOTE + "/edit")
@requires(Can.VIEW_CALLS)
def change_note(note_id: int) -> Any:
    note = find(CallNote.of(current_user), note_id)
    form = NoteForm()
    if not form.validate_on_submit():
        return render("calls/note.html", note=note, form=form), 422
    note.text, note.edited_at = form.text.data or "", clock.now()
    return _done(note.call, "Note saved.")


@bp.post(A_NOTE + "/delete")
@requires(Can.VIEW_CALLS)
def delete_note(note_id: int) -> Any:
    note = find(CallNote.of(current_user), note_id)
    call = note.call
    db.session.delete(note)
    return _done(call, "Note deleted.")


def _call(public_id: str) -> Call:
    return find(Call.with_names(Call.visible_to(current_user)), public_id, by="public_id")


def _done(call: Call, said: str) -> Any:
    db.session.commit()
    if request.headers.get("HX-Request-Type") != "partial":
        flash(said, "good")
        return redirect(url_for("calls.show", public_id=call.public_id), code=303)
    return render("calls/_about.html", **about.part(call), said=said)
