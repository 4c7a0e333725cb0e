"""Hold and resume. The browser SDK knows neither: a held call is two legs in a conference of which one hears music.

A plain call is a <Dial>. The first hold promotes it: one REST update sends the child leg into a conference, the
parent's Dial ends and its `action` answers with the same conference (webhooks.answering.after_dial).
"""

from __future__ import annotations

import secrets
import time
from typing import Any, cast

import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.calls import ledger
from voipcrm.calls.callbacks import callback, provider
from voipcrm.calls.models import Call, Leg
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.telephony import twiml
from voipcrm.telephony.client import Provider
from voipcrm.telephony.errors import LegGone, TelephonyError

GATHER_SECONDS = 6.0  # for both legs to arrive in the conference
ASK_EVERY_SECONDS = 0.1


class CannotHold(Exception):
    """The call cannot be held or resumed now; the message is a sentence for the person."""


def hold(call: Call, *, by: User) -> None:
    """The other party hears music, both sides stop hearing each other. Raises CannotHold. Commits as it goes, since
    the provider asks us back meanwhile."""
    if call.state != "in-progress":
        raise CannotHold("The call is not connected, so it cannot be held.")
    network = provider()
    try:
        conference = _gathered(call, network) if call.conference_name else _promote(call, network)
        network.set_hold(conference, _other_leg(call, by).sid, held=True, hold_url=callback("hold-music"))
    except LegGone:
        raise CannotHold("The call ended before it could be held.") from None
    except TelephonyError as error:
        raise CannotHold(f"The call is still connected, but could not be held. {error.sentence}") from None
    _mark("hold", call, by)


def resume(call: Call, *, by: User) -> None:
    """Both sides hear each other again. Raises CannotHold. Nothing happens to a call that is not held."""
    if not call.held_at or not call.conference_name:
        return
    network = provider()
    try:
        network.set_hold(_gathered(call, network), _other_leg(call, by).sid, held=False, hold_url=None)
    except LegGone:
        raise CannotHold("The call has ended.") from None
    except TelephonyError as error:
        raise CannotHold(f"The call is still on hold. {error.sentence}") from None
    _mark("resume", call, by)


def into_conference(call: Call) -> str:
    """TwiML for each leg of a promoted call: the conference ends when either leaves, as a plain call would."""
    return twiml.dial_conference(
        name=call.conference_name or "",
        caller_id=call.line.number if call.line else settings.twilio_number,
        action_url=callback("dial", call.public_id, after="conference"),
        status_url=callback("conference", call.public_id),
        wait_url=callback("quiet"),
        recording_url=callback("recording", call.public_id) if call.is_recorded_by_dial else None,
        time_limit_seconds=settings.call_time_limit_seconds,
    )


def _promote(call: Call, network: Provider) -> str:
    child = _live_child(call)
    # Random, because two calls in one name would be connected to each other.
    name = secrets.token_hex(16)
    unclaimed = sa.update(Call).where(Call.id == call.id, Call.conference_name.is_(None)).values(conference_name=name)
    claimed = cast(sa.CursorResult[Any], db.session.execute(unclaimed)).rowcount
    db.session.commit()  # before the provider asks: the parent's action must find the name
    if claimed:
        try:
            network.redirect_call(child.sid, twiml=into_conference(call))
        except TelephonyError:
            db.session.execute(sa.update(Call).where(Call.id == call.id).values(conference_name=None))
            db.session.commit()
            raise
    return _gathered(call, network)


def _gathered(call: Call, network: Provider) -> str:
    """SID of the conference once both legs are in it. Raises LegGone when they do not come."""
    name, wanted = call.conference_name or "", {leg.sid for leg in (_root(call), _live_child(call))}
    db.session.commit()  # hold no transaction while the provider works
    until = time.monotonic() + GATHER_SECONDS
    while time.monotonic() < until:
        conference = network.find_conference(name)
        if conference and wanted <= network.participants(conference):
            return conference
        time.sleep(ASK_EVERY_SECONDS)
    raise LegGone("The other side did not come along.")


def _root(call: Call) -> Leg:
    return next(leg for leg in call.legs if leg.sid == call.root_sid)


def _live_child(call: Call) -> Leg:
    live = [leg for leg in call.legs if leg.sid != call.root_sid and leg.answered_at and not leg.ended_at]
    if not live:
        raise LegGone("The other side has hung up.")
    return live[0]


def _other_leg(call: Call, by: User) -> Leg:
    """Whom `by` talks to: the leg that is not theirs."""
    return next(leg for leg in (_root(call), _live_child(call)) if leg.user_id != by.id)


def _mark(kind: str, call: Call, by: User) -> None:
    ledger.enter_deed(db.session.connection(), kind, public_id=call.public_id, by=by.id)
    db.session.execute(sa.update(Call).where(Call.id == call.id).values(held_by_id=by.id if kind == "hold" else None))
    db.session.commit()
    db.session.refresh(call)
