"""Sign-in: the session cookie, the identity behind every gate, and the brake on guessing."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_user
from flask_principal import ActionNeed, Identity

from voipcrm.accounts.models import User
from voipcrm.config import Settings
from voipcrm.core.gates import principal

logins = LoginManager()
# Counters live in Redis, so that all processes count together; while it is away each process counts for itself.
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, swallow_errors=True)


def init_app(app: Flask, settings: Settings) -> None:
    logins.init_app(app)
    app.config["RATELIMIT_STORAGE_URI"] = settings.redis_url
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
    limiter.init_app(app)
    if _identity not in principal.identity_loaders:  # one principal for every app of the process
        principal.identity_loader(_identity)


@logins.user_loader
def _load_user(session_id: str) -> User | None:
    return User.of_session(session_id)


def _identity() -> Identity | None:
    """Who asks, with all that their roles allow; read anew for each request, so a revoked right ends at once."""
    if request.blueprint == "webhooks" or "_user_id" not in session:
        return None
    if not current_user.is_authenticated:
        return None
    return identity_of(current_user)


def identity_of(user: User) -> Identity:
    identity = Identity(user.id)
    identity.provides = {ActionNeed(one) for one in user.permissions} | {ActionNeed("signed-in")}
    return identity


def begin_session(user: User) -> None:
    """Sign the person in under a fresh session, so that a cookie planted before is worth nothing."""
    session.clear()
    login_user(user)
    session.permanent = True
    g.identity = identity_of(user)


def refused(response: Response) -> bool:
    """Only failed attempts count towards the brake."""
    return response.status_code == 422


def account_in_form() -> str:
    return "account:" + (request.form.get("email") or "").strip().lower()[:200]


def safe_next(target: str | None) -> str | None:
    """A path inside this app, or None: never another host."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc or any(ord(c) < 32 for c in target) else target
