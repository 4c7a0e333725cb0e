"""What admins may write about a trunk, and how it reaches the row."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,  # pyright: ignore - the stubs are older
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, StopValidation

from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.core.texts import one_line
from voipcrm.telephony import hosts, numbers
from voipcrm.telephony.sip_options import TRANSPORTS
from voipcrm.trunks.models import Line, Trunk

MOST_CALLS = 500
MOST_PREFIXES = 200
_PREFIX = re.compile(r"\+([1-9][0-9]{0,14})?")
_TOO_LONG = "Use at most 128 characters."
_PORTS = "Enter a port from 1 to 65535; SIP is usually 5060, over TLS 5061."


class TrunkForm(FlaskForm):
    _trunk: Trunk
    _prefixes: list[str]

    name = StringField(
        "Name",
        filters=[one_line],
        validators=[DataRequired("Enter a name."), Length(max=80, message="Use at most 80 characters.")],
    )
    host = StringField(
        "Host",
        filters=[one_line],
        validators=[DataRequired("Enter a host name or an IPv4 address.")],
        description="For example sip.example.com. The phone provider has to reach it over the internet.",
    )
    port = IntegerField("Port", validators=[InputRequired(_PORTS), NumberRange(1, 65_535, _PORTS)])
    transport = SelectField("Transport", choices=[SelectChoice(one, one.upper()) for one in TRANSPORTS])
    authentication = RadioField(
        "How it knows us",
        choices=[
            SelectChoice("password", "By user name and password"),
            SelectChoice("address", "By the addresses that calls come from"),
        ],
    )
    username = StringField("User name", filters=[one_line], validators=[Length(max=128, message=_TOO_LONG)])
    password = PasswordField("Password", validators=[Length(max=128, message=_TOO_LONG)])
    removes_password = BooleanField("Remove the password that is kept")
    caller_line_id = SelectField(
        "Caller ID",
        coerce=int,
        description="Which number of yours people see. The trunk’s provider may insist on one that it knows.",
    )
    prefixes = TextAreaField(
        "Outgoing calls to numbers that begin with",
        validators=[Optional()],
        description="One a line, like +49 or +4930. A single + is every number. Left empty, only routes use it.",
    )
    max_calls = IntegerField(
        "Calls at once",
        validators=[
            InputRequired(f"Enter 1 to {MOST_CALLS}."),
            NumberRange(1, MOST_CALLS, f"Enter 1 to {MOST_CALLS}."),
        ],
        description="As many channels as you have there. Further calls take the next way.",
    )
    active = BooleanField("Active")

    @classmethod
    def about(cls, trunk: Trunk) -> TrunkForm:
        """The form, filled with what was sent, else with what is known; never with the password."""
        form = cls()
        if not form.is_submitted():
            form.process(data=_data_of(trunk))
        form._trunk, form._prefixes = trunk, []
        form.caller_line_id.choices = [SelectChoice(0, "The line that the call is made from"), *_lines(trunk)]
        return form

    def validate_host(self, field: StringField) -> None:
        try:
            hosts.check_name(field.data or "", allow_loopback=settings.is_sandbox)
        except hosts.HostRefused as refusal:
            raise StopValidation(refusal.sentence) from None

    def validate_username(self, field: StringField) -> None:
        if self.authentication.data == "password" and not field.data:
            raise StopValidation("Enter the user name that the trunk’s provider gave you.")

    def validate_password(self, field: PasswordField) -> None:
        if any(not one.isprintable() for one in field.data or ""):
            raise StopValidation("The password holds a character that can’t be typed. Copy it again.")
        if self.authentication.data != "password" or field.data:
            return
        if not self._trunk.password_sealed:
            raise StopValidation("Enter the password, or let the trunk know us by our addresses.")
        if (self.host.data or "").lower() != self._trunk.host.lower():
            # Else whoever may edit a trunk could have its password sent to a host of their own.
            raise StopValidation("The host is another one. Enter the password again.")

    def validate_prefixes(self, field: TextAreaField) -> None:
        lines = [re.sub(r"[\s().\-/]", "", line) for line in (field.data or "").splitlines()]
        self._prefixes = list(dict.fromkeys(filter(None, lines)))
        if len(self._prefixes) > MOST_PREFIXES:
            raise StopValidation(f"Use at most {MOST_PREFIXES} lines.")
        wrong = next((one for one in self._prefixes if not _PREFIX.fullmatch(one)), None)
        if wrong is not None:
            raise StopValidation(f"{wrong[:20]} is no beginning of a number. Write + and the first digits, like +49.")

    def write_to(self, trunk: Trunk) -> None:
        """Put what was validated into the trunk."""
        before = _address(trunk)
        trunk.name, trunk.host, trunk.port = self.name.data or "", (self.host.data or "").lower(), self.port.data or 0
        trunk.transport, trunk.authentication = self.transport.data, self.authentication.data
        trunk.username = self.username.data or ""
        if self.password.data:
            trunk.set_password(self.password.data)
        elif self.removes_password.data and self.authentication.data == "address":
            trunk.set_password(None)
        trunk.caller_line_id = self.caller_line_id.data or None
        trunk.prefixes, trunk.max_calls = self._prefixes, self.max_calls.data or 1
        trunk.active = bool(self.active.data)
        if _address(trunk) != before:
            trunk.forget_test()  # it was of another address or password


def _address(trunk: Trunk) -> tuple[object, ...]:
    return (
        trunk.host,
        trunk.port,
        trunk.transport,
        trunk.authentication,
        trunk.username,
        trunk.password_sealed,
    )


def _lines(trunk: Trunk) -> list[Any]:
    """Lines in use, and the one that is chosen now, so that opening the form changes nothing."""
    query = sa.select(Line).where(sa.or_(Line.retired_at.is_(None), Line.id == trunk.caller_line_id))
    return [
        SelectChoice(line.id, f"{line.label}, {numbers.display(line.number, house.default_country)}")
        for line in db.session.scalars(query.order_by(sa.func.lower(Line.label), Line.id))
    ]


def _data_of(trunk: Trunk) -> dict[str, Any]:
    kept = ("name", "host", "port", "transport", "authentication", "username", "max_calls", "active")
    return {
        **{name: getattr(trunk, name) for name in kept},
        "caller_line_id": trunk.caller_line_id or 0,
        "prefixes": "\n".join(trunk.prefixes),
    }
