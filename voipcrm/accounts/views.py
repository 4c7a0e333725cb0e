"""Sign in, sign out, and the choices that are a person's own."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_login import current_user, logout_user

from voipcrm.accounts.forms import SignInForm
from voipcrm.accounts.models import Presence, User
from voipcrm.accounts.signing_in import account_in_form, begin_session, limiter, refused, safe_next
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.gates import open_to_anyone, requires_sign_in

bp = Blueprint("accounts", __name__)
THEMES = ("system", "light", "dark")


@bp.get("/sign-in")
@open_to_anyone("strangers become people here")
def sign_in() -> Any:
    if current_user.is_authenticated:
        return redirect(safe_next(request.args.get("next")) or url_for("home.index"))
    return render_template("accounts/sign_in.html", form=SignInForm())


@bp.post("/sign-in")
@open_to_anyone("strangers become people here")
@limiter.limit("30 per minute", deduct_when=refused)
@limiter.limit("5 per minute; 30 per hour", key_func=account_in_form, deduct_when=refused)
def begin() -> Any:
    form = SignInForm()
    user = User.signing_in(form.email.data or "", form.password.data or "") if form.validate_on_submit() else None
    if user is None:
        if not form.errors:
            form.password.errors = ["E-mail and password do not match. Check both and try again."]
        return render_template("accounts/sign_in.html", form=form), 422
    begin_session(user)
    if request.headers.get("HX-Request"):
        return "", 204  # the dialog over a running call: the page stays as it is
    return redirect(safe_next(request.args.get("next")) or url_for("home.index"), code=303)


@bp.post("/sign-out")
@requires_sign_in
def sign_out() -> Any:
    Presence.report(current_user.id, "offline")
    db.session.commit()
    logout_user()
    return redirect(url_for("accounts.sign_in"), code=303)


@bp.post("/me/theme")
@requires_sign_in
def choose_theme() -> Any:
    theme = request.form.get("theme", "")
    if theme not in THEMES:
        abort(422)
    if request.headers.get("HX-Request"):
        response = Response(status=204)
    else:
        response = redirect(safe_next(request.form.get("next")) or url_for("home.index"), code=303)
    response.set_cookie("theme", theme, max_age=365 * 86_400, samesite="Lax", secure=settings.is_secure)
    return response


@bp.post("/me/time-zone")
@requires_sign_in
def choose_time_zone() -> Any:
    name = request.form.get("time_zone", "")
    if name not in available_timezones():
        abort(422)
    current_user.time_zone = name
    db.session.commit()
    return Response(status=204)
