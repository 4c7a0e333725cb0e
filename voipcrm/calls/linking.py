"""Whom a call is about, said by a person: for one call or for all with its number, remembered, and undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.calls.telling import AFTERWARDS, Step
from voipcrm.contacts import choices
from voipcrm.contacts.choices import NumberChoice
from voipcrm.contacts.matching import chosen_reason
from voipcrm.contacts.models import Person
from voipcrm.core import clock
from voipcrm.core.db import Model, Record, db

BY_HAND = "The call was linked by {}."


class Relink(Record):
    """One decision about whom calls are with. `number` is None where it is about one call only."""

    __tablename__ = "relinks"

    call_id: Mapped[int] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"), index=True)  # where it was made
    number: Mapped[str | None]  # E.164: for all calls with it, those to come too
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("persons.id", ondelete="SET NULL"), index=True)
    person_name: Mapped[str] = mapped_column(default="")  # as it was; empty: nobody
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    has_added_number: Mapped[bool] = mapped_column(default=False)  # to the person
    choice_before: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))  # person_id and by_id
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))

    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    undone_by: Mapped[User | None] = relationship(foreign_keys=[undone_by_id])


class RelinkedCall(Model):
    """A call that a decision touched, as it was before."""

    __tablename__ = "relinked_calls"

    relink_id: Mapped[int] = mapped_column(sa.ForeignKey("relinks.id", ondelete="CASCADE"), primary_key=True)
    call_id: Mapped[int] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True, index=True)
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("persons.id", ondelete="SET NULL"), index=True)
    person_reason: Mapped[str] = mapped_column(default="")


def relink(call: Call, person: Person | None, *, for_number: bool, by: User) -> Relink:
    """Say whom a call is with, None for nobody; `for_number`: all calls with its number too, those to come as well.
    A person chosen for a number gets it if they have it not. The caller commits."""
    number = call.peer_number if for_number else None
    one = Relink(call_id=call.id, number=number, by_id=by.id)
    one.person_id, one.person_name = (person.id, person.name) if person else (None, "")
    if number:
        before, one.has_added_number = choices.choose(number, person, by=by)
        one.choice_before = {"person_id": before.person_id, "by_id": before.by_id} if before else None
    db.session.add(one)
    db.session.flush()
    touched: sa.ColumnElement[bool] = Call.id == call.id
    if number:
        others = sa.and_(Call.peer_number == number, Call.person_id.is_distinct_from(one.person_id))
        touched = sa.or_(touched, others)
    then = sa.select(sa.literal(one.id), Call.id, Call.person_id, Call.person_reason).where(touched)
    db.session.execute(
        sa.insert(RelinkedCall).from_select(["relink_id", "call_id", "person_id", "person_reason"], then)
    )
    reason = (chosen_reason(by.name) if number else BY_HAND.format(by.name)) if person else ""
    _write(sa.update(Call).where(_touched_by(one)).values(person_id=one.person_id, person_reason=reason))
    db.session.expire(call)
    return one


def undo(one: Relink, *, by: User) -> None:
    """Everything of a decision as it was before, but for calls that were linked anew since. The caller commits."""
    if one.undone_at is not None:
        return
    was = sa.select(RelinkedCall).where(RelinkedCall.relink_id == one.id, RelinkedCall.call_id == Call.id)
    still = sa.update(Call).where(_touched_by(one), Call.person_id.is_not_distinct_from(one.person_id))
    _write(
        still.values(
            person_id=was.with_only_columns(RelinkedCall.person_id).scalar_subquery(),
            person_reason=was.with_only_columns(RelinkedCall.person_reason).scalar_subquery(),
        )
    )
    if one.number:
        _forget_choice(one, one.number)
    one.undone_at, one.undone_by_id = clock.now(), by.id


def decisions(call: Call) -> Sequence[Relink]:
    """All that touched a call, in their order."""
    touching = sa.select(RelinkedCall.relink_id).where(RelinkedCall.call_id == call.id)
    query = sa.select(Relink).where(Relink.id.in_(touching)).order_by(Relink.id)
    return db.session.scalars(query.options(joinedload(Relink.by), joinedload(Relink.undone_by))).all()


def steps(made: Sequence[Relink]) -> Iterator[Step]:
    """The decisions as steps of a call's story: who and when."""
    for one in made:
        by = one.by.name if one.by else "Somebody"
        whole = "all calls with this number" if one.number else "the call"
        words = f"{by} linked {whole} to {one.person_name}" if one.person_name else f"{by} took the contact off {whole}"
        yield Step(at=one.created_at, order=AFTERWARDS, words=words, icon="contact-round")
        if one.undone_at:
            undoer = one.undone_by.name if one.undone_by else "Somebody"
            words = f"{undoer} undid the link to {one.person_name}" if one.person_name else f"{undoer} put it back"
            yield Step(at=one.undone_at, order=AFTERWARDS, words=words, icon="contact-round")


def to_undo(made: Sequence[Relink]) -> Relink | None:
    """The last of them that stands."""
    return next((one for one in reversed(made) if one.undone_at is None), None)


def _forget_choice(one: Relink, number: str) -> None:
    choice = db.session.get(NumberChoice, number)
    if choice is None or choice.person_id != one.person_id:
        return
    before = one.choice_before
    is_there = before and (before["person_id"] is None or db.session.get(Person, before["person_id"]))
    if before and is_there:
        choice.person_id, choice.by_id = before["person_id"], before["by_id"]
    else:
        db.session.delete(choice)
    person = db.session.get(Person, one.person_id) if one.person_id else None
    if person is not None and one.has_added_number:
        person.numbers = [known for known in person.numbers if known.number != number]
        person.updated_at = clock.now()


def _touched_by(one: Relink) -> sa.ColumnElement[bool]:
    return Call.id.in_(sa.select(RelinkedCall.call_id).where(RelinkedCall.relink_id == one.id))


def _write(change: sa.Update) -> None:
    db.session.execute(change, execution_options={"synchronize_session": False})
