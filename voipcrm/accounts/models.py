"""People, their roles and teams, and their presence at the phone."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_login import UserMixin
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts.permissions import ROLES, expand
from voipcrm.core import clock
from voipcrm.core.db import Model, Record, db

_hasher = PasswordHasher()
_NO_ONE = _hasher.hash(secrets.token_hex(16))  # a refused stranger costs the same time as a refused person
PRESENCE_EXPIRES = timedelta(seconds=90)  # three missed heartbeats: the laptop sleeps or the browser is gone


class Team(Record):
    """People who work together; a supervisor's team-wide rights reach this far."""

    __tablename__ = "teams"

    name: Mapped[str] = mapped_column(unique=True)


class Role(Record):
    """A named set of permissions."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(unique=True)
    permissions: Mapped[list[str]] = mapped_column(sa.JSON, default=list)

    @staticmethod
    def ensure_built_in() -> None:
        """Create the built-in roles that are missing; never changes one that exists."""
        known = set(db.session.scalars(sa.select(Role.name)))
        for name, permissions in ROLES.items():
            if name not in known:
                db.session.add(Role(name=name, permissions=sorted(permissions)))


user_roles = sa.Table(
    "user_roles",
    db.metadata,
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("role_id", sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)


class User(UserMixin, Record):
    """A person who signs in. Never deleted, since calls refer to them: deactivated."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(unique=True)  # lower case
    name: Mapped[str]
    password_hash: Mapped[str]
    time_zone: Mapped[str] = mapped_column(default="UTC")  # IANA name
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("teams.id"), index=True)
    session_key: Mapped[str] = mapped_column(default=lambda: secrets.token_hex(8))  # changing it ends every session
    deactivated_at: Mapped[datetime | None]

    team: Mapped[Team | None] = relationship()
    roles: Mapped[list[Role]] = relationship(secondary=user_roles)

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.deactivated_at is None

    def get_id(self) -> str:
        return f"{self.id}.{self.session_key}"

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"

    @cached_property
    def permissions(self) -> frozenset[str]:
        """All that this person's roles allow, with what they imply; nothing once deactivated."""
        if not self.is_active:
            return frozenset()
        return expand(permission for role in self.roles for permission in role.permissions)

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def set_password(self, password: str) -> None:
        """Keep a hash of it and end every session of this person."""
        self.password_hash = _hasher.hash(password)
        self.session_key = secrets.token_hex(8)

    @staticmethod
    def signing_in(email: str, password: str) -> User | None:
        """The active person with this e-mail and password; the same time whether or not the e-mail is known."""
        user = db.session.scalars(sa.select(User).where(User.email == email.strip().lower())).one_or_none()
        try:
            _hasher.verify(user.password_hash if user else _NO_ONE, password)
        except (VerificationError, InvalidHashError):
            return None
        return user if user and user.is_active else None

    @staticmethod
    def of_session(session_id: str) -> User | None:
        """The active person of a session cookie; None once the session was ended."""
        user_id, _, session_key = session_id.partition(".")
        if not user_id.isdigit():
            return None
        query = sa.select(User).options(joinedload(User.roles)).where(User.id == int(user_id))
        user = db.session.scalars(query).unique().one_or_none()
        good = user is not None and user.is_active and secrets.compare_digest(user.session_key, session_key)
        return user if good else None


class Presence(Model):
    """Where a person's phone stands: one row a person, kept fresh by the browser's heartbeat."""

    __tablename__ = "presence"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str]  # available, busy, away, offline
    seen_at: Mapped[datetime]
    phone: Mapped[str] = mapped_column(default="")  # which document of the browser told it; a word of its own choice

    STATES = ("available", "busy", "away", "offline")
    REACHABLE = ("available", "busy")

    @staticmethod
    def report(user_id: int, state: str, *, phone: str = "") -> None:
        """Note the state of a person's phone now. Raises ValueError for an unknown state.

        A page that closes says `offline` while the one that takes its place says `available`, and either may arrive
        first: so a phone can be switched off only by whoever told of it last. Without `phone` the word counts."""
        if state not in Presence.STATES:
            raise ValueError(state)
        row = db.session.get(Presence, user_id)
        if row is None:
            db.session.add(Presence(user_id=user_id, state=state, seen_at=clock.now(), phone=phone))
        elif not (state == "offline" and phone and row.phone and row.phone != phone):
            row.state, row.seen_at, row.phone = state, clock.now(), phone

    @staticmethod
    def reachable() -> sa.ColumnElement[bool]:
        """Condition: the phone is on and was heard of lately."""
        return sa.and_(Presence.state.in_(Presence.REACHABLE), Presence.seen_at > clock.now() - PRESENCE_EXPIRES)
