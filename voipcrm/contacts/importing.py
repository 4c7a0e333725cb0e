"""The works of an import: check the file, write its persons, take them back. Each goes a batch at a time, in a short
transaction of its own, so that nobody waits for it and memory stays flat; each may be ended and begun again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from voipcrm.accounts.models import User
from voipcrm.contacts import distinct
from voipcrm.contacts.folding import folded
from voipcrm.contacts.import_reading import FileUnreadable, Row, cells_of, understand
from voipcrm.contacts.imports import Import, ImportRow
from voipcrm.contacts.models import EmailAddress, Organization, Person, PhoneNumber, Tag, Tagging
from voipcrm.contacts.notes import Note, Task
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.core.long_work import Lost

CHECKED_AT_ONCE = 500
WRITTEN_AT_ONCE = 100
PAUSE_SECONDS = 0.05  # between batches: SQLite has one writer, and a webhook that waits shall get its turn
T = TypeVar("T")


def work(import_id: int) -> None:
    """Do what the import owes, to its end."""
    one = Import.take(import_id)
    if one is None:
        return
    state, claim = one.state, one.claim
    db.session.commit()
    works: dict[str, Callable[[int, str], None]] = {"checking": _check, "running": _run, "undoing": _undo}
    with suppress(Lost):
        works[state](import_id, claim)


# Checking: what would become of each row? Writes import_rows and nothing else.


def _check(import_id: int, claim: str) -> None:
    one = Import.mine(import_id, claim)
    db.session.execute(sa.delete(ImportRow).where(ImportRow.import_id == import_id))
    raw = db.session.scalars(sa.select(Import.file).where(Import.id == import_id)).one()
    encoding, delimiter, mapping = one.encoding, one.delimiter, list(one.mapping)
    owners = _owners()
    db.session.commit()
    seen: dict[str, int] = {}  # numbers and e-mails of the file: the line where each stands first
    count = 0
    try:
        for some in _batches(cells_of(raw, encoding, delimiter), CHECKED_AT_ONCE):
            country = house.default_country
            rows = [understand(line, cells, mapping, country=country, owners=owners) for line, cells in some]
            count += len(rows)
            Import.mine(import_id, claim).processed = count
            db.session.execute(sa.insert(ImportRow), _checked(import_id, rows, seen))
            db.session.commit()
    except FileUnreadable as problem:
        db.session.rollback()
        one = Import.mine(import_id, claim)
        one.state, one.reason = "failed", str(problem)
        db.session.commit()
        return
    one = Import.mine(import_id, claim)
    one.total, one.processed, one.state = count, count, "checked"
    db.session.commit()


def _owners() -> dict[str, int]:
    active = db.session.execute(sa.select(User.id, User.name, User.email).where(User.deactivated_at.is_(None))).all()
    return {folded(text): user_id for user_id, name, email in active for text in (name, email)}


def _checked(import_id: int, rows: list[Row], seen: dict[str, int]) -> list[dict[str, Any]]:
    """Values of import_rows."""
    good = [row for row in rows if not row.problem]
    known = _known(key for row in good for key in _keys(row.fields))
    found = []
    for row in rows:
        value = {"import_id": import_id, "line": row.line, "name": row.name, "fields": row.fields, "before": None}
        state, reason, person_id = "new", "", None
        if row.problem:
            state, reason = "bad", row.problem
        else:
            keys = _keys(row.fields)
            match = next((known[key] for key in keys if key in known), None)
            earlier = next((seen[key] for key in keys if key in seen), None)
            if match is not None:
                state, person_id = "duplicate", match[0]
                reason = f"{match[1]} has the same {match[2]}."
            elif earlier is not None:
                state, reason = "duplicate", f"Line {earlier} of the file has the same number or e-mail."
            for key in keys:
                seen.setdefault(key, row.line)
        found.append({**value, "state": state, "reason": reason, "person_id": person_id})
    return found


def _keys(fields: dict[str, Any]) -> list[str]:
    """By what a person is known: E.164 numbers and e-mails."""
    return [number for number, _ in fields["numbers"]] + fields["emails"]


def _known(keys: Iterable[str]) -> dict[str, tuple[int, str, str]]:
    """Who has these numbers and e-mails already: key -> (person id, name, "number" or "e-mail"), the oldest person."""
    wanted = set(keys)
    found: dict[str, tuple[int, str, str]] = {}
    for column, what in ((PhoneNumber.number, "number"), (EmailAddress.address, "e-mail")):
        for some in _batches(sorted(key for key in wanted if key.startswith("+") is (what == "number")), 500):
            table = column.class_
            query = sa.select(column, Person.id, Person.name).join(Person, Person.id == table.person_id)
            for key, person_id, name in db.session.execute(query.where(column.in_(some)).order_by(Person.id.desc())):
                found[key] = (person_id, name, what)
    return found


# Running: write the persons.


def _run(import_id: int, claim: str) -> None:
    while True:
        one = Import.mine(import_id, claim)
        waiting = sa.select(ImportRow).where(ImportRow.import_id == import_id)
        waiting = waiting.where(ImportRow.state.in_(("new", "duplicate"))).order_by(ImportRow.line)
        rows = list(db.session.scalars(waiting.limit(WRITTEN_AT_ONCE)))
        if not rows:
            one.state, one.processed = "done", one.total
            db.session.commit()
            return
        with db.session.no_autoflush:
            _write(one, rows)
        one.processed = min(one.processed + len(rows), one.total)
        _pause()


def _write(one: Import, rows: list[ImportRow]) -> None:
    run_at = one.run_at or clock.now()
    known = {key: match[0] for key, match in _known(key for row in rows for key in _keys(row.fields)).items()}
    query = sa.select(Person).where(Person.id.in_(set(known.values())))
    whole = (selectinload(Person.numbers), selectinload(Person.emails), selectinload(Person.taggings))
    people = {person.id: person for person in db.session.scalars(query.options(*whole)).unique()}
    by_key: dict[str, Person] = {key: people[person_id] for key, person_id in known.items() if person_id in people}
    companies = _companies({row.fields["company"] for row in rows} - {""}, run_at)
    tags = _tags({tag for row in rows for tag in row.fields["tags"]}, run_at)
    apart: list[tuple[int, ImportRow]] = []  # rows that are not the person with that id
    for row in rows:
        keys = _keys(row.fields)
        person = None if row.is_other else next((by_key[key] for key in keys if key in by_key), None)
        if row.is_other and row.person_id:
            apart.append((row.person_id, row))
        if person is not None and one.on_duplicate == "skip":
            row.state, row.person, row.reason = "skipped", person, row.reason or "The same number or e-mail is there."
            continue
        if person is None or one.on_duplicate == "create":
            person = Person(name=row.fields["name"], note="", updated_at=run_at)
            db.session.add(person)
            row.state = "created"
        else:
            row.before, row.state = _snapshot(person), "updated"
            person.name, person.updated_at = row.fields["name"], run_at
        row.person = person
        _put(person, row.fields, companies, tags)
        for key in keys:
            by_key.setdefault(key, person)
    db.session.flush()
    for other_id, row in apart:
        if row.person_id and db.session.get(Person, other_id) is not None:
            distinct.remember(row.person_id, other_id, by_id=one.by_id)


def _put(person: Person, fields: dict[str, Any], companies: dict[str, Organization], tags: dict[str, Tag]) -> None:
    """What the row says where it says something; numbers, e-mails and tags are added to those that are there."""
    person.organization = companies.get(folded(fields["company"])) or person.organization
    person.owner_id = fields["owner_id"] or person.owner_id
    if fields["note"] and fields["note"] not in person.note:
        person.note = f"{person.note}\n{fields['note']}".strip()
    person.add_numbers(fields["numbers"])
    person.add_emails(fields["emails"])
    worn = {one.tag for one in person.taggings}
    for name in fields["tags"]:
        if tags[folded(name)] not in worn:
            person.taggings.append(Tagging(tag=tags[folded(name)]))


def _companies(names: set[str], run_at: datetime) -> dict[str, Organization]:
    """Organizations by folded name, the oldest of each; those that are not there are made."""
    found = _by_folded(Organization, names)
    for name in sorted(names):
        if folded(name) and folded(name) not in found:
            found[folded(name)] = Organization(name=name, sort_name=folded(name), created_at=run_at)
            db.session.add(found[folded(name)])
    return found


def _tags(names: set[str], run_at: datetime) -> dict[str, Tag]:
    found = _by_folded(Tag, names)
    for name in sorted(names):
        if folded(name) not in found:
            found[folded(name)] = Tag(name=name, sort_name=folded(name), created_at=run_at)
            db.session.add(found[folded(name)])
    return found


def _by_folded(model: Any, names: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for some in _batches(sorted({folded(name) for name in names}), 500):
        rows = db.session.scalars(sa.select(model).where(model.sort_name.in_(some)).order_by(model.id.desc()))
        found |= {row.sort_name: row for row in rows}
    return found


# Undoing: the last row first, so that what was written twice ends as it was in the beginning.


def _undo(import_id: int, claim: str) -> None:
    while True:
        one = Import.mine(import_id, claim)
        run_at = one.run_at
        written = sa.select(ImportRow).where(ImportRow.import_id == import_id)
        written = written.where(ImportRow.state.in_(("created", "updated"))).order_by(ImportRow.line.desc())
        written = written.options(selectinload(ImportRow.person))
        rows = list(db.session.scalars(written.limit(WRITTEN_AT_ONCE)))
        if not rows:
            _drop_unused(run_at)
            one.state, one.processed = "undone", one.total
            db.session.commit()
            return
        busy = _written_about([row.person_id for row in rows if row.person_id])
        gone = [person_id for row in rows if (person_id := _take_back(row, run_at, busy))]
        db.session.flush()
        db.session.execute(
            sa.delete(Person).where(Person.id.in_(gone)).execution_options(synchronize_session=False)
        )  # numbers and all else of theirs go with them by the database's own rules
        one.processed = min(one.processed + len(rows), one.total)
        _pause()


def _pause() -> None:
    """Commit the batch, forget it, and let others write."""
    db.session.commit()
    db.session.expunge_all()
    time.sleep(PAUSE_SECONDS)


def _take_back(row: ImportRow, run_at: datetime | None, busy: set[int]) -> int | None:
    """Make undone what the row did; the id of its person if they are to be deleted."""
    person = row.person
    if person is None:
        row.state, row.reason = "gone", "Was deleted meanwhile."
    elif person.updated_at != run_at or (row.state == "created" and person.id in busy):
        row.state, row.reason = "kept", "Somebody changed this contact since, or wrote something down."
    elif row.state == "created":
        row.state = "gone"
        return person.id
    else:
        _restore(person, row.before or {})
        row.state = "gone"
    return None


def _written_about(person_ids: list[int]) -> set[int]:
    """Those about whom there is a note or a task."""
    found: set[int] = set()
    for model in (Note, Task):
        found |= set(db.session.scalars(sa.select(model.person_id).where(model.person_id.in_(person_ids)).distinct()))
    return found


def _snapshot(person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "company": person.company,
        "owner_id": person.owner_id,
        "note": person.note,
        "numbers": [one.number for one in person.numbers],
        "emails": [one.address for one in person.emails],
        "tags": [one.tag.sort_name for one in person.taggings],
        "updated_at": person.updated_at.isoformat() if person.updated_at else None,
    }


def _restore(person: Person, before: dict[str, Any]) -> None:
    """The run only adds numbers, e-mails and tags, so those of before are still there."""
    person.name, person.note, person.owner_id = before["name"], before["note"], before["owner_id"]
    person.organization = Organization.named(before["company"])
    person.numbers = [one for one in person.numbers if one.number in before["numbers"]]
    person.emails = [one for one in person.emails if one.address in before["emails"]]
    person.taggings = [one for one in person.taggings if one.tag.sort_name in before["tags"]]
    person.updated_at = datetime.fromisoformat(before["updated_at"]) if before["updated_at"] else None


def _drop_unused(run_at: datetime | None) -> None:
    """Companies and tags that the import made and that nobody has."""
    for model, user in ((Organization, Person.organization_id), (Tag, Tagging.tag_id)):
        unused = sa.delete(model).where(model.created_at == run_at, ~sa.exists().where(user == model.id))
        if model is Organization:
            unused = unused.where(Organization.updated_at.is_(None))
        db.session.execute(unused)


def discard(one: Import) -> None:
    """Forget the file and its rows; a job that is at it stops by itself."""
    db.session.execute(sa.delete(ImportRow).where(ImportRow.import_id == one.id))
    db.session.delete(one)


def _batches(things: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(things)
    while some := list(islice(left, size)):
        yield some
