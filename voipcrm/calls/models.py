"""Calls, their legs, and the events they are worked out from."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, query_expression, relationship, with_expression
from sqlalchemy.sql.base import ExecutableOption

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.calls.dispositions import Disposition
from voipcrm.contacts.models import Person
from voipcrm.core import clock
from voipcrm.core.db import Model, Record, partial_index
from voipcrm.trunks import recording_policies
from voipcrm.trunks.models import Line, Trunk

DIRECTIONS = ("inbound", "outbound", "internal")
STATES = ("created", "ringing", "in-progress", "ended")
OUTCOMES = ("answered", "voicemail", "missed", "abandoned", "busy", "no-answer", "canceled", "failed")


def new_public_id() -> str:
    """An id for addresses and callbacks: says nothing about how many calls there are. Not a secret."""
    return secrets.token_hex(10)


class Call(Record):
    """One conversation as people see it; inside it are legs. State columns are written by calls.ledger only."""

    __tablename__ = "calls"
    __table_args__ = (
        sa.Index("ix_calls_started", "started_at", "id"),
        sa.Index("ix_calls_user_started", "user_id", "started_at", "id"),
        partial_index(
            "ix_calls_other_user_started", "other_user_id", "started_at", "id", where="other_user_id IS NOT NULL"
        ),
        sa.Index("ix_calls_outcome_started", "outcome", "started_at", "id"),
        sa.Index("ix_calls_direction_started", "direction", "started_at", "id"),
        sa.Index("ix_calls_line_started", "line_id", "started_at", "id"),
        sa.Index("ix_calls_peer_started", "peer_number", "started_at", "id"),
        sa.Index("ix_calls_person_started", "person_id", "started_at", "id"),
        sa.Index("ix_calls_disposition_started", "disposition_id", "started_at", "id"),
        # Of analytics: it sums up any days of ended calls without reading the calls. Partial, so that a live call does
        # not move about in it.
        partial_index(
            "ix_calls_figures",
            "started_at",
            "direction",
            "outcome",
            "line_id",
            "user_id",
            "talk_seconds",
            "answered_at",
            "is_by_hand",
            where="state = 'ended'",
        ),
        partial_index(
            "ix_calls_recorded_started", "started_at", "id", where="has_recording", on_sqlite="has_recording = 1"
        ),
        partial_index("ix_calls_trunk", "trunk_id", where="trunk_id IS NOT NULL"),
        partial_index("ix_calls_by_hand", "started_at", "id", where="is_by_hand", on_sqlite="is_by_hand = 1"),
        partial_index("ix_calls_live", "state", where="state <> 'ended'"),
    )

    public_id: Mapped[str] = mapped_column(unique=True, default=new_public_id)
    root_sid: Mapped[str | None] = mapped_column(unique=True)  # CallSid of the first leg, once the provider named it
    direction: Mapped[str]  # DIRECTIONS
    state: Mapped[str] = mapped_column(default="created")  # STATES
    outcome: Mapped[str | None]  # OUTCOMES, once ended
    reason: Mapped[str | None]  # why it came out so, for people: "Not a working number"

    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))  # who placed or answered it
    other_user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))  # the colleague of an internal call
    line_id: Mapped[int | None] = mapped_column(sa.ForeignKey("lines.id"))
    trunk_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trunks.id"))  # None: the phone provider's own network
    peer_number: Mapped[str | None]  # the other party, E.164; None when withheld or internal
    peer_text: Mapped[str | None]  # what the network said when it was no number: "Anonymous"
    peer_place: Mapped[str | None]
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("persons.id", ondelete="SET NULL"))
    person_reason: Mapped[str] = mapped_column(default="")
    disposition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("dispositions.id"))

    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    talk_seconds: Mapped[int] = mapped_column(default=0)

    recording: Mapped[str] = mapped_column(default="off")  # the line's policy when the call began
    consented: Mapped[bool | None]  # the other party's answer under the policy "consent"; None: none so far
    recording_paused_at: Mapped[datetime | None]  # since then what is said stays out of the recording
    has_recording: Mapped[bool] = mapped_column(default=False)
    is_by_hand: Mapped[bool] = mapped_column(server_default=sa.false())  # it did not go through here; see calls.by_hand
    conference_name: Mapped[str | None] = mapped_column(unique=True)  # random; set once the call is promoted
    held_at: Mapped[datetime | None]
    held_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))  # of an internal call: either of the two
    at_mailbox: Mapped[bool | None] = query_expression()  # is the caller leaving a message? See `with_mailbox`

    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    other_user: Mapped[User | None] = relationship(foreign_keys=[other_user_id])
    held_by: Mapped[User | None] = relationship(foreign_keys=[held_by_id])
    line: Mapped[Line | None] = relationship()
    trunk: Mapped[Trunk | None] = relationship()
    person: Mapped[Person | None] = relationship()
    disposition: Mapped[Disposition | None] = relationship()
    legs: Mapped[list[Leg]] = relationship(back_populates="call", order_by="Leg.id")
    targets: Mapped[list[CallTarget]] = relationship()
    events: Mapped[list[CallEvent]] = relationship(back_populates="call", order_by="CallEvent.id")

    @property
    def is_live(self) -> bool:
        return self.state != "ended"

    @property
    def is_recorded(self) -> bool:
        """Is the conversation to be recorded, pauses aside?"""
        return recording_policies.is_recorded(self.recording, self.consented)

    @property
    def is_recorded_by_dial(self) -> bool:
        """Does the <Dial> or <Conference> that connects the two record? Not while the recording is paused; and not
        where the one who was called is asked first: they answer inside the <Dial>, so theirs begins by REST."""
        asked_inside = self.recording == "consent" and self.direction == "outbound"
        return self.is_recorded and not self.recording_paused_at and not asked_inside

    @staticmethod
    def visible_to(user: User) -> sa.Select[Call]:
        """The calls this person may see: all, their team's, or their own. One's own are those one placed, answered or
        was called in by a colleague, and those meant for one that nobody has answered, whether or not one's phone was
        on: what somebody else took is theirs."""
        query = sa.select(Call)
        if user.may(Can.VIEW_ALL_CALLS):
            return query
        people: Any = [user.id]
        if user.may(Can.VIEW_TEAM_CALLS) and user.team_id is not None:
            people = sa.select(User.id).where(User.team_id == user.team_id)
        return query.where(Call.of_people(people))

    @staticmethod
    def of_people(people: Any) -> sa.ColumnElement[bool]:
        """Condition: it is one of these people's own. people: ids, or a select of them."""
        unanswered = sa.and_(Call.user_id.is_(None), Call.is_meant_for(people))
        return sa.or_(Call.user_id.in_(people), Call.other_user_id.in_(people), unanswered)

    @staticmethod
    def is_meant_for(people: Any) -> sa.ColumnElement[bool]:
        """Condition: its route named one of them, whether or not their phone was on."""
        return sa.exists().where(CallTarget.call_id == Call.id, CallTarget.user_id.in_(people))

    @staticmethod
    def with_names(query: sa.Select[Call]) -> sa.Select[Call]:
        """The same calls with the people and lines they name, and what a live one is at, in the same statement."""
        return query.options(
            Call.with_mailbox(),
            joinedload(Call.user),
            joinedload(Call.other_user),
            joinedload(Call.line),
            joinedload(Call.person),
            joinedload(Call.disposition),
        )

    @staticmethod
    def names_by(way: Any) -> list[ExecutableOption]:
        """Options of a query of something that has a call, such as a recording: the people and the line that the call
        names, in the same statement. way: joinedload(Recording.call)."""
        return [way.joinedload(one) for one in (Call.user, Call.other_user, Call.line, Call.person)]

    @staticmethod
    def with_mailbox() -> ExecutableOption:
        """An option of a query that fills `at_mailbox`."""
        sent = sa.select(CallEvent.id).where(CallEvent.call_id == Call.id, CallEvent.kind == "mailbox").limit(1)
        # Not as EXISTS: for a long list PostgreSQL would read all events once and keep those of mailboxes.
        is_sent = sent.correlate(Call).scalar_subquery().is_not(None)
        return with_expression(Call.at_mailbox, sa.and_(Call.state == "ringing", is_sent))


