"""May this person call there, from which line, and whom is it about? The answer is a row; the browser gets its id."""

from __future__ import annotations

import sqlalchemy as sa

from voipcrm.accounts.models import Presence, User
from voipcrm.accounts.permissions import Can
from voipcrm.calls import trunking
from voipcrm.calls.models import Call
from voipcrm.calls.opening import TooManyCalls, open_internal, open_outbound
from voipcrm.contacts.matching import match
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.telephony import guard, numbers
from voipcrm.telephony.errors import NotAllowed, NumberInvalid
from voipcrm.trunks.models import Line


class Refused(Exception):
    """The call is not placed. `code` is for programs, the message a sentence for the person."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def place(user: User, *, to: str, line_id: int | None, contact_id: int | None) -> Call:
    """A call of this person to a number as they typed it. Raises Refused. The caller commits."""
    try:
        number = numbers.parse(to, house.default_country)
        guard.check(number, allowed_countries=house.countries_allowed, allow_fictional=settings.is_sandbox)
    except NumberInvalid as error:
        raise Refused("number_invalid", error.sentence) from None
    except NotAllowed as error:
        raise Refused("number_not_allowed", error.sentence) from None
    line = Line.for_calling(line_id, settings.twilio_number)
    if line is None:
        raise Refused("no_line", "There is no line to call from. Ask an admin to add a number.")
    contact = match(db.session.connection(), number, preferred=contact_id)
    try:
        call = open_outbound(user, number=number, line=line, contact=contact, per_hour=house.dial_calls_per_hour)
    except TooManyCalls:
        raise _too_many() from None
    trunking.choose(call)
    return call


def place_internal(user: User, *, colleague_id: int) -> Call:
    """A call to a colleague's browser. Raises Refused. The caller commits."""
    colleague = db.session.get(User, colleague_id)
    if colleague is None or not colleague.may(Can.RECEIVE_CALLS):
        raise Refused("no_such_person", "There is no colleague like that who takes calls.")
    if colleague.id == user.id:
        raise Refused("yourself", "That is you. Choose a colleague.")
    online = sa.select(Presence.user_id).where(Presence.user_id == colleague.id, Presence.reachable())
    if db.session.scalar(online) is None:
        raise Refused("offline", f"{colleague.name} is not at the phone right now.")
    try:
        return open_internal(user, colleague, per_hour=house.dial_calls_per_hour)
    except TooManyCalls:
        raise _too_many() from None


def _too_many() -> Refused:
    return Refused("too_many", f"You placed {house.dial_calls_per_hour} calls within an hour. Try again later.")
