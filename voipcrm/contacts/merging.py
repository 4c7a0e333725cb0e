"""Two contacts that are one: put together, with a record by which it can be taken apart again for UNDO_WITHIN.

The one with the higher id stays: SQLite gives the id of a deleted row away again if it was the highest, and the id of
the lost one leads to the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts import audit
from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.contacts import distinct
from voipcrm.contacts.models import EmailAddress, Organization, Person, PhoneNumber, Tag, Tagging
from voipcrm.core import clock
from voipcrm.core.db import Record, db

UNDO_WITHIN = timedelta(days=30)
FIELDS = {"persons": ("name", "organization_id", "owner_id", "note"), "organizations": ("name", "website", "note")}
KINDS = tuple(FIELDS)
OWN = {
    "phone_numbers",
    "email_addresses",
    "taggings",
    "distinct_persons",
}  # tables that are parts of a person: united, not moved
_AT_ONCE = 500
Contact = Person | Organization
C = TypeVar("C", Person, Organization)


class CannotUndo(Exception):
    """Says why, for people."""


class Merge(Record):
    """One contact that became part of another. `lost`, `before` and `after`: what FIELDS, numbers, e-mails and tags
    were of the lost one, and of the kept one before and after. `moved`: "table.column" to keys of the rows that
    referred to the lost one."""

    __tablename__ = "contact_merges"
    __table_args__ = (
        sa.Index("ix_contact_merges_lost", "kind", "lost_id"),
        sa.Index("ix_contact_merges_kept", "kind", "kept_id"),
    )

    kind: Mapped[str]  # of KINDS
    kept_id: Mapped[int]
    lost_id: Mapped[int]
    lost_name: Mapped[str]
    lost: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    before: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    after: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    moved: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))

    by: Mapped[User | None] = relationship(foreign_keys=[by_id])

    @staticmethod
    def visible_to(user: User) -> sa.Select[Merge]:
        """All of them for those who see contacts."""
        return sa.select(Merge).where(sa.true() if user.may(Can.VIEW_CONTACTS) else sa.false())

    @staticmethod
    def to_undo() -> sa.Select[Merge]:
        """Those that can still be taken apart, the last first."""
        recent = Merge.created_at > clock.now() - UNDO_WITHIN
        query = sa.select(Merge).where(Merge.undone_at.is_(None), recent).options(joinedload(Merge.by))
        return query.order_by(Merge.id.desc())


def merge(one: C, other: C, fields: Mapping[str, Any], *, by: User) -> C:
    """Make one of two: FIELDS as given, numbers, e-mails and tags of both, and all that referred to either. Returns the
    one that stays. The caller commits."""
    kept, lost = (one, other) if one.id > other.id else (other, one)
    kind = kept.__tablename__
    row = Merge(kind=kind, kept_id=kept.id, lost_id=lost.id, lost_name=lost.name, by_id=by.id)
    row.lost, row.before = _snapshot(lost), _snapshot(kept)
    row.lost["created_at"] = lost.created_at.isoformat()
    row.moved = {f"{column.table.name}.{column.name}": _move(column, lost.id, kept.id) for column in _references(kind)}
    for name in FIELDS[kind]:
        setattr(kept, name, fields[name])
    if isinstance(kept, Person) and isinstance(lost, Person):
        _unite(kept, row.lost)
    kept.updated_at = clock.now()
    db.session.expire(lost)  # what referred to it no longer does
    db.session.delete(lost)
    db.session.flush()
    _fold_people(row.moved)
    db.session.expire(kept)
    row.after = _snapshot(kept)
    db.session.add(row)
    audit.note("merged", kept, by=by, before={"two": [row.before["name"], row.lost_name]}, after={"one": kept.name})
    return kept


def undo(row: Merge, *, by: User) -> None:
    """Two again, as they were; what was changed since at the one that stayed is left. The caller commits. Raises
    CannotUndo."""
    kept: Any = db.session.get(_model(row.kind), row.kept_id)
    if row.undone_at is not None or row.created_at < clock.now() - UNDO_WITHIN:
        raise CannotUndo("This cannot be taken apart any more.")
    if kept is None:
        raise CannotUndo("The contact was deleted or merged with another one since. Undo that first.")
    lost = _brought_back(row)
    for place, keys in row.moved.items():
        table, column = place.split(".")
        _move_back(db.metadata.tables[table].c[column], keys, row.kept_id, lost.id)
    for name in FIELDS[row.kind]:
        if getattr(kept, name) == row.after[name]:
            setattr(kept, name, row.before[name])
    if isinstance(kept, Person):
        _part(kept, row)
    kept.updated_at = clock.now()
    row.undone_at, row.undone_by_id = clock.now(), by.id
    db.session.flush()
    _fold_people(row.moved)
    audit.note("merge-undone", kept, by=by, before={"one": row.after["name"]}, after={"two": [kept.name, lost.name]})


def successor(kind: str, lost_id: int) -> int | None:
    """Whom a contact that is gone became part of, through as many merges as there were; None if it was not merged."""
    last = None
    for _ in range(20):
        query = sa.select(Merge.kept_id).where(Merge.kind == kind, Merge.lost_id == (last or lost_id))
        kept_id = db.session.scalars(query.where(Merge.undone_at.is_(None)).order_by(Merge.id.desc()).limit(1)).first()
        if kept_id is None:
            break
        last = kept_id
    return last


def gone_to(scope: sa.Select[Any], contact_id: int) -> int | None:
    """Where to send those who ask for a contact of the scope that is gone, since it became part of another; else
    None."""
    model = scope.column_descriptions[0]["entity"]
    if db.session.get(model, contact_id) is not None:
        return None
    kept_id = successor(model.__tablename__, contact_id)
    return kept_id if kept_id and db.session.scalars(scope.where(model.id == kept_id)).first() else None


def of(contact: Contact) -> list[Merge]:
    """What became part of a contact and can still be taken apart, the last first; at most five."""
    query = Merge.to_undo().where(Merge.kind == contact.__tablename__, Merge.kept_id == contact.id)
    return list(db.session.scalars(query.limit(5)))


def _model(kind: str) -> Any:
    return {"persons": Person, "organizations": Organization}[kind]


def _snapshot(contact: Contact) -> dict[str, Any]:
    seen: dict[str, Any] = {name: getattr(contact, name) for name in FIELDS[contact.__tablename__]}
    if isinstance(contact, Person):
        seen["numbers"] = [[one.number, one.label] for one in contact.numbers]
        seen["emails"] = [one.address for one in contact.emails]
        seen["tags"] = [tag.name for tag in contact.tags]
        seen["distinct"] = distinct.from_whom(contact.id)
    return seen


def _references(kind: str) -> Iterator[sa.Column[Any]]:
    """Every column that refers to such a contact, whatever room it is of."""
    target = db.metadata.tables[kind]
    for table in db.metadata.sorted_tables:
        if table.name not in OWN:
            yield from (key.parent for key in table.foreign_keys if key.column.table is target)


def _move(column: sa.Column[Any], from_id: int, to_id: int) -> list[list[Any]]:
    """Keys of the rows that referred to one and now refer to the other."""
    table = column.table
    move = sa.update(table).where(column == from_id).values({column.name: to_id})
    return [list(key) for key in db.session.execute(move.returning(*table.primary_key.columns))]


def _move_back(column: sa.Column[Any], keys: Sequence[Sequence[Any]], from_id: int, to_id: int) -> None:
    """Those that still refer to the one of whom they were given to."""
    table = column.table
    for at in range(0, len(keys), _AT_ONCE):
        some = keys[at : at + _AT_ONCE]
        columns = list(table.primary_key.columns)
        own = columns[0].in_([key[0] for key in some]) if len(columns) == 1 else sa.tuple_(*columns).in_(some)
        db.session.execute(sa.update(table).where(own, column == from_id).values({column.name: to_id}))


def _unite(kept: Person, lost: Mapping[str, Any]) -> None:
    kept.add_numbers(lost["numbers"])
    kept.add_emails(lost["emails"])
    _wear(kept, lost["tags"])
    for other_id, by_id in lost["distinct"]:
        if other_id != kept.id:
            distinct.remember(kept.id, other_id, by_id=by_id)


def _wear(person: Person, names: Sequence[str]) -> None:
    for tag in filter(None, map(Tag.named, names)):
        if tag not in person.tags:
            person.taggings.append(Tagging(tag=tag))


def _part(kept: Person, row: Merge) -> None:
    """Take from the one that stayed what came from the other."""
    numbers = {number for number, _ in row.lost["numbers"]} - {number for number, _ in row.before["numbers"]}
    kept.numbers = [one for one in kept.numbers if one.number not in numbers]
    emails = set(row.lost["emails"]) - set(row.before["emails"])
    kept.emails = [one for one in kept.emails if one.address not in emails]
    tags = set(row.lost["tags"]) - set(row.before["tags"])
    kept.taggings = [one for one in kept.taggings if one.tag.name not in tags]
    before = {other_id for other_id, _ in row.before.get("distinct", [])}
    for other_id, _ in row.lost.get("distinct", []):  # not in merges that are older than this
        if other_id not in before and other_id != kept.id:
            distinct.forget(kept.id, other_id)


def _brought_back(row: Merge) -> Any:
    """The lost contact, under its old id if that is free."""
    model, was = _model(row.kind), row.lost
    values = {name: was[name] for name in FIELDS[row.kind]}
    for column, kind in (("organization_id", "organizations"), ("owner_id", "users")):
        known = values.get(column) and db.session.scalar(
            sa.select(db.metadata.tables[kind].c.id).where(db.metadata.tables[kind].c.id == values[column])
        )
        if column in values:
            values[column] = known
    lost = model(**values, created_at=datetime.fromisoformat(was["created_at"]), updated_at=clock.now())
    if db.session.get(model, row.lost_id) is None:
        lost.id = row.lost_id
    if isinstance(lost, Person):
        lost.numbers = [PhoneNumber(number=n, label=label, position=at) for at, (n, label) in enumerate(was["numbers"])]
        lost.emails = [EmailAddress(address=address, position=at) for at, address in enumerate(was["emails"])]
    db.session.add(lost)
    if isinstance(lost, Person):
        _wear(lost, was["tags"])
    db.session.flush()
    for other_id, by_id in was.get("distinct", []):
        if db.session.get(Person, other_id) is not None:
            distinct.remember(lost.id, other_id, by_id=by_id)
    return lost


def _fold_people(moved: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """People of an organization that changed hands are found by the name of the one they are in now."""
    keys = [key[0] for key in moved.get("persons.organization_id", [])]
    for at in range(0, len(keys), _AT_ONCE):
        some = sa.select(Person).where(Person.id.in_(keys[at : at + _AT_ONCE]))
        for person in db.session.scalars(some.execution_options(populate_existing=True)).unique():
            person.fold()
        db.session.flush()
