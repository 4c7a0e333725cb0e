"""What people write about recordings: why one goes, or why one must stay."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectChoice, TextAreaField  # pyright: ignore - the stubs are older
from wtforms.validators import DataRequired, Length

from voipcrm.core.texts import one_line

_SHORT = Length(max=500, message="Use at most 500 characters.")


class DeleteForm(FlaskForm):
    reason = TextAreaField(
        "Reason",
        filters=[one_line],
        validators=[DataRequired("Say why it is deleted."), _SHORT],
        description="It stays on record with your name.",
    )


class HoldForm(FlaskForm):
    covers = RadioField(
        "What is held",
        choices=[
            SelectChoice("recording", "This recording"),
            SelectChoice("call", "Every recording of its call, also later ones"),
        ],
        default="recording",
    )
    reason = TextAreaField(
        "Reason",
        filters=[one_line],
        validators=[DataRequired("Say why it must be kept."), _SHORT],
        description="For example the number of the case.",
    )
