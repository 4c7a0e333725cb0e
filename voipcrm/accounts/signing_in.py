"""Sign-in: the session cookie, the identity behind every gate, the second step, and the brake on guessing."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog
from flask import Flask, Response, g, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_user
from flask_principal import ActionNeed, Identity
from sqlalchemy.exc import SQLAlchemyError

from voipcrm.accounts.audit import note
from voipcrm.accounts.models import AtSession, User, UserSession, is_password
from voipcrm.config import Settings
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.gates import principal

log = structlog.get_logger(__name__)
logins = LoginManager()
# Counters live in Redis, so that all processes count together; while it is away each process counts for itself.
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, swallow_errors=True)
SEEN_EVERY = timedelta(minutes=5)
SECOND_STEP_SECONDS = 300  # from the right password to the right code


def init_app(app: Flask, settings: Settings) -> None:
    logins.init_app(app)
    app.config["RATELIMIT_STORAGE_URI"] = settings.redis_url
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
    limiter.init_app(app)
    if _identity not in principal.identity_loaders:  # one principal for every app of the process
        principal.identity_loader(_identity)
    app.after_request(_seen)


@logins.user_loader
def _load_user(session_id: str) -> User | None:
    return User.of_session(session_id)


def _identity() -> Identity | None:
    """Who asks, with all that their roles allow; read anew for each request, so a revoked right ends at once."""
    if "_user_id" not in session:
        return None
    if not current_user.is_authenticated:
        return None
    return identity_of(current_user)


def identity_of(user: User) -> Identity:
    identity = Identity(user.id)
    identity.provides = {ActionNeed(one) for one in user.permissions} | {ActionNeed("signed-in")}
    return identity


def check(email: str, password: str) -> User | None:
    """User.signing_in, but without holding the database while the password is compared: that takes a tenth of a second
    by intention, and on SQLite everybody else who writes would wait for whoever guesses."""
    user = User.of_email(email)
    user_id, password_hash = (user.id, user.password_hash) if user else (None, "")
    db.session.rollback()
    if not is_password(password_hash, password) or user_id is None:
        return None
    user = db.session.get(User, user_id)
    return user if user and user.is_active and user.password_hash == password_hash else None


def begin_session(user: User) -> None:
    """Sign the person in under a fresh session: a cookie planted before is worth nothing. The caller commits."""
    session.clear()
    UserSession.begin(user, ip=request.remote_addr or "", browser=request.user_agent.string)
    note("signed-in", user, by=user)
    login_user(user)
    session.permanent = True
    g.identity = identity_of(user)


def this_session() -> AtSession:
    """The session by which the present person asks; only behind a gate."""
    if current_user.at_session is None:
        raise LookupError("nobody is signed in")
    return current_user.at_session


def begin_second_step(user: User) -> None:
    """The password was right; for a few minutes this browser may give the code, unless the password changes."""
    session.clear()
    session["second_step"] = [user.id, _mark(user), int(time.time())]


def of_second_step() -> User | None:
    """Who gave the right password in this browser and still owes the code."""
    match session.get("second_step"):
        case [int(user_id), str(mark), int(at)] if 0 <= time.time() - at <= SECOND_STEP_SECONDS:
            user = db.session.get(User, user_id)
            return user if user and user.is_active and user.has_two_step and _mark(user) == mark else None
    return None


def _mark(user: User) -> str:
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]


def _seen(response: Response) -> Response:
    """After a change (the phone's heartbeat is one) note that the person was here, once in five minutes. A page that
    is only read writes nothing. What the view did not commit is given up, as it would be anyway."""
    at: AtSession | None = getattr(g.get("_login_user"), "at_session", None)
    if request.method != "POST" or at is None or response.status_code >= 500:
        return response
    if clock.now() - at.seen_at >= SEEN_EVERY:
        try:
            db.session.rollback()
            here = sa.update(UserSession).where(UserSession.id == at.id).values(seen_at=clock.now())
            person = sa.select(UserSession.user_id).where(UserSession.id == at.id).scalar_subquery()
            db.session.execute(here)
            db.session.execute(sa.update(User).where(User.id == person).values(seen_at=clock.now()))
            db.session.commit()
        except SQLAlchemyError as trouble:  # the answer is made; being seen is not worth an error
            db.session.rollback()
            log.warning("not_seen", reason=type(trouble).__name__)
    return response


def refused(response: Response) -> bool:
    """Only failed attempts count towards the brake."""
    return response.status_code == 422


def account_in_form() -> str:
    return "account:" + (request.form.get("email") or "").strip().lower()[:200]


def account_of_second_step() -> str:
    match session.get("second_step"):
        case [int(user_id), *_]:
            return f"second step:{user_id}"
    return "second step:nobody"


def account_signed_in() -> str:
    return f"signed in:{current_user.id}" if current_user.is_authenticated else "signed in:nobody"


def safe_next(target: str | None) -> str | None:
    """A path inside this app, or None: never another host."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc or any(ord(c) < 32 for c in target) else target
