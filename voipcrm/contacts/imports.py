"""An import of contacts from a file, and what became of each of its rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.contacts.models import Person
from voipcrm.core import clock
from voipcrm.core.db import Model, db
from voipcrm.core.long_work import LongWork

STATES = ("uploaded", "checking", "checked", "running", "done", "undoing", "undone", "failed")
ON_DUPLICATE = {
    "skip": "Leave the contact as it is and skip the row",
    "update": "Update the contact with the row",
    "create": "Add another contact all the same",
}


class Import(LongWork):
    """One file on its way in. Jobs work on it in the WORKING states, a batch at a time, and go on where they were."""

    __tablename__ = "imports"
    WORKING = ("checking", "running", "undoing")

    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    file_name: Mapped[str]
    file: Mapped[bytes] = mapped_column(deferred=True)
    encoding: Mapped[str]  # Python's name
    delimiter: Mapped[str]  # one character
    columns: Mapped[list[Any]] = mapped_column(sa.JSON)  # the names in the first line
    mapping: Mapped[list[Any]] = mapped_column(sa.JSON)  # for each column a key of import_reading.FIELDS, or ""
    on_duplicate: Mapped[str] = mapped_column(default="skip")  # ON_DUPLICATE
    state: Mapped[str] = mapped_column(default="uploaded")  # STATES
    reason: Mapped[str] = mapped_column(default="")  # why it failed, for people
    run_at: Mapped[datetime | None]  # updated_at of every person that it wrote: whoever has another was changed since
    total: Mapped[int] = mapped_column(default=0)  # rows, once they were counted
    processed: Mapped[int] = mapped_column(default=0)  # of the present work

    by: Mapped[User | None] = relationship()

    @property
    def percent(self) -> int | None:
        """How far the present work is; None while nobody knows how much it is."""
        return min(self.processed * 100 // self.total, 100) if self.total else None

    @staticmethod
    def visible_to(user: User) -> sa.Select[Import]:
        """All of them for those who may import and see contacts: the reports name persons."""
        may = user.may(Can.IMPORT_CONTACTS) and user.may(Can.VIEW_CONTACTS)
        return sa.select(Import).where(sa.true() if may else sa.false())

    def begin(self, state: str) -> None:
        """Owe a work: "checking", "running" or "undoing"."""
        self.state, self.processed, self.reason, self.reached_at, self.claim = state, 0, "", clock.now(), ""
        if state == "running":
            self.run_at = clock.now()

    def counts(self) -> dict[str, int]:
        """How many rows are in each state of ImportRow."""
        query = sa.select(ImportRow.state, sa.func.count()).where(ImportRow.import_id == self.id)
        return dict(db.session.execute(query.group_by(ImportRow.state)).all())  # type: ignore[arg-type]


class ImportRow(Model):
    """A row of the file. After the check its state is new, duplicate or bad; after the run created, updated, skipped
    or still bad; after the undo gone (as before the import) or kept (somebody changed the person since)."""

    __tablename__ = "import_rows"
    __table_args__ = (sa.Index("ix_import_rows_state", "import_id", "state", "line"),)

    import_id: Mapped[int] = mapped_column(sa.ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # in the file, where the row begins
    name: Mapped[str]
    fields: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  # import_reading.Row.fields; of a bad row {"cells": […]}
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")  # why it is bad, or of whom it is a duplicate
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("persons.id", ondelete="SET NULL"), index=True)
    # Somebody said that it is not the person who has the same number or e-mail; its state is then new, not duplicate.
    is_other: Mapped[bool] = mapped_column(server_default=sa.false())
    before: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)  # the person before an update

    person: Mapped[Person | None] = relationship()
