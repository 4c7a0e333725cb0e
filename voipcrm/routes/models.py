"""Inbound routes: which people a DID rings."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.core.db import Record, db
from voipcrm.trunks.models import Line


class InboundRoute(Record):
    """Calls to this line ring these people at once. A route without a line is the catch-all."""

    __tablename__ = "inbound_routes"

    line_id: Mapped[int | None] = mapped_column(sa.ForeignKey("lines.id"), unique=True)
    description: Mapped[str] = mapped_column(default="")
    ring_seconds: Mapped[int | None]  # None: the house's RING_SECONDS
    message: Mapped[str] = mapped_column(default="")  # said when nobody answers; empty: the house's sentence
    active: Mapped[bool] = mapped_column(default=True)

    line: Mapped[Line | None] = relationship()
    targets: Mapped[list[RouteTarget]] = relationship(
        cascade="all, delete-orphan", order_by="RouteTarget.position", lazy="selectin"
    )

    @staticmethod
    def for_line(line: Line | None) -> InboundRoute | None:
        """The active route of the line, else the active catch-all, else None."""
        fits = InboundRoute.line_id.is_(None)
        if line is not None:
            fits = sa.or_(fits, InboundRoute.line_id == line.id)
        query = sa.select(InboundRoute).where(InboundRoute.active, fits).order_by(InboundRoute.line_id.is_(None))
        return db.session.scalars(query.limit(1)).first()


class RouteTarget(Record):
    """One person whom a route rings."""

    __tablename__ = "route_targets"
    __table_args__ = (sa.UniqueConstraint("route_id", "user_id"),)

    route_id: Mapped[int] = mapped_column(sa.ForeignKey("inbound_routes.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    position: Mapped[int] = mapped_column(default=0)

    user: Mapped[User] = relationship()
