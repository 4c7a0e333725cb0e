"""Sign in, sign out, and the choices that are a person's own."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user, logout_user

from voipcrm.accounts import two_step
from voipcrm.accounts.forms import CodeForm, SignInForm
from voipcrm.accounts.models import Presence
from voipcrm.accounts.signing_in import (
    account_in_form,
    account_of_second_step,
    begin_second_step,
    begin_session,
    check,
    limiter,
    of_second_step,
    refused,
    safe_next,
    this_session,
)
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
    user = check(form.email.data or "", form.password.data or "") if form.validate_on_submit() else None
    if user is None:
        if not form.errors:
            form.password.errors = ["E-mail and password do not match. Check both and try again."]
        return render_template("accounts/sign_in.html", form=form), 422
    if user.has_two_step:
        begin_second_step(user)
        return redirect(url_for("accounts.second_step", next=request.args.get("next")), code=303)
    begin_session(user)
    db.session.commit()
    return _inside()


@bp.get("/sign-in/code")
@open_to_anyone("who gave the right password and still owes the code of two-step sign-in")
def second_step() -> Any:
    if of_second_step() is None:
        return redirect(url_for("accounts.sign_in", next=request.args.get("next")))
    return render_template("accounts/second_step.html", form=CodeForm())


@bp.post("/sign-in/code")
@open_to_anyone("who gave the right password and still owes the code of two-step sign-in")
@limiter.limit("30 per minute", deduct_when=refused)
@limiter.limit("5 per minute; 30 per hour", key_func=account_of_second_step, deduct_when=refused)
def finish() -> Any:
    user = of_second_step()
    if user is None:
        flash("That took too long. Sign in again.")
        return redirect(url_for("accounts.sign_in", next=request.args.get("next")), code=303)
    form = CodeForm()
    if not form.validate_on_submit() or not two_step.takes(user, form.code.data or ""):
        if not form.errors:
            form.code.errors = ["That code is not right, or was used already. Wait for the next one."]
        return render_template("accounts/second_step.html", form=form), 422
    begin_session(user)
    db.session.commit()
    return _inside()


@bp.post("/sign-out")
@requires_sign_in
def sign_out() -> Any:
    Presence.report(current_user.id, "offline")
    current_user.end_session(this_session().id)
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


def _inside() -> Any:
    if request.headers.get("HX-Request"):
        return "", 204  # the page stays as it is
    return redirect(safe_next(request.args.get("next")) or url_for("home.index"), code=303)
