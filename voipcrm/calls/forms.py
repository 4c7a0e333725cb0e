"""Forms about calls."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional, StopValidation

from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.wrapping_up import WrapUp
from voipcrm.contacts.forms import many_lines
from voipcrm.core.texts import one_line


class DispositionForm(FlaskForm):
    """Of a call that has the disposition `present` now; 0 is none."""

    disposition_id = SelectField("Disposition", coerce=int, default=0)

    def __init__(self, present: int | None, **given: Any) -> None:
        super().__init__(**{"data": {"disposition_id": present or 0}, **given})
        self.disposition_id.choices = [(0, "None"), *Disposition.choices(present)]

    @classmethod
    def known(cls, present: int | None) -> DispositionForm:
        """Filled with what the call has, whatever was sent."""
        return cls(present, formdata=None)


class WrapUpForm(DispositionForm):
    """What an agent says of a call; all of it may stay empty."""

    note = TextAreaField(
        "Note",
        filters=[many_lines],
        validators=[Optional(), Length(max=10_000, message="Use at most 10,000 characters.")],
    )
    follow_up = StringField(
        "Follow up",
        filters=[one_line],
        validators=[Length(max=200, message="Use at most 200 characters.")],
    )
    due_on = DateField("On", validators=[Optional()])

    def __init__(self, present: int | None, **given: Any) -> None:
        super().__init__(present, **given)
        for one in (self.note, self.follow_up, self.due_on):
            # It stands beside the forms of any page, so its ids are its own; and as all of it may stay empty, nothing
            # says so beside each.
            one.id = one.label.field_id = f"wrap-up-{one.name}"
            one.flags.optional = False

    @classmethod
    def of(cls, wrap_up: WrapUp) -> WrapUpForm:
        """Filled with what the row says, whatever was sent."""
        known = {name: getattr(wrap_up, name) for name in ("note", "follow_up", "due_on")}
        known["disposition_id"] = wrap_up.disposition_id or 0
        return cls(wrap_up.disposition_id, formdata=None, data=known)

    def validate(self, *args: Any, **more: Any) -> bool:
        """Optional() ends the questions about an empty day, so what depends on another field is asked here."""
        is_good = super().validate(*args, **more)
        if self.follow_up.data and not self.due_on.data and not self.due_on.errors:
            self.due_on.errors = ["Choose the day of the follow-up."]
            return False
        return is_good

    def validate_due_on(self, field: DateField) -> None:
        if field.data and not date(1990, 1, 1) <= field.data <= date(2200, 1, 1):
            raise StopValidation("Choose a day between 1990 and 2200.")

    def write_to(self, wrap_up: WrapUp, *, draft: bool = False) -> None:
        """Put it into the row; of a draft only what makes sense already."""
        broken = self.errors if draft else {}
        if "disposition_id" not in broken:
            wrap_up.disposition_id = self.disposition_id.data or None
        if "note" not in broken:
            wrap_up.note = self.note.data or ""
        if "follow_up" not in broken:
            wrap_up.follow_up = self.follow_up.data or ""
        if "due_on" not in broken:
            wrap_up.due_on = self.due_on.data
