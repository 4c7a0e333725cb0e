"""Contacts that look the same and are not: somebody said so, and nobody is asked again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts import audit
from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.contacts.models import Person
from voipcrm.core import clock
from voipcrm.core.db import Record, db, insert

Pair = tuple[int, int]  # ids of persons, the lower first


class DistinctPersons(Record):
    """Two persons who are not the same."""

    __tablename__ = "distinct_persons"
    __table_args__ = (
        sa.UniqueConstraint("low_id", "high_id"),
        sa.Index("ix_distinct_persons_at", "created_at", "id"),
    )

    low_id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))

    low: Mapped[Person] = relationship(foreign_keys=[low_id])
    high: Mapped[Person] = relationship(foreign_keys=[high_id])
    by: Mapped[User | None] = relationship()

    @staticmethod
    def visible_to(user: User) -> sa.Select[DistinctPersons]:
        """All of them for those who see contacts."""
        query = sa.select(DistinctPersons).where(sa.true() if user.may(Can.VIEW_CONTACTS) else sa.false())
        return query.options(
            *(joinedload(one) for one in (DistinctPersons.low, DistinctPersons.high, DistinctPersons.by))
        )


def say(one: Person, other: Person, *, by: User) -> None:
    """Remember it. The caller commits."""
    if pairs_among([one.id, other.id]):
        return
    remember(one.id, other.id, by_id=by.id)
    audit.note("told-apart", one, by=by, after={"two": [one.name, other.name]})


def take_back(row: DistinctPersons, *, by: User) -> None:
    """They may be the same after all. The caller commits."""
    audit.note("told-apart-undone", row.low, by=by, before={"two": [row.low.name, row.high.name]})
    db.session.delete(row)


def remember(one_id: int, other_id: int, *, by_id: int | None) -> None:
    """The row alone; nothing where it is there already."""
    low, high = _pair(one_id, other_id)
    values = {"low_id": low, "high_id": high, "by_id": by_id, "created_at": clock.now()}
    db.session.execute(
        insert(DistinctPersons).values(values).on_conflict_do_nothing(index_elements=["low_id", "high_id"])
    )


def forget(one_id: int, other_id: int) -> None:
    low, high = _pair(one_id, other_id)
    gone = sa.delete(DistinctPersons).where(DistinctPersons.low_id == low, DistinctPersons.high_id == high)
    db.session.execute(gone, execution_options={"synchronize_session": False})


def pairs_among(person_ids: Iterable[int]) -> set[Pair]:
    """Those of these persons who were told apart. One statement, none for fewer than two."""
    ids = list(person_ids)
    if len(ids) < 2:
        return set()
    query = sa.select(DistinctPersons.low_id, DistinctPersons.high_id)
    query = query.where(DistinctPersons.low_id.in_(ids), DistinctPersons.high_id.in_(ids))
    return {(low, high) for low, high in db.session.execute(query)}


def from_whom(person_id: int) -> list[tuple[int, int | None]]:
    """From whom a person was told apart, and by whom: (person id, user id)."""
    low, high, by = DistinctPersons.low_id, DistinctPersons.high_id, DistinctPersons.by_id
    query = sa.union_all(sa.select(high, by).where(low == person_id), sa.select(low, by).where(high == person_id))
    return [(other_id, by_id) for other_id, by_id in db.session.execute(query)]


def not_told_apart_from_all(person_ids: Sequence[int], told: set[Pair]) -> set[int]:
    """Those who may still be the same as another one of them."""
    return {one for one in person_ids for other in person_ids if one != other and _pair(one, other) not in told}


def _pair(one_id: int, other_id: int) -> Pair:
    return (one_id, other_id) if one_id < other_id else (other_id, one_id)
