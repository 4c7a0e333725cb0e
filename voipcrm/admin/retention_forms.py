"""For how long recordings are kept, as admins write it."""

from __future__ import annotations

from typing import ClassVar, Self

from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectChoice  # pyright: ignore - the stubs are older
from wtforms.validators import NumberRange, StopValidation

from voipcrm.trunks.models import KEEP_FOR_EVER

MOST_DAYS = 36_500
_HOUSE = [SelectChoice("ever", "For ever"), SelectChoice("days", "For a number of days")]


def _only_where_asked_for(form: HouseRetentionForm, field: IntegerField) -> None:
    """What stands there counts only with "For a number of days"."""
    if form.keep.data != "days":
        field.errors = []
        raise StopValidation
    if field.data is None:
        field.errors = []
        raise StopValidation("Enter a number of days.")


class HouseRetentionForm(FlaskForm):
    UNDECIDED: ClassVar = "ever"  # the choice that stands for nothing decided

    keep = RadioField("Recordings are kept", choices=_HOUSE)
    days = IntegerField(
        "Days",
        [_only_where_asked_for, NumberRange(1, MOST_DAYS, f"Enter a number from 1 to {MOST_DAYS:,}.")],
        description="Counted from the beginning of the call. 365 is a year.",
    )

    @classmethod
    def showing(cls, days: int | None) -> Self:
        """Filled with what is kept in the database."""
        keep = {None: cls.UNDECIDED, KEEP_FOR_EVER: "ever"}.get(days, "days")
        return cls(formdata=None, data={"keep": keep, "days": days or None})

    @property
    def chosen(self) -> int | None:
        """As the database keeps it: days, KEEP_FOR_EVER, or None for what is not decided."""
        return {"house": None, "ever": KEEP_FOR_EVER}.get(self.keep.data, self.days.data)


class LineRetentionForm(HouseRetentionForm):
    UNDECIDED: ClassVar = "house"

    keep = RadioField(
        "Recordings of this line are kept",
        choices=[SelectChoice("house", "As all lines"), *_HOUSE],
    )
