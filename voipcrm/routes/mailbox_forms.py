"""What admins may write about mailboxes, and how it reaches the rows."""

from __future__ import annotations

import sqlalchemy as sa
from flask_wtf import FlaskForm
from wtforms import BooleanField, FileField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Optional, StopValidation

from voipcrm.core.db import db
from voipcrm.core.texts import one_line
from voipcrm.routes import greetings
from voipcrm.routes.fields import people_choices, spoken
from voipcrm.routes.mailboxes import GREETING, Mailbox
from voipcrm.routes.models import RingGroup


class MailboxForm(FlaskForm):
    name = StringField(
        "Name",
        filters=[one_line],
        validators=[DataRequired("Enter a name."), Length(max=80, message="Use at most 80 characters.")],
    )
    owner = SelectField("Whose inbox", choices=[], description="Of a ring group: everybody in it sees the messages.")
    greeting = spoken("What callers hear before the tone", f"Left empty: “{GREETING}”")
    sound = FileField(
        "Or a recording",
        validators=[Optional()],
        description="A WAV file of at most 2 minutes and 5 MB. It is played in place of the words above.",
    )
    no_sound = BooleanField("Remove the recording and speak the words above")

    _mailbox: Mailbox
    _content: bytes = b""

    @classmethod
    def about(cls, mailbox: Mailbox) -> MailboxForm:
        """The form, filled with what was sent, else with what is known."""
        form = cls()
        if not form.is_submitted():
            owner = f"group:{mailbox.group_id}" if mailbox.group_id else f"user:{mailbox.user_id}"
            form.process(data={"name": mailbox.name, "owner": owner, "greeting": mailbox.greeting})
        form._mailbox = mailbox
        people = people_choices({mailbox.user_id} if mailbox.user_id else set())
        groups = db.session.execute(sa.select(RingGroup.id, RingGroup.name).order_by(sa.func.lower(RingGroup.name)))
        form.owner.choices = [
            *((f"user:{user_id}", name) for user_id, name in people),
            *((f"group:{group_id}", f"Ring group {name}") for group_id, name in groups),
        ]
        return form

    def validate_name(self, field: StringField) -> None:
        same = sa.select(Mailbox.id).where(Mailbox.name == field.data, Mailbox.id != (self._mailbox.id or 0))
        if db.session.scalar(same) is not None:
            raise StopValidation("There is a mailbox of this name.")

    def validate_sound(self, field: FileField) -> None:
        if not field.data:
            return
        self._content = field.data.read(greetings.MOST_BYTES + 1)
        try:
            greetings.check(self._content)
        except greetings.GreetingRefused as refusal:
            raise StopValidation(str(refusal)) from None

    def write_to(self, mailbox: Mailbox) -> None:
        """Put what was validated into the mailbox. A recording that is replaced stays in the storage until the caller
        has committed (`greetings.forget`): calls may be hearing it."""
        kind, _, row_id = (self.owner.data or "").partition(":")
        mailbox.name, mailbox.greeting = self.name.data or "", self.greeting.data or ""
        mailbox.user_id = int(row_id) if kind == "user" else None
        mailbox.group_id = int(row_id) if kind == "group" else None
        if self._content:
            mailbox.greeting_file = greetings.keep(self._content)
        elif self.no_sound.data:
            mailbox.greeting_file = None
