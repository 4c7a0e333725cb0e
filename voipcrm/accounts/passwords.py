"""Pages for who has no password: the invited, and who lost theirs. An invitation ends signed in; who lost a password
signs in with the new one, as everybody does who was here before."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for

from voipcrm.accounts.audit import note
from voipcrm.accounts.forms import ForgotForm, NewPasswordForm
from voipcrm.accounts.jobs import answer_request
from voipcrm.accounts.links import PATH, PasswordLink, PasswordRequest
from voipcrm.accounts.models import User
from voipcrm.accounts.signing_in import account_in_form, begin_session, limiter
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.gates import open_to_anyone
from voipcrm.core.queue import later

bp = Blueprint("passwords", __name__)
A_LINK = PATH + "<token>"
STRANGERS = "who has no password cannot sign in"


@bp.get("/forgot-password")
@open_to_anyone(STRANGERS)
def forgot() -> Any:
    return render_template("accounts/forgot.html", form=ForgotForm(), sends_mail=settings.sends_mail)


@bp.post("/forgot-password")
@open_to_anyone(STRANGERS)
@limiter.limit("20 per hour")
@limiter.limit("5 per hour", key_func=account_in_form)
def ask() -> Any:
    """The same deeds and the same answer whoever asks: a job looks whether somebody has that e-mail."""
    form = ForgotForm()
    if not settings.sends_mail or not form.validate_on_submit():
        return render_template("accounts/forgot.html", form=form, sends_mail=settings.sends_mail), 422
    asked = PasswordRequest(email=(form.email.data or "").lower())
    db.session.add(asked)
    db.session.commit()
    later(answer_request, asked.id)
    flash("If somebody here has that e-mail, a link is on its way to it. It works for one hour.", "good")
    return redirect(url_for("accounts.sign_in"), code=303)


@bp.get(A_LINK)
@open_to_anyone(STRANGERS)
def choose(token: str) -> Any:
    link = PasswordLink.opened_by(token)
    if link is None:
        return render_template("accounts/link_over.html"), 404
    return _page(NewPasswordForm(), link.user)


@bp.post(A_LINK)
@open_to_anyone(STRANGERS)
@limiter.limit("30 per minute")
def save(token: str) -> Any:
    link, form = PasswordLink.opened_by(token), NewPasswordForm()
    if link is None:
        return render_template("accounts/link_over.html"), 404
    user = link.user
    if not form.validate_on_submit():
        return _page(form, user), 422
    is_new, goes_in = user.state == "invited", _goes_in(user)
    if not link.use(form.password.data or ""):
        return render_template("accounts/link_over.html"), 404
    note("joined" if is_new else "password", user, by=user)
    if goes_in:
        begin_session(user)
    db.session.commit()
    flash("Your password is saved." if goes_in else "Your password is saved. Sign in with it.", "good")
    return redirect(url_for("home.index" if goes_in else "accounts.sign_in"), code=303)


def _page(form: NewPasswordForm, user: User) -> str:
    return render_template("accounts/choose_password.html", form=form, user=user, goes_in=_goes_in(user))


def _goes_in(user: User) -> bool:
    """Is this person signed in by choosing a password? Whoever has two-step sign-in owes a code first."""
    return user.state == "invited" and not user.has_two_step
