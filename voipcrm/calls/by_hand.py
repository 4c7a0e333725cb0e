"""Calls that did not go through the house, such as those on a mobile phone: somebody writes them down.

Each is a call like others, ended from the beginning, without legs and events, so that the history, the timeline and the
files have it. No figure counts it: those are of what the phone system did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts import audit
from voipcrm.accounts.models import User
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.models import Call
from voipcrm.calls.notes import CallNote
from voipcrm.calls.telling import AFTERWARDS, Step
from voipcrm.contacts.matching import match
from voipcrm.contacts.merging import successor
from voipcrm.contacts.models import Person
from voipcrm.core import clock
from voipcrm.core.db import Record, db, touched
from voipcrm.telephony import numbers

UNDO_WITHIN = timedelta(days=1)
CHOSEN = "The call was logged with this contact."
UNANSWERED = {"outbound": "no-answer", "inbound": "missed"}  # what "no answer" is called, by direction
FACTS = (
    "public_id", "direction", "peer_number", "person_id", "person_reason", "started_at", "outcome", "talk_seconds",
    "disposition_id",
)  # fmt: skip


class LoggedCall(Record):
    """Who wrote a call down. Once it is deleted, `kept` is what its row and notes said, for as long as it can be
    undone."""

    __tablename__ = "logged_calls"

    by_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("calls.id", ondelete="SET NULL"), unique=True)
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    kept: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))

    by: Mapped[User] = relationship()
    call: Mapped[Call | None] = relationship()

    @staticmethod
    def of(user: User) -> sa.Select[LoggedCall]:
        """Those that this user wrote down, the only one to change them; deleted ones while they can be undone."""
        there = LoggedCall.deleted_at.is_(None) | (LoggedCall.deleted_at > clock.now() - UNDO_WITHIN)
        return sa.select(LoggedCall).where(LoggedCall.by_id == user.id, there)

    @staticmethod
    def behind(call: Call) -> LoggedCall | None:
        """Of a call; None for one that went through the house."""
        if not call.is_by_hand:
            return None
        query = sa.select(LoggedCall).where(LoggedCall.call_id == call.id).options(joinedload(LoggedCall.by))
        return db.session.scalars(query).first()

    @property
    def name(self) -> str:
        """For the audit log: which one it was."""
        call = self.call
        if call is None:
            return ""
        return call.person.name if call.person else call.peer_number or ""


def log(facts: dict[str, Any], *, note: str, by: User) -> LoggedCall:
    """Write one down. `facts`: see `said`. The caller commits."""
    call = Call(state="ended", user_id=by.id, is_by_hand=True, recording="off", direction=facts["direction"])
    _fill(call, facts)
    one = LoggedCall(by_id=by.id, call=call)
    db.session.add(one)
    db.session.flush()
    if note:
        db.session.add(CallNote(call_id=call.id, by_id=by.id, text=note))
    audit.note("created", one, by=by, after=_audited(call))
    return one


def change(one: LoggedCall, call: Call, facts: dict[str, Any], *, by: User) -> None:
    """The caller commits."""
    before = _audited(call)
    _fill(call, facts)
    db.session.flush()
    db.session.refresh(call)
    after = _audited(call)
    if before != after:
        one.edited_at = clock.now()
        audit.note("changed", one, by=by, before=before, after=after)


def delete(one: LoggedCall, call: Call, *, by: User) -> None:
    """Out of the history with its notes, and back within UNDO_WITHIN. The caller commits."""
    notes = db.session.scalars(sa.select(CallNote).where(CallNote.call_id == call.id).order_by(CallNote.id))
    facts = {name: getattr(call, name) for name in FACTS} | {"started_at": call.started_at.isoformat()}
    one.kept = {
        **facts,
        "notes": [
            {"by_id": row.by_id, "text": row.text, "created_at": row.created_at.isoformat(), "edited": _iso(row)}
            for row in notes
        ],
    }
    audit.note("deleted", one, by=by, before=_audited(call))
    one.deleted_at, one.call = clock.now(), None
    db.session.flush()
    db.session.expunge(call)
    touched(sa.delete(Call).where(Call.id == call.id))  # what hangs on it goes by the database's own rules


def restore(one: LoggedCall, *, by: User) -> Call:
    """As it was, but for contacts and dispositions that are gone since. The caller commits."""
    was = one.kept or {}
    facts: dict[str, Any] = {name: was[name] for name in FACTS} | {
        "started_at": datetime.fromisoformat(was["started_at"])
    }
    if facts["person_id"] and db.session.get(Person, facts["person_id"]) is None:
        facts["person_id"] = successor("persons", facts["person_id"])
    if facts["disposition_id"] and db.session.get(Disposition, facts["disposition_id"]) is None:
        facts["disposition_id"] = None
    facts["person_reason"] = facts["person_reason"] if facts["person_id"] else ""
    call = Call(state="ended", user_id=one.by_id, is_by_hand=True, recording="off", direction=facts["direction"])
    _fill(call, facts)
    one.call, one.deleted_at, one.kept = call, None, None
    db.session.flush()
    for row in was["notes"]:
        note = CallNote(call_id=call.id, by_id=row["by_id"], text=row["text"])
        note.created_at = datetime.fromisoformat(row["created_at"])
        note.edited_at = datetime.fromisoformat(row["edited"]) if row["edited"] else None
        db.session.add(note)
    audit.note("restored", one, by=by, after=_audited(call))
    return call


def said(
    *, direction: str, outcome: str, number: str | None, person: Person | None, started_at: datetime, seconds: int
) -> dict[str, Any]:
    """What a call's row says when these are the facts. outcome: answered, unanswered or busy; number: E.164. Without a
    person it is whoever has the number."""
    matched = None if person else match(db.session.connection(), number)
    return {
        "direction": direction,
        "outcome": UNANSWERED[direction] if outcome == "unanswered" else outcome,
        "peer_number": number,
        "person_id": person.id if person else matched.person_id if matched else None,
        "person_reason": CHOSEN if person else matched.reason if matched else "",
        "started_at": started_at,
        "talk_seconds": seconds if outcome == "answered" else 0,
    }


def steps(one: LoggedCall) -> Iterator[Step]:
    """As a part of the call's story."""
    yield Step(at=one.created_at, order=AFTERWARDS, words=f"{one.by.name} logged the call by hand", icon="pencil")
    if one.edited_at:
        yield Step(at=one.edited_at, order=AFTERWARDS, words=f"{one.by.name} changed what was logged", icon="pencil")


def forget_deleted() -> None:
    """The sweep: what can no longer be undone is gone for good. Commits."""
    over = sa.delete(LoggedCall).where(LoggedCall.deleted_at < clock.now() - UNDO_WITHIN)
    touched(over)
    db.session.commit()


def _fill(call: Call, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        setattr(call, name, value)
    call.peer_place = numbers.place(call.peer_number) if call.peer_number else None
    call.answered_at = call.started_at if call.outcome == "answered" else None
    call.ended_at = call.started_at + timedelta(seconds=call.talk_seconds)


def _audited(call: Call) -> dict[str, Any]:
    names = ("direction", "outcome", "peer_number", "started_at", "talk_seconds")
    facts: dict[str, Any] = {name: getattr(call, name) for name in names}
    facts["started_at"] = call.started_at.isoformat()
    facts["contact"] = call.person.name if call.person else ""
    facts["disposition"] = call.disposition.name if call.disposition else ""
    return facts


def _iso(note: CallNote) -> str | None:
    return note.edited_at.isoformat() if note.edited_at else None
