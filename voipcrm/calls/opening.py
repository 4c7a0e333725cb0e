"""The first row of a call: placed by one of us, or arriving from outside."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.calls.ledger import work_out_again
from voipcrm.calls.models import Call, CallEvent, new_public_id
from voipcrm.contacts.models import Person, matching
from voipcrm.core import clock
from voipcrm.core.db import db, insert
from voipcrm.telephony import numbers
from voipcrm.telephony.facts import VoiceRequest
from voipcrm.trunks.models import Line


class TooManyCalls(Exception):
    """This person placed as many calls in the last hour as one person may."""


def open_outbound(user: User, *, number: str, line: Line, person: Person | None, reason: str, per_hour: int) -> Call:
    """A call that this person is about to place to an E.164 number. Raises TooManyCalls. The caller commits."""
    _hold_to_limit(user, per_hour)
    call = Call(
        direction="outbound",
        user=user,
        line=line,
        peer_number=number,
        peer_place=numbers.place(number),
        person=person,
        person_reason=reason,
        recording=line.recording,
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
        Call.started_at > clock.now() - timedelta(hours=1),
    )
    if (db.session.scalar(placed) or 0) >= per_hour:
        raise TooManyCalls


def open_inbound(request: VoiceRequest, line: Line | None) -> Call:
    """The call of an arriving leg; the same one when the provider asks twice. The caller commits."""
    withheld = numbers.is_withheld(request.from_)
    number = request.from_ if not withheld and numbers.E164_PATTERN.fullmatch(request.from_ or "") else None
    person, reason = matching(number)
    values = {
        "public_id": new_public_id(),
        "root_sid": request.call_sid,
        "direction": "inbound",
        "state": "ringing",
        "line_id": line.id if line else None,
        "peer_number": number,
        "peer_text": None if number else (request.from_ or "Anonymous"),
        "peer_place": numbers.place(number) if number else None,
        "person_id": person.id if person else None,
        "person_reason": reason,
        "recording": line.recording if line else "off",
        "started_at": clock.now(),
        "created_at": clock.now(),
        "talk_seconds": 0,
        "has_recording": False,
    }
    made = db.session.execute(
        insert(Call.__table__).values(values).on_conflict_do_nothing(index_elements=["root_sid"]).returning(Call.id)
    ).scalar()
    call = db.session.scalars(sa.select(Call).where(Call.root_sid == request.call_sid)).one()
    if made is not None:
        adopt_events(call)
    return call


def adopt_events(call: Call) -> None:
    """Link events that came before the call was known, and work its state out again if there were any."""
    mine = sa.or_(CallEvent.call_sid == call.root_sid, CallEvent.parent_sid == call.root_sid)
    found = db.session.execute(
        sa.update(CallEvent).where(CallEvent.call_id.is_(None), mine).values(call_id=call.id).returning(CallEvent.id)
    ).all()
    if found:
        db.session.flush()
        work_out_again(call.id)
        db.session.refresh(call)
