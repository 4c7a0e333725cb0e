"""The numbers that calls were with, each once, found by any part of them.

Calls write nothing here, for a webhook must not wait for it: a sweep brings in the numbers of new calls, and those that
it has not come to yet are looked through themselves."""

from __future__ import annotations

import sqlalchemy as sa
from flask import g
from sqlalchemy.orm import Mapped, mapped_column

from voipcrm.calls.models import Call
from voipcrm.core.db import Model, db, insert

MANY = 2000  # numbers: a part that more have is so common that the newest calls soon have it
SHORTEST = 3  # digits, what a trigram needs
LATE = 1000  # ids: a call whose transaction took long may appear below newer ones
AT_ONCE = 20_000  # calls
_INDEX = sa.table("peer_number_search", sa.column("rowid", sa.Integer))


class PeerNumber(Model):
    """One number, E.164."""

    __tablename__ = "peer_numbers"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)


class PeerReach(Model):
    """The one row: the last call whose number is in."""

    __tablename__ = "peer_reach"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int]


def of_part(digits: str) -> sa.Select[int, str]:
    """(id, number) of the numbers that have these digits; more than MANY of them are too many."""
    query = sa.select(PeerNumber.id, PeerNumber.number)
    if len(digits) < SHORTEST:
        return query.where(sa.false())
    if db.engine.dialect.name == "postgresql":
        query = query.where(PeerNumber.number.contains(digits, autoescape=True))
    else:
        match = sa.literal_column(_INDEX.name).op("MATCH")(f'"{digits}"')
        query = query.where(PeerNumber.id.in_(sa.select(_INDEX.c.rowid).where(match).limit(MANY + 1)))
    return query.limit(MANY + 1)


def remember(digits: str, found: list[str]) -> None:
    """What of_part found for a page that asked it together with something else."""
    g.setdefault("peer_numbers", {})[digits] = found


def having(digits: str) -> sa.ColumnElement[bool]:
    """The calls with these digits somewhere in their number. Costs a statement, unless the numbers are
    remembered already."""
    holds = Call.peer_number.contains(digits, autoescape=True)
    known = _known(digits) if len(digits) >= SHORTEST else None
    if known is None:
        return holds
    reach = sa.func.coalesce(sa.select(PeerReach.call_id).scalar_subquery(), 0)
    brought_in = sa.select(Call.id).where(Call.peer_number.in_(known))
    still_out = sa.select(Call.id).where(Call.id > reach, holds)
    return Call.id.in_(sa.select(sa.union(brought_in, still_out).subquery()))


def bring_in() -> None:
    """The numbers of the calls that came since. Does the same again where it was ended before its commit."""
    newest = db.session.scalar(sa.select(sa.func.max(Call.id))) or 0
    row = db.session.get(PeerReach, 1)
    if row is None:
        row = PeerReach(id=1, call_id=0)
        db.session.add(row)
    after = max(min(row.call_id, newest) - LATE, 0)
    while after < newest:
        upto = min(after + AT_ONCE, newest)
        some = sa.select(Call.peer_number).where(Call.id > after, Call.id <= upto, Call.peer_number.is_not(None))
        db.session.execute(insert(PeerNumber).from_select(["number"], some.distinct()).on_conflict_do_nothing())
        row.call_id = after = upto
        db.session.commit()
    db.session.rollback()


def _known(digits: str) -> list[str] | None:
    """The numbers that have them; None for more than MANY."""
    found = g.get("peer_numbers", {}).get(digits)
    if found is None:
        found = [number for _, number in db.session.execute(of_part(digits))]
    return found if len(found) <= MANY else None
