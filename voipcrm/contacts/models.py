"""Persons, the organizations they belong to, and their numbers."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voipcrm.core.db import Record, db


class Organization(Record):
    __tablename__ = "organizations"

    name: Mapped[str] = mapped_column(index=True)


class Person(Record):
    """Somebody outside whom we call or who calls us."""

    __tablename__ = "persons"
    __table_args__ = (sa.Index("ix_persons_name_id", "name", "id"),)

    name: Mapped[str]
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organizations.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    note: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[datetime | None]

    organization: Mapped[Organization | None] = relationship(lazy="joined")
    numbers: Mapped[list[PhoneNumber]] = relationship(
        back_populates="person", cascade="all, delete-orphan", order_by="PhoneNumber.position"
    )
    emails: Mapped[list[EmailAddress]] = relationship(
        back_populates="person", cascade="all, delete-orphan", order_by="EmailAddress.position"
    )

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"

    @property
    def company(self) -> str:
        return self.organization.name if self.organization else ""


class PhoneNumber(Record):
    __tablename__ = "phone_numbers"
    __table_args__ = (sa.UniqueConstraint("person_id", "number"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(index=True)  # E.164; several persons may share one
    label: Mapped[str] = mapped_column(default="")  # work, mobile, home…
    position: Mapped[int] = mapped_column(default=0)

    person: Mapped[Person] = relationship(back_populates="numbers")


class EmailAddress(Record):
    __tablename__ = "email_addresses"
    __table_args__ = (sa.UniqueConstraint("person_id", "address"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(index=True)  # lower case
    position: Mapped[int] = mapped_column(default=0)

    person: Mapped[Person] = relationship(back_populates="emails")


def matching(number: str | None) -> tuple[Person | None, str]:
    """The person whom a call with this E.164 number is linked to, and why, in words.

    Several persons may share a number: then the one changed last is taken, and the reason says so."""
    if not number:
        return None, ""
    query = (
        sa.select(Person)
        .join(PhoneNumber, PhoneNumber.person_id == Person.id)
        .where(PhoneNumber.number == number)
        .order_by(sa.func.coalesce(Person.updated_at, Person.created_at).desc(), Person.id.desc())
        .limit(4)
    )
    found = list(db.session.scalars(query).unique())
    if not found:
        return None, ""
    if len(found) == 1:
        return found[0], "The number is this person's."
    others = "others" if len(found) > 2 else "another person"
    return found[0], f"The number is shared with {others}; this person was changed last."
