"""Where an incoming call goes: the people it rings, for how long, and what is said when nobody answers."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from voipcrm.accounts.models import Presence, people_with
from voipcrm.accounts.permissions import Can
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.routes.models import InboundRoute
from voipcrm.telephony.twiml import MAX_CLIENTS
from voipcrm.trunks.models import Line

NOBODY = "Sorry, nobody can take your call right now. Please try again later."


@dataclass(frozen=True, slots=True)
class Decision:
    """user_ids: whom to ring, all at once; empty when nobody can be reached. message: said when nobody answers."""

    user_ids: tuple[int, ...]
    ring_seconds: int
    message: str


def decide(line: Line | None) -> Decision:
    """The line's route, else the catch-all, else a message: never silence. People who are offline, away or asleep are
    passed over at once, and so is who may not receive calls."""
    route = InboundRoute.for_line(line)
    if route is None:
        return Decision((), settings.ring_seconds, NOBODY)
    wanted = [target.user_id for target in route.targets]
    reachable = set(
        db.session.scalars(sa.select(Presence.user_id).where(Presence.user_id.in_(wanted), Presence.reachable()))
    )
    people = people_with(Can.RECEIVE_CALLS, [one for one in wanted if one in reachable])
    return Decision(
        tuple(person.id for person in people[:MAX_CLIENTS]),
        route.ring_seconds or settings.ring_seconds,
        route.message or NOBODY,
    )
