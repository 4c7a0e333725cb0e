"""Contacts as a CSV file that spreadsheets open and our import reads: of the present search and filters, everybody."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from voipcrm.contacts.models import Person
from voipcrm.contacts.searching import Narrow, ids_of_persons
from voipcrm.core.db import db

COLUMNS = (
    "Name",
    "Company",
    "Phone",
    "Phone label",
    "Other phones",
    "E-mail",
    "Other e-mails",
    "Owner",
    "Tags",
    "Note",
)
BATCH = 500
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def safe(text: str) -> str:
    """The text so that a spreadsheet shows it and computes nothing: a ' stands before what could begin a formula.
    Phone numbers begin with + and so stay text too, with all their digits."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def lines(
    scope: sa.Select[Person], query: str, narrow: Narrow, *, at_end: Callable[[], None] = lambda: None
) -> Iterator[str]:
    """The file, a batch of persons at a time, those added first first. Between batches no transaction is open, so a
    slow reader holds up nothing; who is added meanwhile is in the file, who is deleted is not."""
    try:
        yield from _batches(scope, query, narrow)
    finally:
        at_end()


def _batches(scope: sa.Select[Person], query: str, narrow: Narrow) -> Iterator[str]:
    yield "\ufeff" + _csv([list(COLUMNS)])  # the mark makes Excel read UTF-8
    after = 0
    whole = scope.options(
        joinedload(Person.owner),
        selectinload(Person.numbers),
        selectinload(Person.emails),
        selectinload(Person.taggings),
    )
    while ids := ids_of_persons(query, narrow, after=after, limit=BATCH):
        persons = db.session.scalars(whole.where(Person.id.in_(ids)).order_by(Person.id)).unique()
        text = _csv([_row(person) for person in persons])
        db.session.rollback()
        db.session.expunge_all()
        yield text
        after = ids[-1]


def _row(person: Person) -> list[str]:
    phones = [(one.number, one.label) for one in person.numbers]
    number, label = phones[0] if phones else ("", "")
    emails = [one.address for one in person.emails]
    return [
        person.name,
        person.company,
        number,
        label,
        "; ".join(f"{number} ({label})" if label else number for number, label in phones[1:]),
        emails[0] if emails else "",
        "; ".join(emails[1:]),
        person.owner.name if person.owner else "",
        "; ".join(tag.name for tag in person.tags),
        person.note,
    ]


def _csv(rows: list[list[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([safe(cell) for cell in row] for row in rows)
    return file.getvalue()
