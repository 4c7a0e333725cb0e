"""What people may write about a person, and how it reaches the rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, StopValidation

from voipcrm.accounts.models import User
from voipcrm.contacts import conflicts
from voipcrm.contacts.folding import folded
from voipcrm.contacts.models import EmailAddress, Organization, Person, PhoneNumber
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.core.texts import one_line
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import NumberInvalid

LABELS = ("work", "mobile", "home", "main", "other")
MOST_ROWS = 20
_WEBSITE = re.compile(
    r"(?:https?://)?[^\s/:@<>\"'\\]+\.[^\s/:@<>\"'\\]+(?::\d{1,5})?(?:[/?#][^\s<>\"'\\]*)?", re.IGNORECASE
)


def many_lines(text: str | None) -> str:
    """The text with plain line breaks and tabs, and no other control characters (PostgreSQL takes no NUL)."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) != "Cc").strip()


class NumberRow(Form):
    number = TelField(filters=[one_line])
    label = SelectField(choices=[], validate_choice=False, filters=[one_line], validators=[Length(max=40)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = ("", *LABELS)
        kept = self.label.data  # imported labels may be any word; choosing another is no reason to lose it
        self.label.choices = [
            (one, one[:1].upper() + one[1:] or "No label") for one in known + ((kept,) if kept not in known else ())
        ]


class EmailRow(Form):
    address = StringField(filters=[one_line])


class PersonForm(FlaskForm):
    """Rows of numbers and e-mails may be left empty: empty ones are not kept."""

    name = StringField(
        "Name",
        filters=[one_line],
        validators=[InputRequired("Enter a name."), Length(max=200, message="Use at most 200 characters.")],
    )
    company = StringField(
        "Company", filters=[one_line], validators=[Length(max=200, message="Use at most 200 characters.")]
    )
    numbers = FieldList(FormField(NumberRow), max_entries=MOST_ROWS)
    emails = FieldList(FormField(EmailRow), max_entries=MOST_ROWS)
    owner_id = SelectField("Owner", coerce=int)
    opened_with = HiddenField()  # contacts.conflicts
    note = TextAreaField(
        "Note", filters=[many_lines], validators=[Length(max=10_000, message="Use at most 10,000 characters.")]
    )

    @classmethod
    def about(cls, person: Person) -> PersonForm:
        """The form, filled with what was sent, else with what is known."""
        form = cls()
        if not form.is_submitted():  # the rows sent need not be those that are known, in number or order
            form.process(
                data={
                    "name": person.name,
                    "company": person.company,
                    "numbers": [
                        {"number": numbers.display(one.number, house.default_country), "label": one.label}
                        for one in person.numbers
                    ],
                    "emails": [{"address": one.address} for one in person.emails],
                    "owner_id": person.owner_id or 0,
                    "note": person.note,
                    "opened_with": conflicts.opened_with(person),
                }
            )
        form.owner_id.choices = _owners(person.owner_id)
        for rows in (form.numbers, form.emails):
            if not rows.entries:
                rows.append_entry()
        return form

    def change_rows(self, *, add: str | None, remove: str | None) -> None:
        """Without saving: one row more in the list named `add`, or without the row named `remove` ("numbers-2")."""
        for rows in (self.numbers, self.emails):
            kept = [row.data for row in rows.entries if row.name != remove]
            if (add == rows.name and len(kept) < MOST_ROWS) or not kept:
                kept.append({})
            while rows.entries:
                rows.pop_entry()
            for row in kept:
                rows.append_entry(row)

    def validate_name(self, field: StringField) -> None:
        if not folded(field.data or ""):
            raise StopValidation("Enter a name.")

    def validate_numbers(self, rows: FieldList) -> None:
        """Each number as people of the default country type it; none twice."""
        self._numbers: dict[str, str] = {}  # E.164: label
        for row in rows.entries:
            if not (typed := row.form.number.data):
                continue
            try:
                number = numbers.parse(typed, house.default_country)
            except NumberInvalid as refusal:
                row.form.number.errors = [str(refusal)]
                continue
            if number in self._numbers:
                row.form.number.errors = ["This number is already in the list."]
            self._numbers[number] = row.form.label.data or ""
        _refuse_if_any(rows)

    def validate_emails(self, rows: FieldList) -> None:
        """Only the form of an address is judged, not whether its mailbox is there; none twice."""
        self._emails: list[str] = []
        for row in rows.entries:
            if not (typed := row.form.address.data):
                continue
            try:
                address = validate_email(typed, check_deliverability=False).normalized.lower()
            except EmailNotValidError:
                row.form.address.errors = ["This is not an e-mail address. It reads like name@example.com."]
                continue
            if address in self._emails:
                row.form.address.errors = ["This e-mail is already in the list."]
            self._emails.append(address)
        _refuse_if_any(rows)

    def values(self) -> dict[str, Any]:
        """What was validated, as conflicts.values_of gives it of a person."""
        return {
            "name": self.name.data or "",
            "company": self.company.data or "",
            "owner_id": self.owner_id.data or 0,
            "note": self.note.data or "",
            "numbers": [[number, label] for number, label in self._numbers.items()],
            "emails": self._emails,
        }

    @staticmethod
    def write(values: Mapping[str, Any], person: Person) -> None:
        """Put values into the person. A number or e-mail that stays keeps its row."""
        person.name = values["name"]
        person.organization = Organization.named(values["company"])
        person.owner_id = values["owner_id"] or None
        person.note = values["note"]
        person.updated_at = clock.now()

        known_numbers = {one.number: one for one in person.numbers}
        labels: dict[str, str] = dict(values["numbers"])
        person.numbers = [known_numbers.get(number) or PhoneNumber(number=number) for number in labels]
        for position, one in enumerate(person.numbers):
            one.label, one.position = labels[one.number], position

        known_emails = {one.address: one for one in person.emails}
        person.emails = [known_emails.get(address) or EmailAddress(address=address) for address in values["emails"]]
        for position, one in enumerate(person.emails):
            one.position = position


class OrganizationForm(FlaskForm):
    name = StringField(
        "Name",
        filters=[one_line],
        validators=[InputRequired("Enter a name."), Length(max=200, message="Use at most 200 characters.")],
    )
    website = StringField(
        "Website", filters=[one_line], validators=[Length(max=500, message="Use at most 500 characters.")]
    )
    opened_with = HiddenField()  # contacts.conflicts
    note = TextAreaField(
        "Note", filters=[many_lines], validators=[Length(max=10_000, message="Use at most 10,000 characters.")]
    )

    def __init__(self, organization: Organization) -> None:
        super().__init__(obj=organization, data={"opened_with": conflicts.opened_with(organization)})
        self._organization = organization

    def validate_name(self, field: StringField) -> None:
        """One row for each name: people are put into a company by typing it."""
        sort_name = folded(field.data or "")
        if not sort_name:
            raise StopValidation("Enter a name.")
        others = sa.select(Organization.id).where(Organization.sort_name == sort_name)
        if sort_name != self._organization.sort_name and db.session.scalars(others.limit(1)).first() is not None:
            raise StopValidation("There is an organization of this name already.")

    def validate_website(self, field: StringField) -> None:
        if field.data and not _WEBSITE.fullmatch(field.data):
            raise StopValidation("This is not a web address. It reads like www.example.com.")

    def values(self) -> dict[str, Any]:
        """What was validated, as conflicts.values_of gives it of an organization."""
        website = self.website.data or ""
        return {
            "name": self.name.data or "",
            "website": website if not website or "://" in website else f"https://{website}",
            "note": self.note.data or "",
        }

    @staticmethod
    def write(values: Mapping[str, Any], organization: Organization) -> None:
        for name, value in values.items():
            setattr(organization, name, value)
        organization.updated_at = clock.now()


class NoteForm(FlaskForm):
    text = TextAreaField(
        "Note",
        filters=[many_lines],
        validators=[
            InputRequired("Write something."),
            Length(max=10_000, message="Use at most 10,000 characters."),
        ],
    )

    def validate_text(self, field: TextAreaField) -> None:
        if not field.data:
            raise StopValidation("Write something.")


class TaskForm(FlaskForm):
    title = StringField(
        "What is to be done",
        filters=[one_line],
        validators=[InputRequired("Say what is to be done."), Length(max=200, message="Use at most 200 characters.")],
    )
    due_on = DateField("Due", validators=[InputRequired("Choose a day.")])
    owner_id = SelectField("Who", coerce=int)

    def __init__(self, *, obj: Any = None, **begun: Any) -> None:
        super().__init__(obj=obj, **begun)
        self.owner_id.choices = _owners(obj.owner_id if obj else None)[1:]

    def validate_title(self, field: StringField) -> None:
        if not field.data:
            raise StopValidation("Say what is to be done.")

    def validate_due_on(self, field: DateField) -> None:
        if field.data and not date(1990, 1, 1) <= field.data <= date(2200, 1, 1):
            raise StopValidation("Choose a day between 1990 and 2200.")


def _refuse_if_any(rows: FieldList) -> None:
    if any(row.errors for row in rows.entries):
        raise StopValidation("Some rows are not valid.")


def _owners(present: int | None) -> list[tuple[int, str]]:
    """Everybody active, and whoever owns the person now, so that saving takes nobody's contacts away."""
    query = sa.select(User.id, User.name).where(sa.or_(User.deactivated_at.is_(None), User.id == present))
    people = db.session.execute(query.order_by(sa.func.lower(User.name), User.id))
    return [(0, "Nobody"), *((user_id, name) for user_id, name in people)]
