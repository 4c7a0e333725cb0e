"""What admins may write about routes and ring groups, and how it reaches the rows."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

import sqlalchemy as sa
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, StopValidation

from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.core.texts import one_line
from voipcrm.routes.fields import PeopleField, beginning, change_rows, people_choices, spoken
from voipcrm.routes.hours import HoursInvalid, day_text, read_day, read_holidays
from voipcrm.routes.mailboxes import Mailbox
from voipcrm.routes.models import (
    MAX_STEPS,
    STEP_KINDS,
    InboundRoute,
    RingGroup,
    RouteStep,
    StepPerson,
)
from voipcrm.telephony import guard, numbers
from voipcrm.telephony.errors import NotAllowed, NumberInvalid
from voipcrm.telephony.twiml import SIP_USER
from voipcrm.trunks.models import Line, Trunk

LONGEST_EXTENSION = 6  # digits; more are a phone number
SHORTEST, LONGEST = 5, 120  # seconds of ringing: below, nobody can answer; above, no caller waits
_BEGINNING = re.compile(r"\+[1-9][0-9]{0,14}")
_TOO_LONG = "Use at most {} characters."


class StepRow(Form):
    e164: str  # of a step that calls outside, once validated

    kind = HiddenField(default="people")
    people = PeopleField("People")
    group_id = SelectField("Ring group", coerce=int, choices=[])
    number = TelField("Number", filters=[one_line])
    trunk_id = SelectField("Trunk", coerce=int, choices=[], default=0)
    sip_user = StringField(
        "Call there",
        filters=[one_line],
        description="An extension or name, like 100 or reception, or a phone number with + and country code.",
    )
    mailbox_id = SelectField("Mailbox", coerce=int, choices=[], default=0)
    ring_seconds = IntegerField(
        "Ring for (seconds)",
        validators=[
            InputRequired(f"Enter {SHORTEST} to {LONGEST} seconds."),
            NumberRange(SHORTEST, LONGEST, f"Enter {SHORTEST} to {LONGEST} seconds."),
        ],
    )

    def validate_kind(self, field: HiddenField) -> None:
        if field.data not in STEP_KINDS:
            raise StopValidation("There is no such step.")

    def validate_people(self, field: PeopleField) -> None:
        if self.kind.data == "people" and not field.data and not self.group_id.data:
            raise StopValidation("Choose at least one person, or a ring group.")

    def validate_mailbox_id(self, field: SelectField) -> None:
        if self.kind.data == "voicemail" and not field.data:
            raise StopValidation("Choose a mailbox.")

    def validate_number(self, field: TelField) -> None:
        if self.kind.data == "number":
            self._check_number(field.data or "")

    def validate_trunk_id(self, field: SelectField) -> None:
        if self.kind.data == "trunk" and not field.data:
            raise StopValidation("Choose a trunk.")

    def validate_sip_user(self, field: StringField) -> None:
        if self.kind.data != "trunk":
            return
        user = field.data or ""
        if user.startswith("+"):
            self._check_number(user)
        elif not SIP_USER.fullmatch(user):
            raise StopValidation("Use letters, digits, dots, dashes and underscores, at most 64.")
        elif not re.search("[A-Za-z]", user) and sum(map(str.isdigit, user)) > LONGEST_EXTENSION:
            # Written without country code it would pass by the guard against expensive numbers.
            raise StopValidation("Write a phone number with + and its country code.")

    @property
    def sip_address(self) -> str:
        """Whom to call at the trunk, once validated."""
        user = self.sip_user.data or ""
        return self.e164 if user.startswith("+") else user

    def _check_number(self, text: str) -> None:
        try:
            self.e164 = numbers.parse(text, house.default_country)
            guard.check(self.e164, allowed_countries=house.countries_allowed, allow_fictional=settings.is_sandbox)
        except (NumberInvalid, NotAllowed) as refusal:
            raise StopValidation(refusal.sentence) from None
        if db.session.scalar(Line.in_use().where(Line.number == self.e164).with_only_columns(Line.id)) is not None:
            raise StopValidation("This is a number of ours: the call would come back to us.")


class RouteForm(FlaskForm):
    _route: InboundRoute
    _holidays: list[str]  # as Optional leaves it when nothing was typed

    description = StringField(
        "Name",
        filters=[one_line],
        validators=[DataRequired("Enter a name."), Length(max=120, message=_TOO_LONG.format(120))],
    )
    did = SelectField("Calls to")
    prefix = StringField("Numbers that begin with", filters=[beginning], description="For example +1 202.")
    caller_prefix = StringField(
        "Only callers whose number begins with",
        filters=[beginning],
        validators=[Optional()],
        description="For example +49. Callers who hide their number never fit.",
    )
    active = BooleanField("Active")
    keeps_hours = BooleanField("Only at these hours")
    days = FieldList(StringField(filters=[one_line], validators=[Length(max=100)]), min_entries=7, max_entries=7)
    time_zone = SelectField("Time zone")
    holidays = TextAreaField(
        "Holidays",
        validators=[Optional(), Length(max=10_000, message=_TOO_LONG.format("10,000"))],
        description="Closed all day, at these hours or not. One date a line, like 2026-12-25 Christmas.",
    )
    closed_message = spoken("What callers hear when it is closed", "Left empty, they hear that you are closed.")
    closed_mailbox_id = SelectField(
        "Mailbox when it is closed",
        coerce=int,
        choices=[],
        default=0,
        description="Takes messages then. Its greeting is heard in place of those words.",
    )
    steps = FieldList(FormField(StepRow), max_entries=MAX_STEPS)
    message = spoken("What callers hear when nobody answers", "Left empty, they hear that nobody can take the call.")

    @classmethod
    def about(cls, route: InboundRoute) -> RouteForm:
        """The form, filled with what was sent, else with what is known."""
        form = cls()
        if not form.is_submitted():
            form.process(data=_data_of(route))
        form._holidays = []
        form._choose_from(route)
        return form

    def _choose_from(self, route: InboundRoute) -> None:
        lines = db.session.scalars(
            sa.select(Line)
            .where(sa.or_(Line.retired_at.is_(None), Line.id == route.line_id))
            .order_by(sa.func.lower(Line.label), Line.id)
        )
        labels = [
            (f"line:{line.id}", f"{line.label}, {numbers.display(line.number, house.default_country)}")
            for line in lines
        ]
        self.did.choices = [*labels, ("prefix", "Numbers that begin with…"), ("any", "Any number")]
        zones = [(name, name) for name in sorted(available_timezones()) if _is_a_place(name)]
        self.time_zone.choices = [("", f"{house.default_time_zone} (default)"), *zones]
        people = people_choices({one.user_id for step in route.steps for one in step.people})
        groups = [(0, "None"), *db.session.execute(sa.select(RingGroup.id, RingGroup.name).order_by(RingGroup.name))]
        known = db.session.execute(sa.select(Mailbox.id, Mailbox.name).order_by(Mailbox.name))
        boxes = [(mailbox_id, name) for mailbox_id, name in known]
        self.closed_mailbox_id.choices = [(0, "None"), *boxes]
        trunks = [(0, "Choose a trunk"), *_trunks({step.trunk_id for step in route.steps})]
        for row in self.steps.entries:
            row.form.people.choices, row.form.group_id.choices = people, [tuple(one) for one in groups]
            row.form.mailbox_id.choices = [(0, "Choose a mailbox"), *boxes]
            row.form.trunk_id.choices = trunks
        self._route = route

    def change_steps(self, *, add: str | None, change: str | None) -> str:
        """Without saving: a step more of the kind `add`, or one moved or removed ("steps-1:up", :down, :remove).
        Returns what was done, for the focus: "steps-add", or the button as `change_rows` names it."""
        rows = [row.data for row in self.steps.entries]
        names = [row.name for row in self.steps.entries]
        if add in STEP_KINDS and len(rows) < MAX_STEPS:
            rows.append({"kind": add, "ring_seconds": settings.ring_seconds})
        moved = change_rows(rows, names, change)
        while self.steps.entries:
            self.steps.pop_entry()
        for row in rows:
            self.steps.append_entry(row)
        self._choose_from(self._route)
        return moved or "steps-add"

    def validate_steps(self, field: FieldList) -> None:
        for row in field.entries[:-1]:
            if row.form.kind.data == "voicemail":
                row.form.mailbox_id.errors = ["A message ends the call. Move this step to the end."]
                raise StopValidation("Steps behind a message are never reached.")

    def validate_prefix(self, field: StringField) -> None:
        if self.did.data == "prefix" and not _BEGINNING.fullmatch(field.data or ""):
            raise StopValidation("Enter + and the first digits, like +1 202.")

    def validate_caller_prefix(self, field: StringField) -> None:
        if field.data and not _BEGINNING.fullmatch(field.data):
            raise StopValidation("Enter + and the first digits, like +49.")

    def validate_days(self, field: FieldList) -> None:
        self._hours: list[list[list[int]]] = []
        for day in field.entries:
            try:
                self._hours.append(read_day(day.data or ""))
            except HoursInvalid as refusal:
                day.errors = [str(refusal)]
        if any(day.errors for day in field.entries):
            raise StopValidation("Some hours are not valid.")
        if self.keeps_hours.data and not any(self._hours):
            field.entries[0].errors = ["Enter the hours of at least one day, or take calls at any hour."]
            raise StopValidation("There are no hours.")

    def validate_holidays(self, field: TextAreaField) -> None:
        try:
            self._holidays = read_holidays(field.data or "")
        except HoursInvalid as refusal:
            raise StopValidation(str(refusal)) from None

    def write_to(self, route: InboundRoute) -> None:
        """Put what was validated into the route. Steps are written anew; nothing refers to them."""
        chosen = self.did.data or "any"
        route.description = self.description.data or ""
        route.line_id = int(chosen.removeprefix("line:")) if chosen.startswith("line:") else None
        route.prefix = (self.prefix.data or "") if chosen == "prefix" else ""
        route.caller_prefix = self.caller_prefix.data or ""
        route.active = bool(self.active.data)
        route.hours = self._hours if self.keeps_hours.data else []
        route.time_zone = self.time_zone.data or ""
        route.holidays = self._holidays
        route.closed_message = self.closed_message.data or ""
        route.closed_mailbox_id = self.closed_mailbox_id.data or None
        route.message = self.message.data or ""
        route.steps = [_step(row.form, position) for position, row in enumerate(self.steps.entries)]


def _is_a_place(zone_name: str) -> bool:
    """Europe/Berlin and UTC, but not the machine's own "localtime", nor names that only programs use."""
    return zone_name == "UTC" or ("/" in zone_name and not zone_name.startswith("Etc/"))


