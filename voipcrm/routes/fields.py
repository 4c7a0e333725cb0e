"""Parts of the forms of routes and ring groups."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from wtforms import SelectMultipleField, TextAreaField
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from voipcrm.accounts.models import User
from voipcrm.core.db import db
from voipcrm.core.texts import one_line


def beginning(text: str | None) -> str:
    """ "+49 30" as the digits of E.164 begin."""
    return re.sub(r"[\s().\-/]", "", one_line(text))


def spoken(label: str, help_: str) -> TextAreaField:
    checks = [Optional(), Length(max=1000, message="Use at most 1,000 characters.")]
    return TextAreaField(label, description=help_, filters=[one_line], validators=checks)


def change_rows(rows: list[Any], names: list[str], change: str | None) -> str:
    """Move or remove one of the rows of a form in place, as its button says: "steps-1:up", :down, :remove. `names` are
    those of all. The button again, as the row is named now, or when it is removed the one that took its place; empty
    when there is no such row."""
    name, _, what = (change or "").partition(":")
    if name not in names:
        return ""
    row = rows.pop(at := names.index(name))
    if what != "remove":
        at = max(0, at - 1) if what == "up" else min(len(rows), at + 1)
        rows.insert(at, row)
    return f"{names[min(at, max(0, len(rows) - 1))]}:{what}"


class PeopleField(SelectMultipleField):
    """People as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, coerce=int, choices=[], **kwargs)


def people_choices(present: set[int]) -> list[tuple[int, str]]:
    """Everybody active, and whoever is chosen now, so that opening a form changes nothing."""
    query = sa.select(User.id, User.name, User.deactivated_at).where(
        sa.or_(User.deactivated_at.is_(None), User.id.in_(present))
    )
    people = db.session.execute(query.order_by(sa.func.lower(User.name), User.id))
    return [(user_id, name if gone is None else f"{name} (deactivated)") for user_id, name, gone in people]
