"""The first row of a call: placed by one of us, or arriving from outside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.calls import statements
from voipcrm.calls.ledger import work_out_again
from voipcrm.calls.models import Call, new_public_id
from voipcrm.contacts.matching import Match
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.prepared import Asked, Connection
from voipcrm.telephony import numbers
from voipcrm.telephony.facts import VoiceRequest
from voipcrm.trunks.models import CalledLine, Line
from voipcrm.trunks.recording_policies import is_recorded


class TooManyCalls(Exception):
    """This person placed as many calls in the last hour as one person may."""


def open_outbound(user: User, *, number: str, line: Line, contact: Match | None, per_hour: int) -> Call:
    """A call that this person is about to place to an E.164 number. Raises TooManyCalls. The caller commits."""
    _hold_to_limit(user, per_hour)
    call = Call(
        direction="outbound",
        user=user,
        line=line,
        peer_number=number,
        peer_place=numbers.place(number),
        person_id=contact.person_id if contact else None,
        person_reason=contact.reason if contact else "",
        recording=line.recording_out,
    )
    db.session.add(call)
    return call


def open_internal(user: User, colleague: User, *, per_hour: int) -> Call:
    """A call to a colleague's browser: no line, never recorded. Raises TooManyCalls. The caller commits."""
    _hold_to_limit(user, per_hour)
    call = Call(direction="internal", user=user, other_user=colleague)
    db.session.add(call)
    return call


def _hold_to_limit(user: User, per_hour: int) -> None:
    # Locked, so that parallel requests cannot each see room for one more.
    db.session.execute(sa.select(User.id).where(User.id == user.id).with_for_update())
    placed = sa.select(sa.func.count()).where(
        Call.user_id == user.id,
        Call.direction != "inbound",
        ~Call.is_by_hand,
        Call.started_at > clock.now() - timedelta(hours=1),
    )
    if (db.session.scalar(placed) or 0) >= per_hour:
        raise TooManyCalls


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A call from outside as the answer to it needs it. number is None when the caller hides it."""

    public_id: str  # of the call that was made
    number: str | None
    place: str | None
    recording: str
    opened: Asked  # one row (id, has_early_events) of the call that was made, none when it was there

    @property
    def is_recorded(self) -> bool:
        return is_recorded(self.recording, consented=None)


def caller_of(request: VoiceRequest) -> str | None:
    """The caller's number in E.164, None when it is withheld or no number."""
    withheld = numbers.is_withheld(request.from_)
    return request.from_ if not withheld and numbers.E164_PATTERN.fullmatch(request.from_ or "") else None


def open_inbound(
    connection: Connection,
    request: VoiceRequest,
    *,
    number: str | None,
    line: CalledLine | None,
    contact: Match | None,
) -> Arrival:
    """Make the call of an arriving leg, unless it is there. number: as `caller_of` says. The caller commits."""
    public_id, place = new_public_id(), numbers.place(number) if number else None
    recording = line.recording if line else "off"
    row = {
        "public_id": public_id,
        "root_sid": request.call_sid,
        "line_id": line.id if line else None,
        "peer_number": number,
        "peer_text": None if number else (request.from_ or "Anonymous"),
        "peer_place": place,
        "person_id": contact.person_id if contact else None,
        "person_reason": contact.reason if contact else "",
        "recording": recording,
        "started_at": clock.now(),
        "created_at": clock.now(),
    }
    return Arrival(
        public_id=public_id,
        number=number,
        place=place,
        recording=recording,
        opened=statements.OPEN_INBOUND.ask(connection, row),
    )


def opened_before(connection: Connection, root_sid: str) -> Any:
    """The row (id, public_id and what the ledger works with) of a call that was there when it was to be opened, or
    whose events came before it. Its state follows from all of them now; the caller commits."""
    call = statements.CALL_BY_SIDS.first(connection, {"sid": root_sid, "parent_sid": None})
    statements.ADOPT_EVENTS.run(connection, {"of_call": call.id, "root_sid": root_sid})
    work_out_again(connection, call.id)
    return call


def meant_for(connection: Connection, root_sid: str, user_ids: Iterable[int]) -> None:
    """Remember for whom an arriving call was meant, so that they find it when nobody answered. The caller commits."""
    if named := {f"user_{at}": user_id for at, user_id in enumerate(user_ids)}:
        statements.name_targets(len(named)).run(connection, {"root_sid": root_sid, **named})


def adopt_events(connection: Connection, call_id: int, root_sid: str) -> None:
    """Link events that came before the call was known, and work its state out again if there were any."""
    if statements.ADOPT_EVENTS.rows(connection, {"of_call": call_id, "root_sid": root_sid}):
        work_out_again(connection, call_id)
