"""Forms of /settings/company. Each names columns of `house_settings`; what is saved as the environment has it is kept
as not decided, so that it goes on to follow the environment."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import ColorField, IntegerField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from voipcrm.accounts.forms import zone_choices
from voipcrm.admin.colours import ColourInvalid, brand
from voipcrm.admin.logo import LogoUnreadable, remade
from voipcrm.core.app import settings
from voipcrm.core.house import PLAIN_COLOUR, house
from voipcrm.core.texts import one_line
from voipcrm.telephony.numbers import countries

MOST_AN_HOUR = 1000


class CompanyForm(FlaskForm):
    """One part of the page. Its fields are named as the columns they are for."""

    COLUMNS: ClassVar[dict[str, Any]]  # column: what the environment has, called when asked

    @classmethod
    def sent(cls) -> Self:
        """Filled with what was sent, else with what holds now."""
        return cls(data=cls._present()).offering()

    @classmethod
    def unsent(cls) -> Self:
        """Filled with what holds now, whatever this request sent for another part."""
        return cls(formdata=None, data=cls._present()).offering()

    @classmethod
    def _present(cls) -> dict[str, Any]:
        return {name: getattr(house, name) for name in cls.COLUMNS}

    def offering(self) -> Self:
        """With the choices of its fields."""
        return self

    def chosen(self) -> dict[str, Any]:
        """Values for the columns; None where it is as the environment has it."""
        found = {name: self[name].data for name in self.COLUMNS if name in self}
        return {name: None if value == self.COLUMNS[name]() else value for name, value in found.items()}

    @property
    def differs(self) -> bool:
        """Is anything of it decided here, so that it can be taken back?"""
        return any(house.is_chosen(name) for name in self.COLUMNS)


class LookForm(CompanyForm):
    COLUMNS: ClassVar = {
        "brand_name": lambda: settings.brand_name,
        "brand_colour": lambda: PLAIN_COLOUR,
        "logo_digest": lambda: None,
    }
    png: bytes | None = None  # of the logo that was sent

    brand_name = StringField(
        "Company name",
        [DataRequired("Enter a name."), Length(max=60, message="Use at most 60 characters.")],
        filters=[one_line],
        description="Beside the logo, in the title of each page, and in e-mails.",
    )
    logo = FileField(
        "Logo",
        [Optional()],
        description="PNG, JPEG or WebP, at most 1 MB. It is shown 28 pixels high, in light and in dark.",
    )
    brand_colour = ColorField("Colour", [DataRequired("Choose a colour.")], filters=[lambda text: (text or "").lower()])

    def validate_brand_colour(self, field: ColorField) -> None:
        try:
            brand(field.data or "")
        except ColourInvalid:
            raise ValidationError("Write it as # and six digits or letters a to f, like #3451d1.") from None

    def validate_logo(self, field: FileField) -> None:
        if not field.data:
            return
        try:
            field.digest, self.png = remade(field.data.read())  # pyright: ignore[reportAttributeAccessIssue]
        except LogoUnreadable as problem:
            raise ValidationError(str(problem)) from None

    def chosen(self) -> dict[str, Any]:
        logo = {"logo_digest": self.logo.digest} if self.png else {}  # pyright: ignore[reportAttributeAccessIssue]
        return super().chosen() | logo


class PlaceForm(CompanyForm):
    COLUMNS: ClassVar = {
        "default_country": lambda: settings.default_country,
        "default_time_zone": lambda: settings.default_time_zone,
    }

    default_country = SelectField(
        "Country", description="Numbers without a country code are read as numbers of this country."
    )
    default_time_zone = SelectField(
        "Time zone", description="Of new people, and of opening hours that name none. Others choose their own."
    )

    def offering(self) -> Self:
        self.default_country.choices = list(countries().items())
        self.default_time_zone.choices = zone_choices(house.default_time_zone)
        return self


class DialForm(CompanyForm):
    COLUMNS: ClassVar = {
        "dial_countries": lambda: sorted(settings.dial_countries or (house.default_country,)),
        "dial_calls_per_hour": lambda: settings.dial_calls_per_hour,
    }

    dial_countries = SelectMultipleField("Countries that may be called", filters=[lambda codes: sorted(codes or ())])
    dial_calls_per_hour = IntegerField(
        "Calls one person may place in an hour",
        [
            InputRequired("Enter a number."),
            NumberRange(1, MOST_AN_HOUR, f"Enter a number from 1 to {MOST_AN_HOUR}."),
        ],
        description="A stolen password then cannot place thousands of calls overnight.",
    )

    def offering(self) -> Self:
        allowed = house.countries_allowed  # they stand first, so that one sees them without looking for them
        self.dial_countries.choices = sorted(countries().items(), key=lambda one: (one[0] not in allowed, one[1]))
        return self

    def validate_dial_countries(self, field: SelectMultipleField) -> None:
        if not field.data:
            raise ValidationError("Choose at least one country, or nobody could call anyone.")


SECTIONS: dict[str, type[CompanyForm]] = {"look": LookForm, "place": PlaceForm, "dialling": DialForm}
