"""Inbound routes: which calls a route is for, when it is open, and the steps by which it finds somebody to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.core import ordering
from voipcrm.core.db import Record, db
from voipcrm.trunks.models import Line, Trunk

if TYPE_CHECKING:
    from voipcrm.routes.mailboxes import Mailbox

STRATEGIES = ("all", "in-order", "longest-idle")
STEP_KINDS = ("people", "number", "trunk", "voicemail")
MAX_STEPS = 10


class RingGroup(Record):
    """People who take the same calls, and in which order they ring."""

    __tablename__ = "ring_groups"

    name: Mapped[str] = mapped_column(unique=True)
    strategy: Mapped[str] = mapped_column(default="all")  # STRATEGIES

    members: Mapped[list[GroupMember]] = relationship(cascade="all, delete-orphan", order_by="GroupMember.position")


class GroupMember(Record):
    """One person of a ring group."""

    __tablename__ = "ring_group_members"
    __table_args__ = (sa.UniqueConstraint("group_id", "user_id"),)

    group_id: Mapped[int] = mapped_column(sa.ForeignKey("ring_groups.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    position: Mapped[int] = mapped_column(default=0)

    user: Mapped[User] = relationship()


class InboundRoute(Record):
    """For calls to a line, to numbers that begin with a prefix, or (with neither) to any number. Of the active routes
    that fit, the one with the lowest position takes the call; a later one never sees it."""

    __tablename__ = "inbound_routes"

    position: Mapped[int] = mapped_column(default=0)
    description: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    line_id: Mapped[int | None] = mapped_column(sa.ForeignKey("lines.id"), index=True)
    prefix: Mapped[str] = mapped_column(default="")  # "+4930"; the line wins where both are set
    caller_prefix: Mapped[str] = mapped_column(default="")  # empty: every caller, also who hides the number

    # Seven lists of [opens, closes] in minutes of the local day, Monday first; empty: always open.
    hours: Mapped[list[list[list[int]]]] = mapped_column(sa.JSON, default=list)
    holidays: Mapped[list[str]] = mapped_column(sa.JSON, default=list)  # "2026-12-25" or "2026-12-25 Christmas"
    time_zone: Mapped[str] = mapped_column(default="")  # IANA name; empty: the house's
    closed_message: Mapped[str] = mapped_column(default="")  # said outside hours; empty: the house's sentence
    # Takes messages outside hours, in place of that sentence.
    closed_mailbox_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mailboxes.id"), index=True)
    message: Mapped[str] = mapped_column(default="")  # said when nobody answers; empty: the house's sentence

    line: Mapped[Line | None] = relationship()
    closed_mailbox: Mapped[Mailbox | None] = relationship()
    steps: Mapped[list[RouteStep]] = relationship(cascade="all, delete-orphan", order_by="RouteStep.position")

    @staticmethod
    def in_order() -> sa.Select[InboundRoute]:
        """All routes as they are tried, with their lines."""
        return (
            sa.select(InboundRoute)
            .options(joinedload(InboundRoute.line))
            .order_by(InboundRoute.position, InboundRoute.id)
        )

    def put_in_place(self) -> None:
        """Give a new route its position: last, but before the routes for any number, which would take all its calls."""
        others = [one for one in db.session.scalars(InboundRoute.in_order()) if one is not self]
        is_general = self.line_id is None and self.line is None and not self.prefix and not self.caller_prefix
        general = (at for at, one in enumerate(others) if one.is_catch_all)
        at = len(others) if is_general else next(general, len(others))
        ordering.number([*others[:at], self, *others[at:]])

    def serves(self, line: Line) -> bool:
        """Is it for calls to this line, from some callers at least?"""
        return self.line_id == line.id if self.line_id is not None else line.number.startswith(self.prefix)

    @property
    def is_catch_all(self) -> bool:
        """It takes every call that comes so far, whoever calls whatever number."""
        return self.active and self.line_id is None and not self.prefix and not self.caller_prefix


class RouteStep(Record):
    """One try to find somebody: people and a ring group, a number outside, or a SIP address through a trunk. The next
    step follows when nobody answered; a step that can reach nobody is passed over at once. A step that takes a message
    ends the call."""

    __tablename__ = "route_steps"

    route_id: Mapped[int] = mapped_column(sa.ForeignKey("inbound_routes.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(default="people")  # STEP_KINDS
    ring_seconds: Mapped[int | None]  # None: the house's RING_SECONDS
    group_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ring_groups.id"), index=True)
    number: Mapped[str | None]  # E.164, of kind "number"
    trunk_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trunks.id"), index=True)  # of kind "trunk"
    sip_user: Mapped[str | None]  # whom to call there: E.164, or a name or extension
    mailbox_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mailboxes.id"), index=True)  # of kind "voicemail"

    group: Mapped[RingGroup | None] = relationship()
    trunk: Mapped[Trunk | None] = relationship()
    mailbox: Mapped[Mailbox | None] = relationship()
    people: Mapped[list[StepPerson]] = relationship(cascade="all, delete-orphan", order_by="StepPerson.position")


class StepPerson(Record):
    """One person whom a step rings by name."""

    __tablename__ = "route_step_people"
    __table_args__ = (sa.UniqueConstraint("step_id", "user_id"),)

    step_id: Mapped[int] = mapped_column(sa.ForeignKey("route_steps.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    position: Mapped[int] = mapped_column(default=0)

    user: Mapped[User] = relationship()


def ringing(*users: User, line: Line | None = None, description: str = "", position: int = 0) -> InboundRoute:
    """A route of one step that rings these people at once; without a line it takes every call."""
    people = [StepPerson(user=user, position=at) for at, user in enumerate(users)]
    return InboundRoute(line=line, description=description, position=position, steps=[RouteStep(people=people)])
