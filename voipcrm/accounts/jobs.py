"""Jobs of accounts: mail with links, and clearing away what is over."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
import structlog

from voipcrm.accounts.links import PasswordLink, PasswordRequest
from voipcrm.accounts.models import User, UserSession
from voipcrm.core import clock, mail
from voipcrm.core.app import settings
from voipcrm.core.db import db, touched
from voipcrm.core.house import house
from voipcrm.core.pages import zone
from voipcrm.core.queue import job

log = structlog.get_logger(__name__)
TRIES = 8
AGAIN_AFTER = timedelta(seconds=55)  # the sweep comes each minute
REQUESTS_KEPT = timedelta(hours=1)


@job()
def mail_link(link_id: int) -> None:
    """Mail an open link to its person, once."""
    _mail(link_id)


@job()
def answer_request(request_id: int) -> None:
    """Mail a link to the person of that e-mail, if there is one."""
    _answer(request_id)


@job()
def sweep() -> None:
    """Send what was owed and nobody rang for, or failed; forget what is over. Rung every minute."""
    for request_id in db.session.scalars(sa.select(PasswordRequest.id).order_by(PasswordRequest.id).limit(200)).all():
        _answer(request_id)
    for link_id in db.session.scalars(_owed()).all():
        _mail(link_id)
    now = clock.now()
    db.session.execute(sa.delete(PasswordRequest).where(PasswordRequest.created_at < now - REQUESTS_KEPT))
    db.session.execute(sa.delete(PasswordLink).where(PasswordLink.expires_at < now))
    db.session.execute(sa.delete(UserSession).where(UserSession.created_at < UserSession.oldest()))
    db.session.commit()


def _answer(request_id: int) -> None:
    request = db.session.get(PasswordRequest, request_id)
    if request is None:
        return
    user, link = User.of_email(request.email), None
    if settings.sends_mail and user is not None and user.is_active:
        link = PasswordLink.make(user, by=None)
    db.session.delete(request)
    db.session.commit()
    if link is not None:
        _mail(link.id)


def _owed() -> sa.Select[int]:
    """Ids of open links whose mail has not left us."""
    now = clock.now()
    return sa.select(PasswordLink.id).where(
        PasswordLink.mail_asked_at.is_not(None),
        PasswordLink.mailed_at.is_(None),
        PasswordLink.expires_at > now,
        PasswordLink.mail_tries < TRIES,
        sa.or_(PasswordLink.mail_tried_at.is_(None), PasswordLink.mail_tried_at < now - AGAIN_AFTER),
    )


def _mail(link_id: int) -> None:
    """Claims the link first, so that two workers do not both send it, and sends with no transaction open."""
    claim = sa.update(PasswordLink).where(PasswordLink.id == link_id, PasswordLink.id.in_(_owed()))
    claimed = claim.values(mail_tried_at=clock.now(), mail_tries=PasswordLink.mail_tries + 1)
    won = touched(claimed) == 1
    db.session.commit()
    if not won:
        return
    link = db.session.get_one(PasswordLink, link_id)
    to, (subject, text) = link.user.email, _words(link)
    db.session.rollback()
    trouble = ""
    try:
        mail.send(to=to, subject=subject, text=text)
    except mail.MailRefused as refusal:
        trouble = str(refusal)
        log.warning("mail_refused", link=link_id, reason=trouble)
    done = sa.update(PasswordLink).where(PasswordLink.id == link_id)
    db.session.execute(done.values(mailed_at=None if trouble else clock.now(), mail_trouble=trouble))
    db.session.commit()


def _words(link: PasswordLink) -> tuple[str, str]:
    """Subject and text. A name is somebody's own words, so it stands in no subject and no link."""
    until = link.expires_at.astimezone(zone(link.user.time_zone)).strftime("%-d %B %Y, %H:%M %Z")
    if link.user.state == "invited":
        subject = f"Your invitation to {house.brand_name}"
        what = f"You have an account in {house.brand_name}. Choose your password here:"
        otherwise = "If you did not expect this, leave the link alone."
    else:
        subject = f"A new password for {house.brand_name}"
        what = f"Choose a new password for {house.brand_name} here:"
        otherwise = "If you did not ask for it, leave the link alone: your password stays as it is."
    text = f"Hello {link.user.name},\n\n{what}\n\n{link.address}\n\nThe link works once, until {until}. {otherwise}\n"
    return subject, text
