"""People, their roles and teams, their sessions, and their presence at the phone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import cast

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_login import UserMixin
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from voipcrm.accounts.permissions import ROLES, expand
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import Model, Record, db, touched
from voipcrm.core.texts import initials

_hasher = PasswordHasher()
_NO_ONE = _hasher.hash(secrets.token_hex(16))  # a refused stranger costs the same time as a refused person
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1000  # characters
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

    @property
    def is_built_in(self) -> bool:
        """Every release makes those that are missing, so they can be changed but not renamed or deleted."""
        return self.name in ROLES

    @staticmethod
    def ensure_built_in() -> None:
        """Create the built-in roles that are missing; never changes one that exists."""
        known = set(db.session.scalars(sa.select(Role.name)))
        for name, permissions in ROLES.items():
            if name not in known:
                db.session.add(Role(name=name, permissions=sorted(permissions)))


@dataclass(frozen=True)
class AtSession:
    """The session by which somebody asks. Readable after a commit, when rows would be loaded again."""

    id: int
    key: str
    seen_at: datetime


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
    password_hash: Mapped[str] = mapped_column(default="")  # empty: invited, and has not chosen a password yet
    time_zone: Mapped[str] = mapped_column(default="UTC")  # IANA name
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("teams.id"), index=True)
    deactivated_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]  # to within signing_in.SEEN_EVERY
    totp_secret: Mapped[str | None]  # sealed (core/sealing.py); chosen, but not asked for before totp_on_at
    totp_on_at: Mapped[datetime | None]
    totp_step: Mapped[int] = mapped_column(default=0, server_default="0")  # of the last code taken; none counts twice

    team: Mapped[Team | None] = relationship()
    roles: Mapped[list[Role]] = relationship(secondary=user_roles)

    at_session = cast("AtSession | None", None)  # of who asks; no column

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.deactivated_at is None

    def get_id(self) -> str:
        """What the session cookie holds. Only of somebody who signed in (UserSession.begin, of_session)."""
        if self.at_session is None:
            raise LookupError("no session")
        return f"{self.at_session.id}.{self.at_session.key}"

    @property
    def state(self) -> str:
        """active, invited or deactivated"""
        if not self.is_active:
            return "deactivated"
        return "active" if self.password_hash else "invited"

    @property
    def has_two_step(self) -> bool:
        return self.totp_on_at is not None

    @property
    def initials(self) -> str:
        return initials(self.name)

    @cached_property
    def permissions(self) -> frozenset[str]:
        """All that this person's roles allow, with what they imply; nothing once deactivated."""
        if not self.is_active:
            return frozenset()
        return expand(permission for role in self.roles for permission in role.permissions)

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def set_password(self, password: str, *, but: int | None = None) -> None:
        """Keep a hash of it and end every session of this person, but the one of that id."""
        self.password_hash = _hasher.hash(password)
        if self.id is not None:
            self.end_sessions(but=but)

    def end_sessions(self, *, but: int | None = None) -> int:
        """Sign this person out everywhere, or everywhere but in the session of that id. How many there were."""
        ended = sa.delete(UserSession).where(UserSession.user_id == self.id, UserSession.id != (but or 0))
        return touched(ended)

    def end_session(self, session_id: int) -> bool:
        """Sign this person out of the browser of that session; False if it is not theirs or already over."""
        ended = sa.delete(UserSession).where(UserSession.user_id == self.id, UserSession.id == session_id)
        return touched(ended) == 1

    @staticmethod
    def choices() -> list[tuple[int, str]]:
        """(id, name) of everybody in order, to choose from; also who was deactivated, since their deeds remain."""
        everybody = sa.select(User.id, User.name).order_by(sa.func.lower(User.name), User.id)
        return [(user_id, name) for user_id, name in db.session.execute(everybody)]

    @staticmethod
    def signing_in(email: str, password: str) -> User | None:
        """The active person with this e-mail and password; the same time whether or not the e-mail is known."""
        user = User.of_email(email)
        good = is_password(user.password_hash if user else "", password)
        return user if good and user and user.is_active else None

    @staticmethod
    def of_email(email: str) -> User | None:
        return db.session.scalars(sa.select(User).where(User.email == email.strip().lower())).one_or_none()

    @staticmethod
    def of_session(session_id: str) -> User | None:
        """The active person of a session cookie; None once the session was ended or is over."""
        row_id, _, key = session_id.partition(".")
        if not (row_id.isascii() and row_id.isdigit()) or int(row_id) >= 2**31:
            return None
        row = db.session.scalars(_of_session(), {"session_id": int(row_id)}).unique().one_or_none()
        if row is None or not secrets.compare_digest(row.key, key) or row.is_over or not row.user.is_active:
            return None
        row.user.at_session = AtSession(row.id, row.key, row.seen_at)
        return row.user


@cache
def _of_session() -> sa.Select[UserSession]:
    """Asked by every request, so composed once."""
    query = sa.select(UserSession).where(UserSession.id == sa.bindparam("session_id"))
    return query.options(joinedload(UserSession.user).joinedload(User.roles))


def is_password(password_hash: str, password: str) -> bool:
    """Is it the password of that hash? The same time for an empty hash as for any other."""
    try:
        return _hasher.verify(password_hash or _NO_ONE, password)
    except (VerificationError, InvalidHashError):
        return False


# What a User-Agent holds, the most telling first: most of them claim to be Chrome and Safari too.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class UserSession(Record):
    """A browser in which somebody is signed in. Deleting the row signs it out."""

    __tablename__ = "sessions"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    key: Mapped[str]  # random; the cookie holds it too
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    ip: Mapped[str] = mapped_column(default="")
    browser: Mapped[str] = mapped_column(default="")  # its User-Agent

    user: Mapped[User] = relationship()

    @staticmethod
    def begin(user: User, *, ip: str = "", browser: str = "") -> UserSession:
        row = UserSession(user=user, key=secrets.token_hex(16), ip=ip, browser=browser[:300])
        db.session.add(row)
        user.seen_at = clock.now()
        db.session.flush()
        user.at_session = AtSession(row.id, row.key, row.seen_at)
        return row

    @property
    def browser_words(self) -> str:
        """'Firefox on Windows', as far as the browser says what it is."""
        program = next((words for mark, words in _BROWSERS if mark in self.browser), "A browser")
        system = next((words for mark, words in _SYSTEMS if mark in self.browser), "")
        return f"{program} on {system}" if system else program

    @property
    def is_over(self) -> bool:
        return self.created_at < UserSession.oldest()

    @staticmethod
    def oldest() -> datetime:
        """Sessions from before this moment are over."""
        return clock.now() - timedelta(hours=settings.session_hours)

    @staticmethod
    def of(user: User) -> sa.Select[UserSession]:
        """The sessions of a person that are not over, the one in use last first."""
        return (
            sa.select(UserSession)
            .where(UserSession.user_id == user.id, UserSession.created_at >= UserSession.oldest())
            .order_by(UserSession.seen_at.desc(), UserSession.id.desc())
        )


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
