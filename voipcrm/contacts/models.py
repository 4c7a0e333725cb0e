"""Persons, the organizations they belong to, and their numbers."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.contacts.folding import folded, search_text
from voipcrm.core.db import Model, Record, db
from voipcrm.core.texts import initials

# Compared by code point in both databases: the same order, and a prefix is a range of the index.
Folded = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


class Organization(Record):
    __tablename__ = "organizations"
    __table_args__ = (sa.Index("ix_organizations_sort", "sort_name", "id"),)

    name: Mapped[str]
    sort_name: Mapped[str] = mapped_column(Folded)  # kept by this module: the folded name
    search_text: Mapped[str] = mapped_column(deferred=True)  # kept by this module: name and website
    website: Mapped[str] = mapped_column(default="")  # with its scheme, http or https
    note: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[datetime | None]

    @staticmethod
    def visible_to(user: User) -> sa.Select[Organization]:
        """The organizations this user may see: all of them with contacts.view, none without."""
        return sa.select(Organization).where(sa.true() if user.may(Can.VIEW_CONTACTS) else sa.false())

    @staticmethod
    def named(name: str) -> Organization | None:
        """The organization of this name, the oldest if there are several; capitals and accents do not matter.
        A name that is not there yet becomes a new row of the session; an empty one is None."""
        if not (sort_name := folded(name)):
            return None
        oldest = sa.select(Organization).where(Organization.sort_name == sort_name).order_by(Organization.id).limit(1)
        known = db.session.scalars(oldest).first()
        if known is None:
            known = Organization(name=name)
            db.session.add(known)
        return known

    def remove(self) -> None:
        """Delete it. Its people stay, without a company."""
        for person in db.session.scalars(sa.select(Person).where(Person.organization_id == self.id)).unique():
            person.organization = None
        db.session.delete(self)


class Person(Record):
    """Somebody outside whom we call or who calls us."""

    __tablename__ = "persons"
    __table_args__ = (  # the search index: contacts.searching
        sa.Index("ix_persons_sort", "sort_name", "id"),
        sa.Index("ix_persons_organization_sort", "organization_id", "sort_name", "id"),
        sa.Index("ix_persons_owner_sort", "owner_id", "sort_name", "id"),
    )

    name: Mapped[str]
    sort_name: Mapped[str] = mapped_column(Folded)  # kept by this module: the folded name
    search_text: Mapped[str] = mapped_column(deferred=True)  # kept by this module: see folding.search_text
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organizations.id"))
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    note: Mapped[str] = mapped_column(default="")
    updated_at: Mapped[datetime | None]

    organization: Mapped[Organization | None] = relationship(lazy="joined", load_on_pending=True)
    owner: Mapped[User | None] = relationship()
    numbers: Mapped[list[PhoneNumber]] = relationship(
        back_populates="person", cascade="all, delete-orphan", order_by="PhoneNumber.position"
    )
    emails: Mapped[list[EmailAddress]] = relationship(
        back_populates="person", cascade="all, delete-orphan", order_by="EmailAddress.position"
    )
    taggings: Mapped[list[Tagging]] = relationship(back_populates="person", cascade="all, delete-orphan")

    @property
    def tags(self) -> list[Tag]:
        """In the order of their names."""
        return sorted((one.tag for one in self.taggings), key=lambda tag: tag.sort_name)

    @property
    def initials(self) -> str:
        return initials(self.name)

    @property
    def company(self) -> str:
        return self.organization.name if self.organization else ""

    @staticmethod
    def visible_to(user: User) -> sa.Select[Person]:
        """The persons this user may see: all of them with contacts.view, none without."""
        return sa.select(Person).where(sa.true() if user.may(Can.VIEW_CONTACTS) else sa.false())

    def add_numbers(self, added: Iterable[tuple[str, str]]) -> None:
        """(E.164, label) of each; one that the person has keeps its label."""
        known = {one.number for one in self.numbers}
        for number, label in added:
            if number not in known:
                known.add(number)
                self.numbers.append(PhoneNumber(number=number, label=label, position=len(self.numbers)))

    def add_emails(self, added: Iterable[str]) -> None:
        """Addresses; those that the person has count once."""
        known = {one.address for one in self.emails}
        for address in added:
            if address not in known:
                known.add(address)
                self.emails.append(EmailAddress(address=address, position=len(self.emails)))

    def fold(self, gone: Container[Any] = ()) -> None:
        """Work out again by what this person is sorted and found; `gone` are rows about to be deleted."""
        self.sort_name = folded(self.name)
        for one in self.taggings:
            one.sort_name = self.sort_name
        self.search_text = search_text(
            name=self.name,
            company=self.company,
            emails=[one.address for one in self.emails if one not in gone],
            numbers=[one.number for one in self.numbers if one not in gone],
        )


class PhoneNumber(Record):
    __tablename__ = "phone_numbers"
    __table_args__ = (sa.UniqueConstraint("person_id", "number"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(index=True)  # E.164; several persons may share one
    label: Mapped[str] = mapped_column(default="")  # work, mobile, home…
    position: Mapped[int] = mapped_column(default=0)

    person: Mapped[Person] = relationship(back_populates="numbers")

    @property
    def label_text(self) -> str:
        """The label at the beginning of a line: Work, iPhone."""
        return self.label[:1].upper() + self.label[1:]


class EmailAddress(Record):
    __tablename__ = "email_addresses"
    __table_args__ = (sa.UniqueConstraint("person_id", "address"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(index=True)  # lower case
    position: Mapped[int] = mapped_column(default=0)

    person: Mapped[Person] = relationship(back_populates="emails")


class Tag(Record):
    """A word that people put on contacts to find them together."""

    __tablename__ = "tags"

    name: Mapped[str]
    sort_name: Mapped[str] = mapped_column(Folded, unique=True)  # kept by this module: the folded name

    @staticmethod
    def named(name: str) -> Tag | None:
        """The tag of this name, capitals and accents aside; a new row of the session if there is none, None if the
        name is empty."""
        if not (sort_name := folded(name)):
            return None
        known = db.session.scalars(sa.select(Tag).where(Tag.sort_name == sort_name)).one_or_none()
        if known is None:
            known = Tag(name=name, sort_name=sort_name)
            db.session.add(known)
        return known


class Tagging(Model):
    """A tag on a person, with the person's sort_name: those with a tag then come out of one index in their order."""

    __tablename__ = "taggings"
    __table_args__ = (sa.Index("ix_taggings_sort", "tag_id", "sort_name", "person_id"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(sa.ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True)
    sort_name: Mapped[str] = mapped_column(Folded)

    person: Mapped[Person] = relationship(back_populates="taggings")
    tag: Mapped[Tag] = relationship(lazy="joined", innerjoin=True)


def sharing(numbers: list[str], person: Person | None) -> list[PhoneNumber]:
    """The same E.164 numbers where others than `person` have them, each with its person; at most 20."""
    query = sa.select(PhoneNumber).where(PhoneNumber.number.in_(numbers)).options(joinedload(PhoneNumber.person))
    if person is not None:
        query = query.where(PhoneNumber.person_id != person.id)
    return list(db.session.scalars(query.order_by(PhoneNumber.id).limit(20))) if numbers else []


@event.listens_for(Session, "before_flush")
def _fold(session: Session, _context: Any, _instances: Any) -> None:
    """Whatever way a name, number or e-mail changes through the session, people are found by the new one.
    Bulk inserts pass by here: they must give sort_name and search_text themselves, or the database refuses them."""
    persons: set[Person] = set()
    for row in [*session.new, *session.dirty, *session.deleted]:
        if isinstance(row, Person):
            persons.add(row)
        elif isinstance(row, PhoneNumber | EmailAddress):
            person = row.person or session.get_one(Person, row.person_id)
            if row in session.new:
                row.person = person  # made with the id alone, it is not yet among the person's
            persons.add(person)
        elif isinstance(row, Tagging):
            if row.person is not None:  # taken off, it has none
                row.sort_name = folded(row.person.name)
        elif isinstance(row, Organization):
            row.sort_name = folded(row.name)
            row.search_text = search_text(name=row.name, emails=[row.website] if row.website else [])
            if row.id and sa.inspect(row).attrs.name.history.has_changes():
                persons.update(session.scalars(sa.select(Person).where(Person.organization_id == row.id)).unique())
    gone = session.deleted
    for person in persons:
        if person not in gone:
            person.fold(gone)
