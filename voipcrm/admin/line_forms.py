"""What admins may write about a line."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import SelectChoice, SelectField, StringField, TelField  # pyright: ignore - the stubs are older
from wtforms.validators import DataRequired, InputRequired, Length, Optional, StopValidation

from voipcrm.core.house import house
from voipcrm.core.texts import one_line
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import NumberInvalid
from voipcrm.trunks.models import Line
from voipcrm.trunks.recording_policies import NOTICE, QUESTION

POLICIES = {
    "off": "Record nothing",
    "on": "Record every call",
    "announce": "Record, and say so first",
    "consent": "Record only those who press 1",
}
LONGEST_SENTENCE = 500  # characters; about half a minute of speech


def _policy(label: str, help_: str) -> SelectField:
    choices = [SelectChoice(*one) for one in POLICIES.items()]
    return SelectField(label, choices=choices, default="on", description=help_)


def _sentence(label: str, ours: str) -> StringField:
    checks = [Optional(), Length(max=LONGEST_SENTENCE, message=f"Use at most {LONGEST_SENTENCE} characters.")]
    return StringField(label, filters=[one_line], validators=checks, description=f"Left empty: “{ours}”")


class LineForm(FlaskForm):
    label = StringField(
        "Label",
        filters=[one_line],
        validators=[DataRequired("Enter a label."), Length(max=80, message="Use at most 80 characters.")],
        description="What people see beside a call, for example Sales line.",
    )
    recording_in = _policy("Recording of incoming calls", "What is said first, callers hear before anybody is rung.")
    recording_out = _policy("Recording of outgoing calls", "What is said first, they hear when they answer.")
    recording_notice = _sentence("What is said first where you record and say so", NOTICE)
    recording_question = _sentence("What is asked where pressing 1 starts the recording", QUESTION)

    def write_to(self, line: Line) -> None:
        """Put what was validated into the line. Calls that run keep the policy they began with."""
        line.label = self.label.data or ""
        line.recording_in, line.recording_out = self.recording_in.data, self.recording_out.data
        line.recording_notice = self.recording_notice.data or ""
        line.recording_question = self.recording_question.data or ""


class NewLineForm(LineForm):
    number = TelField("Number", filters=[one_line], validators=[InputRequired("Enter a phone number.")])

    def validate_number(self, field: TelField) -> None:
        try:
            self.e164 = numbers.parse(field.data or "", house.default_country)
        except NumberInvalid as refusal:
            raise StopValidation(refusal.sentence) from None