class Leg(Record):
    """One Twilio call resource inside a call."""

    __tablename__ = "legs"
    __table_args__ = (partial_index("ix_legs_user_call", "user_id", "call_id", where="user_id IS NOT NULL"),)

    call_id: Mapped[int] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    sid: Mapped[str] = mapped_column(unique=True)  # CA…
    parent_sid: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))  # whose browser this is
    from_: Mapped[str] = mapped_column("from_party", default="")
    to: Mapped[str] = mapped_column("to_party", default="")
    status: Mapped[str] = mapped_column(default="queued")  # Twilio's words
    ringing_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    duration_seconds: Mapped[int | None]
    sip_code: Mapped[int | None]

    call: Mapped[Call] = relationship(back_populates="legs")
    user: Mapped[User | None] = relationship()


class TrunkChannel(Model):
    """One of the calls that a trunk carries at once, or room for one: free while it has no call, or one that ended.

    So no channel leaks: whatever was not told of a call's end, calls.jobs.sweep ends it."""

    __tablename__ = "trunk_channels"

    trunk_id: Mapped[int] = mapped_column(sa.ForeignKey("trunks.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 1; those above the trunk's max_calls are left over
    call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("calls.id", ondelete="SET NULL"), index=True)


class CallTarget(Model):
    """A person for whom an incoming call was meant: the route named them, even if their phone was off."""

    __tablename__ = "call_targets"

    call_id: Mapped[int] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), primary_key=True, index=True)


class CallEvent(Model):
    """What the provider told us, whole and as it came, before anything was made of it. Never changed, never deleted.

    The columns beside `body` repeat what the ledger reads often."""

    __tablename__ = "call_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)  # of the provider's delivery: a repeat has the same
    # voice, status, dial, recording, conference, announced, consent, mailbox (a caller was sent to one), message and
    # no-message (what came of it); ours: hold, resume, recording-paused, recording-resumed and trunk
    kind: Mapped[str]
    call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    call_sid: Mapped[str | None]  # the leg it speaks of
    parent_sid: Mapped[str | None]
    status: Mapped[str | None]
    sequence: Mapped[int | None]
    at: Mapped[datetime]  # the provider's Timestamp, else when we heard of it
    received_at: Mapped[datetime] = mapped_column(default=clock.now)
    to_party: Mapped[str | None]
    duration_seconds: Mapped[int | None]
    sip_code: Mapped[int | None]
    body: Mapped[list[Any]] = mapped_column(sa.JSON)  # the form as [name, value] pairs
    error: Mapped[str | None]  # why it could not be understood; a sweep tries again

    call: Mapped[Call | None] = relationship(back_populates="events")
