"""/me: what everybody keeps in order for themselves."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user
from markupsafe import Markup
from wtforms import PasswordField

from voipcrm.accounts import two_step
from voipcrm.accounts.audit import note
from voipcrm.accounts.forms import ChangePasswordForm, CodeForm, PresentPasswordForm, ProfileForm
from voipcrm.accounts.models import UserSession, is_password
from voipcrm.accounts.signing_in import account_signed_in, limiter, refused, this_session
from voipcrm.core.db import db
from voipcrm.core.gates import requires_sign_in
from voipcrm.core.pages import render

bp = Blueprint("my_account", __name__, url_prefix="/me")
guesses = limiter.limit("5 per minute; 30 per hour", key_func=account_signed_in, deduct_when=refused)


@bp.get("")
@requires_sign_in
def show() -> Any:
    return _page()


@bp.post("")
@requires_sign_in
def change() -> Any:
    form = _profile()
    if not form.validate_on_submit():
        return _page(profile=form), 422
    before = {"name": current_user.name, "time_zone": current_user.time_zone}
    current_user.name, current_user.time_zone = form.name.data or "", form.time_zone.data
    after = {"name": current_user.name, "time_zone": current_user.time_zone}
    if before != after:
        note("changed", current_user, by=current_user, before=before, after=after)
        db.session.commit()
    return _done("Saved.")


@bp.post("/password")
@requires_sign_in
@guesses
def change_password() -> Any:
    form = ChangePasswordForm()
    if not form.validate_on_submit() or not _is_theirs(form.present):
        return _page(password=form), 422
    current_user.set_password(form.password.data or "", but=this_session().id)
    note("password", current_user, by=current_user)
    db.session.commit()
    return _done("Your new password is saved. You are signed out everywhere else.")


@bp.post("/sessions/<int(max=2147483647):session_id>/end")
@requires_sign_in
def end_session(session_id: int) -> Any:
    if session_id == this_session().id:
        abort(422)  # that is signing out, which also ends the phone
    if not current_user.end_session(session_id):
        abort(404)
    note("signed-out", current_user, by=current_user)
    db.session.commit()
    return _done("Signed out there.")


@bp.post("/sessions/end")
@requires_sign_in
def end_other_sessions() -> Any:
    if current_user.end_sessions(but=this_session().id):
        note("signed-out", current_user, by=current_user)
        db.session.commit()
    return _done("You are signed out everywhere else.")


@bp.get("/two-step")
@requires_sign_in
def two_step_page() -> Any:
    return _two_step()


@bp.post("/two-step/begin")
@requires_sign_in
def begin_two_step() -> Any:
    two_step.prepare(current_user)
    db.session.commit()
    return redirect(url_for("my_account.two_step_page"), code=303)


@bp.post("/two-step")
@requires_sign_in
@guesses
def turn_two_step_on() -> Any:
    form = CodeForm()
    if current_user.has_two_step or not current_user.totp_secret:
        return redirect(url_for("my_account.two_step_page"), code=303)
    codes = two_step.turn_on(current_user, form.code.data or "") if form.validate_on_submit() else None
    if codes is None:
        if not form.errors:
            form.code.errors = ["That is not the present code of the app. Wait for the next one."]
        return _two_step(code=form), 422
    note("two-step-on", current_user, by=current_user)
    db.session.commit()
    return _two_step(new_codes=codes)


@bp.post("/two-step/change")
@requires_sign_in
@guesses
def change_two_step() -> Any:
    """With `deed` off or codes: turn it off, or make new recovery codes."""
    form, deed = PresentPasswordForm(), request.form.get("deed")
    if deed not in {"off", "codes"} or not current_user.has_two_step:
        return redirect(url_for("my_account.two_step_page"), code=303)
    if not form.validate_on_submit() or not _is_theirs(form.present):
        return _two_step(present=form), 422
    if deed == "off":
        two_step.turn_off(current_user)
        note("two-step-off", current_user, by=current_user)
        db.session.commit()
        return _done("Two-step sign-in is off.")
    codes = two_step.new_recovery_codes(current_user)
    note("recovery-codes", current_user, by=current_user)
    db.session.commit()
    return _two_step(new_codes=codes)


def _is_theirs(field: PasswordField) -> bool:
    """Is that their present password? Says so at the field if not."""
    good = is_password(current_user.password_hash, field.data or "")
    if not good:
        field.errors = ["That is not your present password."]
    return good


def _profile() -> ProfileForm:
    form = ProfileForm(obj=current_user)
    form.offer_zones()
    return form


def _page(*, profile: ProfileForm | None = None, password: ChangePasswordForm | None = None) -> Any:
    sessions = db.session.scalars(UserSession.of(current_user).limit(50)).all()
    return render(
        "accounts/me.html",
        profile=profile or _profile(),
        password=password or ChangePasswordForm(formdata=None),
        sessions=sessions,
        here=this_session().id,
    )


def _two_step(
    *,
    code: CodeForm | None = None,
    present: PresentPasswordForm | None = None,
    new_codes: list[str] | None = None,
) -> Any:
    key = "" if current_user.has_two_step else two_step.key_of(current_user)
    return render(
        "accounts/two_step.html",
        code=code or CodeForm(formdata=None),
        present=present or PresentPasswordForm(formdata=None),
        new_codes=new_codes,
        codes_left=two_step.codes_left(current_user) if current_user.has_two_step else 0,
        qr=Markup(two_step.qr_code(current_user)) if key else None,  # noqa: S704 - drawn by us
        key=key,
    )


def _done(words: str) -> Any:
    flash(words, "good")
    return redirect(url_for("my_account.show"), code=303)
