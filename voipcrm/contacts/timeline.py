"""What the page of a person shows."""

from __future__ import annotations

from typing import Any

from flask_login import current_user

from voipcrm.contacts import merging
from voipcrm.contacts.forms import NoteForm, TaskForm
from voipcrm.contacts.models import Person, sharing
from voipcrm.contacts.notes import entries, open_tasks, today

LIMIT = 20


def page(person: Person, **forms: Any) -> dict[str, Any]:
    """Everything for contacts/show.html. `forms`: note_form, task_form that were refused."""
    return {
        **part(person, **forms),
        "merges": merging.of(person),
        "shared": sharing([one.number for one in person.numbers], person),
    }


def part(person: Person, **forms: Any) -> dict[str, Any]:
    """For contacts/_timeline.html: tasks, notes, and the forms that add to them."""
    return {
        "person": person,
        "tasks": open_tasks(person),
        "entries": entries(person, limit=LIMIT),
        "note_form": NoteForm(formdata=None),
        "task_form": TaskForm(formdata=None, due_on=today(), owner_id=current_user.id),
        **forms,
    }