def _trunks(chosen: set[int | None]) -> list[tuple[int, str]]:
    """Trunks in use, and those that are chosen now, so that opening the form changes nothing."""
    query = sa.select(Trunk).where(sa.or_(Trunk.retired_at.is_(None), Trunk.id.in_(chosen - {None})))
    return [
        (trunk.id, f"{trunk.name} (retired)" if trunk.retired_at else trunk.name)
        for trunk in db.session.scalars(query.order_by(Trunk.position, Trunk.id))
    ]


def _step(row: StepRow, position: int) -> RouteStep:
    step = RouteStep(position=position, kind=row.kind.data, ring_seconds=row.ring_seconds.data)
    if row.kind.data == "number":
        step.number = row.e164
    elif row.kind.data == "trunk":
        step.trunk_id, step.sip_user = row.trunk_id.data, row.sip_address
    elif row.kind.data == "voicemail":
        step.mailbox_id = row.mailbox_id.data
    else:
        step.group_id = row.group_id.data or None
        step.people = [StepPerson(user_id=user_id, position=at) for at, user_id in enumerate(row.people.data or ())]
    return step


def _data_of(route: InboundRoute) -> dict[str, Any]:
    return {
        "description": route.description,
        "did": f"line:{route.line_id}" if route.line_id else "prefix" if route.prefix else "any",
        "prefix": route.prefix,
        "caller_prefix": route.caller_prefix,
        "active": route.active,
        "keeps_hours": bool(route.hours),
        "days": [day_text(day) for day in route.hours or [[[540, 1020]]] * 5 + [[]] * 2],
        "time_zone": route.time_zone,
        "holidays": "\n".join(route.holidays),
        "closed_message": route.closed_message,
        "closed_mailbox_id": route.closed_mailbox_id or 0,
        "message": route.message,
        "steps": [
            {
                "kind": step.kind,
                "people": [one.user_id for one in step.people],
                "group_id": step.group_id or 0,
                "mailbox_id": step.mailbox_id or 0,
                "number": numbers.display(step.number, house.default_country) if step.number else "",
                "trunk_id": step.trunk_id or 0,
                "sip_user": step.sip_user or "",
                "ring_seconds": step.ring_seconds or settings.ring_seconds,
            }
            for step in route.steps
        ],
    }
