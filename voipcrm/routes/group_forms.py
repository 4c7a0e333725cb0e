"""What admins may write about ring groups, and how it reaches the rows."""

from __future__ import annotations

import sqlalchemy as sa
from flask_wtf import FlaskForm
from wtforms import FieldList, SelectChoice, SelectField, StringField  # pyright: ignore - the stubs are older
from wtforms.validators import DataRequired, Length, StopValidation

from voipcrm.core.db import db
from voipcrm.core.texts import one_line
from voipcrm.routes.fields import change_rows, people_choices
from voipcrm.routes.models import GroupMember, RingGroup
from voipcrm.routes.words import STRATEGY_WORDS

MOST_MEMBERS = 50


class GroupForm(FlaskForm):
    name = StringField(
        "Name",
        filters=[one_line],
        validators=[DataRequired("Enter a name."), Length(max=80, message="Use at most 80 characters.")],
    )
    strategy = SelectField("How it rings", choices=[SelectChoice(*one) for one in STRATEGY_WORDS.items()])
    members = FieldList(SelectField(coerce=int, choices=[]), max_entries=MOST_MEMBERS)

    _group: RingGroup

    @classmethod
    def about(cls, group: RingGroup) -> GroupForm:
        form = cls()
        if not form.is_submitted():
            members = [one.user_id for one in group.members]
            form.process(data={"name": group.name, "strategy": group.strategy, "members": members})
        form._group = group
        form._choose_from()
        return form

    def _choose_from(self) -> None:
        if not self.members.entries:
            self.members.append_entry(0)
        people = [(0, "Choose a person"), *people_choices({one.user_id for one in self._group.members})]
        for row in self.members.entries:
            row.choices = people

    def change_members(self, *, add: str | None, change: str | None) -> str:
        """Without saving: a row more, or one moved or removed ("members-1:up", :down, :remove). Returns what was done,
        for the focus: "members-add", or the button as `change_rows` names it."""
        names, rows = [row.name for row in self.members.entries], [row.data for row in self.members.entries]
        if add:
            rows.append(0)
        moved = change_rows(rows, names, change)
        while self.members.entries:
            self.members.pop_entry()
        for row in rows[:MOST_MEMBERS]:
            self.members.append_entry(row)
        self._choose_from()
        return moved or "members-add"

    def validate_name(self, field: StringField) -> None:
        same = sa.select(RingGroup.id).where(RingGroup.name == field.data, RingGroup.id != (self._group.id or 0))
        if db.session.scalar(same) is not None:
            raise StopValidation("There is a ring group of this name.")

    def validate_members(self, field: FieldList) -> None:
        chosen: set[int] = set()
        for row in field.entries:
            if row.data in chosen:
                row.errors = ["This person is already in the list."]
            if row.data:
                chosen.add(row.data)
        if not chosen:
            field.entries[0].errors = ["Choose at least one person."]
        if any(row.errors for row in field.entries):
            raise StopValidation("Some rows are not valid.")

    def write_to(self, group: RingGroup) -> None:
        """Put what was validated into the group. Who stays keeps their row."""
        group.name, group.strategy = self.name.data or "", self.strategy.data or "all"
        known = {one.user_id: one for one in group.members}
        chosen = [row.data for row in self.members.entries if row.data]
        group.members = [known.get(user_id) or GroupMember(user_id=user_id) for user_id in chosen]
        for position, one in enumerate(group.members):
            one.position = position
