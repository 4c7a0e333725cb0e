"""The inbox of missed calls: one item for each number that called in vain, until somebody talks with it.

The ledger opens an item in one statement when a call ends missed (`calls.aftermath`). That it was returned is not
written there: a list asks the calls themselves, so an item is gone the moment the number is reached, and a sweep notes
afterwards by whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, joinedload, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.calls.models import Call, CallTarget
from voipcrm.core import clock
from voipcrm.core.db import Record, db, insert, partial_index, touched

RETURN_WITHIN = timedelta(days=14)  # older ones are history
MOST_COUNTED = 99
AT_ONCE = 200
SCOPES = ("mine", "team", "all")
_OPEN = "done_at IS NULL"


class MissedCall(Record):
    """A number to call back. A withheld number cannot be called back and has none; the history has its calls."""

    __tablename__ = "missed_calls"
    __table_args__ = (
        partial_index("uq_missed_calls_open", "number", where=_OPEN, unique=True),
        partial_index("ix_missed_calls_open", "latest_at", "id", where=_OPEN),
        sa.Index("ix_missed_calls_done", "done_at", "id"),
    )

    number: Mapped[str]  # E.164
    call_id: Mapped[int] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"), index=True)  # the latest
    times: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[datetime]  # when the first of its calls began
    latest_at: Mapped[datetime]  # when the latest of its calls began
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))  # None: whoever it was meant for
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    done_how: Mapped[str | None]  # called-back, got-through, by-hand, or lapsed after RETURN_WITHIN
    done_call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("calls.id", ondelete="SET NULL"), index=True)

    call: Mapped[Call] = relationship(foreign_keys=[call_id])
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    done_by: Mapped[User | None] = relationship(foreign_keys=[done_by_id])
    done_call: Mapped[Call | None] = relationship(foreign_keys=[done_call_id])

    @staticmethod
    def visible_to(user: User, whose: str | None = None) -> sa.Select[MissedCall]:
        """The items of SCOPES `whose` for this user; without it, the widest that they may see. One's own are those one
        owns, and those without an owner that were meant for one."""
        allowed = scopes(user)
        whose = whose if whose in allowed else allowed[-1]
        query = sa.select(MissedCall)
        if whose == "all":
            return query
        people: Any = [user.id]
        if whose == "team":
            people = sa.select(User.id).where(User.team_id == user.team_id)
        meant = sa.exists().where(CallTarget.call_id == MissedCall.call_id, CallTarget.user_id.in_(people))
        unowned = sa.and_(MissedCall.owner_id.is_(None), meant)
        return query.where(sa.or_(MissedCall.owner_id.in_(people), unowned))

    @staticmethod
    def with_names(query: sa.Select[MissedCall]) -> sa.Select[MissedCall]:
        """The same items with the people and lines they name, in the same statement."""
        return query.options(
            joinedload(MissedCall.owner),
            joinedload(MissedCall.done_by),
            joinedload(MissedCall.done_call),
            *Call.names_by(joinedload(MissedCall.call)),
        )

    def give_to(self, owner: User | None) -> None:
        """Make it somebody's, who then also sees its call, or nobody's."""
        self.owner_id = owner.id if owner else None
        if owner:
            target = insert(CallTarget).values(call_id=self.call_id, user_id=owner.id)
            db.session.execute(target.on_conflict_do_nothing(index_elements=["call_id", "user_id"]))

    def finish(self, *, by: User) -> None:
        """Done by hand: somebody says that no call back is needed."""
        if self.done_at is None:
            self.done_at, self.done_by_id, self.done_how = clock.now(), by.id, "by-hand"

    def reopen(self) -> bool:
        """Take back what was done by hand. False if the number waits again already, as another item, or if it was not
        done by hand."""
        again = sa.exists().where(MissedCall.number == self.number, MissedCall.done_at.is_(None))
        if self.done_how != "by-hand" or db.session.scalar(sa.select(again)):
            return False
        self.done_at = self.done_by_id = self.done_how = None
        return True


def scopes(user: User) -> list[str]:
    """Those of SCOPES that this user may look at, the widest last."""
    may = {
        "mine": True,
        "team": user.may(Can.VIEW_TEAM_CALLS) and user.team_id is not None,
        "all": user.may(Can.VIEW_ALL_CALLS),
    }
    return [one for one in SCOPES if may[one]]


def waiting(query: sa.Select[MissedCall]) -> sa.Select[MissedCall]:
    """Those of the items that still wait for a call back."""
    return query.where(
        MissedCall.done_at.is_(None),
        MissedCall.latest_at > clock.now() - RETURN_WITHIN,
        ~sa.exists().where(*_got_through(aliased(Call))),
    )


def done(query: sa.Select[MissedCall]) -> sa.Select[MissedCall]:
    """Those of the items that wait no more, as far as that is written down."""
    return query.where(MissedCall.done_at.is_not(None))


def how_many_wait(user: User) -> int:
    """For the navigation; at most MOST_COUNTED + 1."""
    some = waiting(MissedCall.visible_to(user)).with_only_columns(MissedCall.id).limit(MOST_COUNTED + 1)
    return db.session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0


def _got_through(later: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """The number was reached, or reached us. `>=`: the call itself, when word of its answer came last."""
    return (
        later.peer_number == MissedCall.number,
        later.started_at >= MissedCall.latest_at,
        later.answered_at.is_not(None),
    )


def note_returned() -> None:
    """The sweep: write down of the items that were returned by whom and how, and let old ones lapse. Commits."""
    later = aliased(Call)
    returned = sa.select(MissedCall.id, sa.func.min(later.id)).join(later, sa.and_(*_got_through(later)))
    returned = returned.where(MissedCall.done_at.is_(None)).group_by(MissedCall.id).limit(AT_ONCE)
    for item_id, call_id in db.session.execute(returned).all():
        call = db.session.get_one(Call, call_id)
        touched(
            sa.update(MissedCall)
            .where(MissedCall.id == item_id, MissedCall.done_at.is_(None), MissedCall.latest_at <= call.started_at)
            .values(
                done_at=call.answered_at,
                done_by_id=call.user_id,
                done_how="got-through" if call.direction == "inbound" else "called-back",
                done_call_id=call.id,
            )
        )
    old = sa.and_(MissedCall.done_at.is_(None), MissedCall.latest_at <= clock.now() - RETURN_WITHIN)
    touched(sa.update(MissedCall).where(old).values(done_at=clock.now(), done_how="lapsed"))
    db.session.commit()
