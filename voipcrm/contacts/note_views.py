"""Notes and tasks about persons: on the person's page, and one's own tasks on a page and at home."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from sqlalchemy.orm import joinedload

from voipcrm.accounts.permissions import Can
from voipcrm.contacts import timeline
from voipcrm.contacts.forms import NoteForm, TaskForm
from voipcrm.contacts.models import Person
from voipcrm.contacts.notes import Note, Task, due_words, today
from voipcrm.core import clock
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.core.paging import cursor_of_request, page_of

bp = Blueprint("notes", __name__, url_prefix="/contacts")
OF_PERSON = "/persons/<int(max=2147483647):person_id>"
A_NOTE, A_TASK = "/notes/<int(max=2147483647):note_id>", "/tasks/<int(max=2147483647):task_id>"


@bp.app_template_global()
def due(task: Task) -> tuple[str, str | None]:
    """How its due day reads for this viewer, and the kind of the badge."""
    return due_words(task.due_on, on=today())


@bp.post(OF_PERSON + "/notes")
@requires(Can.EDIT_CONTACTS)
def add_note(person_id: int) -> Any:
    person = find(Person.visible_to(current_user), person_id)
    form = NoteForm()
    if not form.validate_on_submit():
        return _refused(person, note_form=form)
    db.session.add(Note(person_id=person.id, by_id=current_user.id, text=form.text.data))
    return _done(person, "Note added.")


@bp.get(A_NOTE + "/edit")
@requires(Can.EDIT_CONTACTS)
def edit_note(note_id: int) -> Any:
    note = find(Note.of(current_user), note_id)
    return render("contacts/note.html", note=note, form=NoteForm(obj=note))


@bp.post(A_NOTE + "/edit")
@requires(Can.EDIT_CONTACTS)
def change_note(note_id: int) -> Any:
    note = find(Note.of(current_user), note_id)
    form = NoteForm()
    if not form.validate_on_submit():
        return render("contacts/note.html", note=note, form=form), 422
    note.text, note.edited_at = form.text.data or "", clock.now()
    return _done(note.person, "Note saved.")


@bp.post(A_NOTE + "/delete")
@requires(Can.EDIT_CONTACTS)
def delete_note(note_id: int) -> Any:
    note = find(Note.of(current_user), note_id)
    person = note.person
    db.session.delete(note)
    return _done(person, "Note deleted.")


@bp.get("/tasks")
@requires(Can.VIEW_CONTACTS)
def mine() -> Any:
    """What the viewer is to do, the most urgent first; a part of home. ?due=yes: only what is due by today."""
    page = page_of(_mine(), Task.due_on, Task.id, cursor=cursor_of_request(), descending=False)
    return render("contacts/tasks.html", "contacts/_tasks.html", page=page, is_due=_is_due())


@bp.post(OF_PERSON + "/tasks")
@requires(Can.EDIT_CONTACTS)
def add_task(person_id: int) -> Any:
    person = find(Person.visible_to(current_user), person_id)
    form = TaskForm()
    if not form.validate_on_submit():
        return _refused(person, task_form=form)
    task = Task(person_id=person.id, by_id=current_user.id)
    form.populate_obj(task)
    db.session.add(task)
    return _done(person, "Task added.")


@bp.get(A_TASK + "/edit")
@requires(Can.EDIT_CONTACTS)
def edit_task(task_id: int) -> Any:
    task = find(Task.visible_to(current_user), task_id)
    return render("contacts/task.html", task=task, form=TaskForm(obj=task))


@bp.post(A_TASK + "/edit")
@requires(Can.EDIT_CONTACTS)
def change_task(task_id: int) -> Any:
    task = find(Task.visible_to(current_user), task_id)
    form = TaskForm(obj=task)
    if not form.validate_on_submit():
        return render("contacts/task.html", task=task, form=form), 422
    form.populate_obj(task)
    return _done(task.person, "Task saved.")


@bp.post(A_TASK + "/delete")
@requires(Can.EDIT_CONTACTS)
def delete_task(task_id: int) -> Any:
    task = find(Task.visible_to(current_user), task_id)
    person = task.person
    db.session.delete(task)
    return _done(person, "Task deleted.")


@bp.post(A_TASK + "/done")
@requires(Can.EDIT_CONTACTS)
def finish(task_id: int) -> Any:
    task = find(Task.visible_to(current_user), task_id)
    task.finish(by=current_user)
    return _done(task.person, "Task done.")


@bp.post(A_TASK + "/reopen")
@requires(Can.EDIT_CONTACTS)
def reopen(task_id: int) -> Any:
    task = find(Task.visible_to(current_user), task_id)
    task.reopen()
    return _done(task.person, "Task opened again.")


def _done(person: Person, said: str) -> Any:
    """Commit, and answer with what the form stood on: ?in=mine the viewer's tasks, else the person's timeline."""
    db.session.commit()
    in_mine = request.args.get("in") == "mine"
    if request.headers.get("HX-Request-Type") != "partial":
        flash(said, "good")
        there = (
            url_for("notes.mine", due="yes" if _is_due() else None)
            if in_mine
            else url_for("contacts.show", person_id=person.id)
        )
        return redirect(there, code=303)
    if in_mine:
        page = page_of(_mine(), Task.due_on, Task.id, descending=False)
        part = render("contacts/_tasks.html", page=page, is_due=_is_due(), said=said)
        part.headers["HX-Trigger"] = "voipcrm:tasks-changed"
        return part
    return render("contacts/_timeline.html", **timeline.part(person), said=said)


def _is_due() -> bool:
    """Does the address ask only for what is due by today?"""
    return request.args.get("due") == "yes"


def _mine() -> sa.Select[Task]:
    """The viewer's open tasks with their people, as the address asks for them."""
    query = Task.open_of(current_user).options(joinedload(Task.person))
    return query.where(Task.due_on <= today()) if _is_due() else query


def _refused(person: Person, **form: Any) -> Any:
    is_partial = request.headers.get("HX-Request-Type") == "partial"
    context = timeline.part(person, **form) if is_partial else timeline.page(person, **form)
    return render("contacts/show.html", "contacts/_timeline.html", **context), 422
