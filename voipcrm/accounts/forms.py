"""Forms of signing in, and of what is a person's own."""

from __future__ import annotations

from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length

from voipcrm.accounts.models import LONGEST_PASSWORD, SHORTEST_PASSWORD
from voipcrm.core.texts import one_line

LENGTH = Length(
    SHORTEST_PASSWORD,
    LONGEST_PASSWORD,
    f"Use at least {SHORTEST_PASSWORD} characters; a sentence is good.",
)


class SignInForm(FlaskForm):
    email = EmailField("E-mail", [InputRequired("Enter your e-mail.")])
    password = PasswordField("Password", [InputRequired("Enter your password.")])


class CodeForm(FlaskForm):
    code = StringField(
        "Code", [DataRequired("Enter the code."), Length(max=40, message="That is no code.")], filters=[one_line]
    )


class ForgotForm(FlaskForm):
    email = EmailField(
        "E-mail",
        [InputRequired("Enter your e-mail."), Length(max=320, message="That is no e-mail address.")],
        filters=[one_line],
    )


class NewPasswordForm(FlaskForm):
    password = PasswordField(
        "New password",
        [InputRequired("Choose a password."), LENGTH],
        description=f"At least {SHORTEST_PASSWORD} characters; a sentence is good.",
    )
    again = PasswordField(
        "New password again",
        [InputRequired("Enter it a second time."), EqualTo("password", "It is not the same as above.")],
    )


class ChangePasswordForm(NewPasswordForm):
    present = PasswordField("Present password", [InputRequired("Enter your present password.")])


class PresentPasswordForm(FlaskForm):
    present = PasswordField("Your password", [InputRequired("Enter your password.")])


class ProfileForm(FlaskForm):
    name = StringField(
        "Name",
        [DataRequired("Enter your name."), Length(max=200, message="Use at most 200 characters.")],
        filters=[one_line],
    )
    time_zone = SelectField("Time zone")

    def offer_zones(self) -> None:
        self.time_zone.choices = zone_choices(self.time_zone.data)


def zone_choices(present: str | None = None) -> list[tuple[str, str]]:
    """Every zone that is named after a place, UTC, and the present one: (IANA name, words)."""
    known = available_timezones()
    unplaced = ("Etc/", "posix/", "right/", "SystemV/", "US/")
    places = {one for one in known if "/" in one and not one.startswith(unplaced)}
    offered = places | {"UTC"} | ({present} & known if present else set())
    return [(one, one.replace("_", " ")) for one in sorted(offered)]
