"""Where an incoming call goes: the people it rings, for how long, and what is said when nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from voipcrm.accounts.models import PRESENCE_EXPIRES, Presence, Role, User, user_roles
from voipcrm.accounts.permissions import Can, expand
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.prepared import Prepared
from voipcrm.routes.models import InboundRoute, RouteTarget
from voipcrm.telephony.twiml import MAX_CLIENTS

NOBODY = "Sorry, nobody can take your call right now. Please try again later."

# The route of the line, else the catch-all, with everybody it names: one statement, since a caller is waiting.
_ROUTE = sa.select(InboundRoute.id).where(
    InboundRoute.active,
    sa.or_(InboundRoute.line_id == sa.bindparam("line_id"), InboundRoute.line_id.is_(None)),
).order_by(InboundRoute.line_id.is_(None)).limit(sa.literal_column("1")).scalar_subquery()  # fmt: skip
_WITH_PEOPLE = Prepared(
    lambda: (
        sa.select(
            InboundRoute.ring_seconds,
            InboundRoute.message,
            User.id.label("user_id"),
            User.deactivated_at,
            Presence.state,
            Presence.seen_at,
            Role.permissions,
        )
        .select_from(InboundRoute)
        .outerjoin(RouteTarget, RouteTarget.route_id == InboundRoute.id)
        .outerjoin(User, User.id == RouteTarget.user_id)
        .outerjoin(Presence, Presence.user_id == User.id)
        .outerjoin(user_roles, user_roles.c.user_id == User.id)
        .outerjoin(Role, Role.id == user_roles.c.role_id)
        .where(InboundRoute.id == _ROUTE)
        .order_by(RouteTarget.position, User.id)
    )
)


@dataclass(frozen=True, slots=True)
class Decision:
    """user_ids: whom to ring, all at once; empty when nobody can be reached. meant: everybody whom the route names and
    who still works here. message: said when nobody answers."""

    user_ids: tuple[int, ...]
    meant: tuple[int, ...]
    ring_seconds: int
    message: str


def decide(connection: sa.Connection, line_id: int | None) -> Decision:
    """Whom a call to this line rings (None: to a number that is not ours): by its route, else by the catch-all, else a
    message, never silence. People who are offline, away or asleep are passed over at once, and so is who may not
    receive calls."""
    rows = _WITH_PEOPLE.rows(connection, {"line_id": line_id})
    if not rows:
        return Decision((), (), settings.ring_seconds, NOBODY)
    return Decision(
        user_ids=_reachable(rows)[:MAX_CLIENTS],
        meant=tuple({row.user_id: True for row in rows if row.user_id is not None and row.deactivated_at is None}),
        ring_seconds=rows[0].ring_seconds or settings.ring_seconds,
        message=rows[0].message or NOBODY,
    )


def _reachable(rows: Sequence[Any]) -> tuple[int, ...]:
    """Ids of those who can be rung, in the route's order; a person has a row for each of their roles."""
    allowed: dict[int, set[str]] = {}
    earliest = clock.now() - PRESENCE_EXPIRES
    for row in rows:
        here = row.state in Presence.REACHABLE and row.seen_at > earliest
        if row.user_id is not None and row.deactivated_at is None and here:
            allowed.setdefault(row.user_id, set()).update(row.permissions or ())
    return tuple(user_id for user_id, held in allowed.items() if Can.RECEIVE_CALLS in expand(held))
