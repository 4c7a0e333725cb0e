"""May a step call this number outside? The same guard as for people, and no way round in a circle.

A number outside may itself be forwarded to one of ours; then each round is a new call to us, and each costs money."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from voipcrm.calls.models import Call
from voipcrm.calls.trunking import has_room
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.house import house
from voipcrm.core.prepared import Connection, Prepared
from voipcrm.core.sealing import SealBroken
from voipcrm.routes.rules import Question
from voipcrm.telephony import guard
from voipcrm.telephony.errors import NotAllowed
from voipcrm.trunks.dialling import Way
from voipcrm.trunks.models import CalledLine

MOST_AT_ONCE = 3  # unanswered calls of one caller; more is taken for one call that comes round again and again
ROUND_WITHIN = timedelta(minutes=5)

_ROUNDS = Prepared(
    lambda: sa.select(sa.func.count().label("calls")).where(
        Call.peer_number == sa.bindparam("caller"),
        Call.started_at > sa.bindparam("since", type_=Call.started_at.type),
        Call.direction == sa.literal_column("'inbound'"),
        Call.state == sa.literal_column("'ringing'"),
    )
)


def obstacle(connection: Connection, number: str, question: Question) -> str | None:
    """Why this number is not called, in words; None when it may be."""
    try:
        guard.check(number, allowed_countries=house.countries_allowed, allow_fictional=settings.is_sandbox)
    except NotAllowed as error:
        return error.sentence
    if CalledLine.of(connection, number) is not None:
        return "This is a number of ours: the call would come back to us."
    return _round(connection, question)


def trunk(connection: Connection, trunk_id: int, user: str, question: Question) -> tuple[Way | None, str | None]:
    """The trunk through which a step calls `user`, and why it is not done, in words; None when it may be."""
    way = Way.of(connection, trunk_id)
    if way is None or not way.is_usable:
        return None, f"The trunk {way.name} is not in use." if way else "The trunk is gone."
    if not has_room(connection, way):
        return None, f"The trunk {way.name} has no free channel."
    try:
        way.server()
    except SealBroken:
        return None, f"The password of the trunk {way.name} can’t be read any more."
    why = obstacle(connection, user, question) if user.startswith("+") else _round(connection, question)
    return (None, why) if why else (way, None)


def _round(connection: Connection, question: Question) -> str | None:
    """Why this call is not sent on: it was sent on by us before."""
    if question.caller is None:
        return None
    if CalledLine.of(connection, question.caller) is not None:
        return "The caller is a number of ours, so this call was sent on by us and came back."
    since = clock.now() - ROUND_WITHIN
    rounds = _ROUNDS.first(connection, {"caller": question.caller, "since": since}).calls
    if rounds > MOST_AT_ONCE:
        return "This caller has several unanswered calls at once, as a call has that goes round in a circle."
    return None
