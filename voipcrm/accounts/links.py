"""One-time links by which somebody chooses a password: invitations, and links for who lost theirs.

The table holds the open links only: using one deletes its row. The address carries the
row's id and nonce under our signature, so neither a copy of the database nor the queue is enough to use it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voipcrm.accounts.models import User
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import Record, db, touched

INVITATION, BY_AN_ADMIN, ASKED_FOR = timedelta(days=7), timedelta(hours=24), timedelta(hours=1)
PATH = "/password/"


class PasswordLink(Record):
    """An open link. Of two uses at the same moment one wins."""

    __tablename__ = "password_links"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))  # None: asked for on the sign-in page
    nonce: Mapped[str] = mapped_column(default=lambda: secrets.token_hex(16))
    expires_at: Mapped[datetime]
    mail_asked_at: Mapped[datetime | None]
    mail_tried_at: Mapped[datetime | None]
    mail_tries: Mapped[int] = mapped_column(default=0)
    mailed_at: Mapped[datetime | None]
    mail_trouble: Mapped[str] = mapped_column(default="")  # a sentence for the admin

    user: Mapped[User] = relationship(foreign_keys=[user_id])

    @staticmethod
    def make(user: User, *, by: User | None) -> PasswordLink:
        """A new link for this person, owed to them by mail if there is a mail server. It takes the place of an older
        one of its kind: a stranger who asks on the sign-in page shall not end an invitation."""
        older = sa.delete(PasswordLink).where(PasswordLink.user_id == user.id)
        same_kind = PasswordLink.made_by_id.is_not(None) if by else PasswordLink.made_by_id.is_(None)
        db.session.execute(older.where(same_kind))
        life = INVITATION if user.state == "invited" else BY_AN_ADMIN if by else ASKED_FOR
        now = clock.now()
        link = PasswordLink(
            user_id=user.id,
            made_by_id=by.id if by else None,
            expires_at=now + life,
            mail_asked_at=now if settings.sends_mail else None,
        )
        db.session.add(link)
        db.session.flush()
        return link

    @staticmethod
    def void(user: User) -> None:
        """Every link of this person is worth nothing from now on."""
        db.session.execute(sa.delete(PasswordLink).where(PasswordLink.user_id == user.id))

    @staticmethod
    def of(user: User) -> PasswordLink | None:
        """The open link that an admin made for this person. What somebody asked for themselves is theirs alone."""
        query = sa.select(PasswordLink).where(
            PasswordLink.user_id == user.id,
            PasswordLink.made_by_id.is_not(None),
            PasswordLink.expires_at > clock.now(),
        )
        return db.session.scalars(query).first()

    @staticmethod
    def opened_by(token: str) -> PasswordLink | None:
        """The open link of this token, of somebody active; None for a forged, used, replaced or late one."""
        try:
            row_id, nonce = _signer().loads(token)
        except (BadSignature, TypeError, ValueError):
            return None
        link = db.session.get(PasswordLink, row_id)
        if link is None or not secrets.compare_digest(link.nonce, nonce) or link.expires_at <= clock.now():
            return None
        return link if link.user.is_active else None

    @property
    def token(self) -> str:
        return str(_signer().dumps([self.id, self.nonce]))

    @property
    def address(self) -> str:
        """On PUBLIC_BASE_URL, not on the host that was asked for, which anybody may write into a request."""
        return f"{settings.public_base_url}{PATH}{self.token}"

    def use(self, password: str) -> bool:
        """The person's password from now on, and the end of this link. False: somebody else used it just now."""
        used = sa.delete(PasswordLink).where(PasswordLink.id == self.id, PasswordLink.nonce == self.nonce)
        user = self.user
        if touched(used) != 1:
            return False
        db.session.expunge(self)
        user.set_password(password)
        PasswordLink.void(user)
        return True


class PasswordRequest(Record):
    """Somebody wrote this e-mail into the page for lost passwords. A job looks whether anybody has it, so that the page
    does the same work, and takes the same time, for a stranger as for a colleague."""

    __tablename__ = "password_requests"

    email: Mapped[str]


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings.secret_key, salt="voipcrm password link")
