"""What people write down about a person: notes, and tasks to follow up."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.contacts.models import Person
from voipcrm.core import clock
from voipcrm.core.db import Record, db, partial_index
from voipcrm.core.pages import viewer_zone


class Note(Record):
    __tablename__ = "notes"
    __table_args__ = (sa.Index("ix_notes_person_created", "person_id", "created_at", "id"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"))
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    text: Mapped[str]
    edited_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()
    by: Mapped[User | None] = relationship()

    kind = "note"

    @property
    def at(self) -> datetime:
        """Its place in a timeline."""
        return self.created_at

    @staticmethod
    def of(user: User) -> sa.Select[Note]:
        """Those that this user wrote, and so may change."""
        return sa.select(Note).where(Note.by_id == user.id)


class Task(Record):
    """Something that its owner is to do about a person by a day, which is a day wherever the owner is."""

    __tablename__ = "tasks"
    __table_args__ = (
        sa.Index("ix_tasks_person_done", "person_id", "done_at", "id"),
        partial_index("ix_tasks_open", "owner_id", "due_on", "id", where="done_at IS NULL"),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"))
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    title: Mapped[str]
    due_on: Mapped[date]
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))

    person: Mapped[Person] = relationship()
    owner: Mapped[User] = relationship(foreign_keys=[owner_id])
    done_by: Mapped[User | None] = relationship(foreign_keys=[done_by_id])

    kind = "task"

    @property
    def at(self) -> datetime:
        """Its place in a timeline, where only tasks that are done stand."""
        return self.done_at or self.created_at

    @staticmethod
    def visible_to(user: User) -> sa.Select[Task]:
        """Tasks are seen with the persons they are about."""
        return sa.select(Task).where(sa.true() if user.may(Can.VIEW_CONTACTS) else sa.false())

    @staticmethod
    def open_of(user: User) -> sa.Select[Task]:
        """What this user is still to do."""
        return Task.visible_to(user).where(Task.owner_id == user.id, Task.done_at.is_(None))

    def finish(self, *, by: User) -> None:
        if self.done_at is None:
            self.done_at, self.done_by_id = clock.now(), by.id

    def reopen(self) -> None:
        self.done_at = self.done_by_id = None


def today() -> date:
    """The day it is for the viewer."""
    return clock.now().astimezone(viewer_zone()).date()


def due_words(due_on: date, *, on: date) -> tuple[str, str | None]:
    """How a due day reads on a day, and the kind of its badge: ('Overdue since 3 Nov', 'bad'), ('Today', 'warn')."""
    year = "" if due_on.year == on.year else f" {due_on.year}"
    day = f"{due_on.day} {due_on:%b}{year}"
    if due_on < on:
        return f"Overdue since {day}", "bad"
    if due_on == on:
        return "Today", "warn"
    if due_on == on + timedelta(days=1):
        return "Tomorrow", None
    return day, None


def open_tasks(person: Person) -> list[Task]:
    """What is still to do about a person, the most urgent first; at most 50."""
    query = sa.select(Task).where(Task.person_id == person.id, Task.done_at.is_(None)).options(joinedload(Task.owner))
    return list(db.session.scalars(query.order_by(Task.due_on, Task.id).limit(50)))


def entries(person: Person, *, limit: int) -> list[Any]:
    """The newest notes and finished tasks about a person, newest first: things with `kind` and `at`. Two statements."""
    notes = sa.select(Note).where(Note.person_id == person.id).options(joinedload(Note.by))
    tasks = sa.select(Task).where(Task.person_id == person.id, Task.done_at.is_not(None))
    tasks = tasks.options(joinedload(Task.owner), joinedload(Task.done_by))
    found: list[Any] = [
        *db.session.scalars(notes.order_by(Note.created_at.desc(), Note.id.desc()).limit(limit)),
        *db.session.scalars(tasks.order_by(Task.done_at.desc(), Task.id.desc()).limit(limit)),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]
