"""The form by which a call is written down."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    RadioField,
    SelectChoice,  # pyright: ignore - the stubs are older
    SelectField,
    StringField,
    TelField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import InputRequired, Length, Optional, StopValidation

from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.models import Call
from voipcrm.contacts.forms import many_lines
from voipcrm.contacts.models import Person
from voipcrm.core import clock
from voipcrm.core.house import house
from voipcrm.core.texts import one_line
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import NumberInvalid

DIRECTIONS = {"outbound": "I called them", "inbound": "They called me"}
OUTCOMES = {"answered": "We talked", "unanswered": "No answer", "busy": "Busy"}
LONGEST = timedelta(hours=24)
_LENGTH = re.compile(r"(?:(?P<hours>\d{1,2}):(?=\d\d:))?(?P<minutes>\d{1,4})(?::(?P<seconds>[0-5]\d))?")


class LogForm(FlaskForm):
    """Of a call that is not written down yet, or of one that is. `person`: the contact chosen beside the form; `zone`:
    in which days and times are meant. After validation `e164`, `seconds` and `started_at` are what the fields say."""

    direction = RadioField("Direction", choices=[SelectChoice(*one) for one in DIRECTIONS.items()], default="outbound")
    number = TelField(
        "Number",
        filters=[one_line],
        validators=[Optional(), Length(max=100, message="That is too long.")],
        description="Or choose a contact below.",
    )
    day = DateField("Day", [InputRequired("Choose the day of the call.")])
    at = TimeField("Time", [InputRequired("Enter when the call began.")], format=["%H:%M", "%H:%M:%S"])
    outcome = RadioField("Outcome", choices=[SelectChoice(*one) for one in OUTCOMES.items()], default="answered")
    length = StringField(
        "Length",
        filters=[one_line],
        validators=[Optional()],
        description="If you talked: minutes, or minutes and seconds, such as 5 or 5:30.",
    )
    disposition_id = SelectField("Disposition", coerce=int, default=0)
    note = TextAreaField(
        "Note",
        filters=[many_lines],
        validators=[Optional(), Length(max=10_000, message="Use at most 10,000 characters.")],
    )

    def __init__(self, *, zone: ZoneInfo, person: Person | None, call: Call | None = None, **given: Any) -> None:
        super().__init__(**{"data": _known(call, person, zone), **given})
        self.number.flags.optional = self.length.flags.optional = False  # it depends on the others
        self.zone, self.person = zone, person
        self.e164: str | None = None
        self.seconds = 0
        self.started_at = clock.now()
        self.disposition_id.choices = [(0, "None"), *Disposition.choices(call.disposition_id if call else None)]
        if call is not None:
            del self.note  # it has notes of its own by now, on its page

    def validate_number(self, field: TelField) -> None:
        """Runs after Optional(), so only where something was entered."""
        try:
            self.e164 = numbers.parse(field.data or "", house.default_country)
        except NumberInvalid as error:
            raise StopValidation(error.sentence) from None

    def validate_day(self, field: DateField) -> None:
        if field.data and not date(1990, 1, 1) <= field.data <= date(2200, 1, 1):
            raise StopValidation("Choose a day between 1990 and now.")

    def validate_length(self, field: StringField) -> None:
        seconds = _seconds(field.data or "")
        if seconds is None or seconds > LONGEST.total_seconds():
            raise StopValidation("Enter minutes, or minutes and seconds: 5 or 5:30.")
        self.seconds = seconds

    def validate(self, *args: Any, **more: Any) -> bool:
        """What depends on several fields is asked last."""
        is_good = super().validate(*args, **more)
        problems = list(self._together()) if is_good else []
        for field, problem in problems:
            field.errors = [problem]
        return is_good and not problems

    def _together(self) -> Any:
        if self.e164 is None and self.person is None:
            yield self.number, "Enter a number, or choose a contact."
        if self.outcome.data == "busy" and self.direction.data == "inbound":
            yield self.outcome, "Busy is for calls that you made. Choose No answer."
        if self.outcome.data == "answered" and not self.seconds:
            yield self.length, "Enter how long you talked: 5 or 5:30."
        if self.day.data and self.at.data:
            self.started_at = datetime.combine(self.day.data, self.at.data, self.zone)
            talked = self.seconds if self.outcome.data == "answered" else 0
            if self.started_at > clock.now():
                yield self.day, "That is still to come. Choose when the call was."
            elif self.started_at + timedelta(seconds=talked) > clock.now() + timedelta(minutes=1):
                yield self.at, "It would still go on. Enter when the call began."


def _known(call: Call | None, person: Person | None, zone: ZoneInfo) -> dict[str, Any]:
    """What the fields say at first: of the call, or of one that begins now."""
    if call is None:
        now = clock.now().astimezone(zone)
        first = person.numbers[0].number if person and person.numbers else None
        return {"day": now.date(), "number": _shown(first)}
    began = call.started_at.astimezone(zone)
    minutes, seconds = divmod(call.talk_seconds, 60)
    return {
        "direction": call.direction,
        "number": _shown(call.peer_number),
        "day": began.date(),
        "at": began.time(),
        "outcome": call.outcome if call.outcome in OUTCOMES else "unanswered",
        "length": (f"{minutes}:{seconds:02}" if seconds else str(minutes)) if call.talk_seconds else "",
        "disposition_id": call.disposition_id or 0,
    }


def _shown(number: str | None) -> str:
    return numbers.display(number, house.default_country) if number else ""


def _seconds(text: str) -> int | None:
    """Of 5, 5:30 or 1:05:30; None for anything else."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        return None
    return int(found["hours"] or 0) * 3600 + int(found["minutes"]) * 60 + int(found["seconds"] or 0)
