"""Forms of people, roles and teams, and of whatever else only has a name."""

from __future__ import annotations

from typing import Self

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask_wtf import FlaskForm
from wtforms import (
    EmailField,
    SelectChoice,  # pyright: ignore - the stubs are older
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import DataRequired, Length, ValidationError

from voipcrm.accounts.forms import zone_choices
from voipcrm.accounts.models import Role, Team, User
from voipcrm.accounts.permissions import Can
from voipcrm.calls.dispositions import Disposition
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.core.texts import one_line

SHORT = Length(max=200, message="Use at most 200 characters.")


class UserForm(FlaskForm):
    known: User
    roles_known: list[Role]

    name = StringField("Name", [DataRequired("Enter a name."), SHORT], filters=[one_line])
    email = EmailField("E-mail", [DataRequired("Enter an e-mail.")], filters=[one_line])
    roles = SelectMultipleField("Roles", coerce=int)
    team_id = SelectField("Team", coerce=int)
    time_zone = SelectField("Time zone")

    @classmethod
    def about(cls, user: User) -> Self:
        """The form, filled with what was sent, else with what is known."""
        form = cls(
            data={
                "name": user.name,
                "email": user.email,
                "roles": [role.id for role in user.roles],
                "team_id": user.team_id or 0,
                "time_zone": user.time_zone or house.default_time_zone,
            }
        )
        form.known = user
        teams = db.session.execute(sa.select(Team.id, Team.name).order_by(Team.name))
        form.team_id.choices = [(0, "No team"), *((team_id, name) for team_id, name in teams)]
        form.time_zone.choices = zone_choices(user.time_zone or house.default_time_zone)
        form.roles_known = list(db.session.scalars(sa.select(Role).order_by(Role.name)))
        form.roles.choices = [(role.id, role.name) for role in form.roles_known]
        return form

    @property
    def roles_chosen(self) -> list[Role]:
        return [role for role in self.roles_known if role.id in (self.roles.data or [])]

    def validate_email(self, field: EmailField) -> None:
        """Only the form of an address is judged, not whether its mailbox is there."""
        try:
            field.data = validate_email(
                field.data or "", check_deliverability=False, test_environment=True
            ).normalized.lower()
        except EmailNotValidError:
            raise ValidationError("This is not an e-mail address. It reads like name@example.com.") from None
        other = User.of_email(field.data)
        if other is not None and other.id != self.known.id:
            raise ValidationError(f"{other.name} has this e-mail already.")


class NameForm(FlaskForm):
    """Of what has a name that no other of its kind has."""

    known: Team | Role | Disposition

    name = StringField("Name", [DataRequired("Enter a name."), SHORT], filters=[one_line])

    @classmethod
    def about(cls, row: Team | Role | Disposition) -> Self:
        form = cls(obj=row)
        form.known = row
        return form

    def validate_name(self, field: StringField) -> None:
        kind = type(self.known)
        named = sa.func.lower(kind.name) == (field.data or "").lower()
        same = sa.select(kind.id).where(named, kind.id != (self.known.id or 0))
        if db.session.scalars(same).first() is not None:
            raise ValidationError("This name is taken.")


class RoleForm(NameForm):
    permissions = SelectMultipleField("What it allows", choices=[SelectChoice(str(one)) for one in Can])
