"""What admins may write about a line."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import SelectChoice, SelectField, StringField, TelField  # pyright: ignore - the stubs are older
from wtforms.validators import DataRequired, InputRequired, Length, StopValidation

from voipcrm.core.house import house
from voipcrm.core.texts import one_line
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import NumberInvalid

POLICIES = (("on", "Record every call"), ("off", "Record nothing"))


class LineForm(FlaskForm):
    label = StringField(
        "Label",
        filters=[one_line],
        validators=[DataRequired("Enter a label."), Length(max=80, message="Use at most 80 characters.")],
        description="What people see beside a call, for example Sales line.",
    )
    recording = SelectField(
        "Recording",
        choices=[SelectChoice(*one) for one in POLICIES],
        description="Frozen on each call when it begins; calls that run keep theirs.",
    )


class NewLineForm(LineForm):
    number = TelField("Number", filters=[one_line], validators=[InputRequired("Enter a phone number.")])

    def validate_number(self, field: TelField) -> None:
        try:
            self.e164 = numbers.parse(field.data or "", house.default_country)
        except NumberInvalid as refusal:
            raise StopValidation(refusal.sentence) from None
