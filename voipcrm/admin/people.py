"""/settings/users: who works here."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from voipcrm.accounts import two_step
from voipcrm.accounts.audit import note
from voipcrm.accounts.granting import Refused, give_roles, keeping_the_keys, may_change, may_give
from voipcrm.accounts.jobs import mail_link
from voipcrm.accounts.links import PasswordLink
from voipcrm.accounts.models import Presence, Team, User, UserSession
from voipcrm.accounts.permissions import Can
from voipcrm.accounts.signing_in import this_session
from voipcrm.admin.forms import UserForm
from voipcrm.core import clock
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.house import house
from voipcrm.core.pages import render
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.core.queue import later
from voipcrm.core.texts import one_line

bp = Blueprint("people", __name__, url_prefix="/settings/users")
A_PERSON = "/<int(max=2147483647):user_id>"
STATES = {
    "active": sa.and_(User.deactivated_at.is_(None), User.password_hash != ""),
    "invited": sa.and_(User.deactivated_at.is_(None), User.password_hash == ""),
    "deactivated": User.deactivated_at.is_not(None),
}


@bp.get("")
@requires(Can.ADMIN_USERS)
def index() -> Any:
    q, state = one_line(request.args.get("q"))[:200], request.args.get("state", "")
    query = sa.select(User).options(selectinload(User.roles), joinedload(User.team))
    if q:
        named, mailed = (one.contains(q.lower(), autoescape=True) for one in (sa.func.lower(User.name), User.email))
        query = query.where(sa.or_(named, mailed))
    if state in STATES:
        query = query.where(STATES[state])
    page = page_of(query, User.name, User.id, cursor=cursor_of_request(), descending=False)
    return render("users/index.html", "users/_results.html", page=page, q=q, state=state if state in STATES else "")


@bp.get("/create")
@requires(Can.ADMIN_USERS)
def create() -> Any:
    return _form(_somebody_new())


@bp.post("/create")
@requires(Can.ADMIN_USERS)
def add() -> Any:
    user = _somebody_new()
    form = UserForm.about(user)
    if not form.validate_on_submit():
        return _form(user, form), 422
    try:
        give_roles(user, form.roles_chosen, by=current_user)
        _write(user, form)
        db.session.add(user)
        db.session.flush()
    except (Refused, IntegrityError) as refusal:
        return _form(_somebody_new(), form, problem=_problem(form, refusal)), 422
    link = PasswordLink.make(user, by=current_user)
    note("invited", user, by=current_user, after=_facts(user))
    db.session.commit()
    return _with_link(user, link)


@bp.get(A_PERSON)
@requires(Can.ADMIN_USERS)
def show(user_id: int) -> Any:
    return _show(_found(user_id))


@bp.post(A_PERSON)
@requires(Can.ADMIN_USERS)
def change(user_id: int) -> Any:
    user = _changeable(user_id)
    form = UserForm.about(user)
    if not form.validate_on_submit():
        return _show(user, form), 422
    before = _facts(user)
    try:
        with keeping_the_keys(current_user):
            give_roles(user, form.roles_chosen, by=current_user)
            _write(user, form)
    except (Refused, IntegrityError) as refusal:
        return _show(_found(user_id), form, problem=_problem(form, refusal)), 422
    after = _facts(user)
    if before["e-mail"] != after["e-mail"]:
        PasswordLink.void(user)  # they were mailed to the old address
    if before != after:
        note("changed", user, by=current_user, before=before, after=after)
    db.session.commit()
    return _done("Saved.", user_id)


@bp.post(A_PERSON + "/deactivate")
@requires(Can.ADMIN_USERS)
def deactivate(user_id: int) -> Any:
    user = _changeable(user_id)
    if user.is_active:
        try:
            with keeping_the_keys(current_user):
                user.deactivated_at = clock.now()
        except Refused as refusal:
            return _done(str(refusal), user_id, "bad")
        user.end_sessions()
        PasswordLink.void(user)
        Presence.report(user.id, "offline")
        note("deactivated", user, by=current_user)
        db.session.commit()
    return _done(f"{user.name} is deactivated and signed out everywhere.", user_id)


@bp.post(A_PERSON + "/reactivate")
@requires(Can.ADMIN_USERS)
def reactivate(user_id: int) -> Any:
    user = _changeable(user_id)
    if not user.is_active:
        user.deactivated_at = None
        note("reactivated", user, by=current_user)
        db.session.commit()
    return _done(f"{user.name} can sign in again.", user_id)


@bp.post(A_PERSON + "/link")
@requires(Can.ADMIN_USERS)
def make_link(user_id: int) -> Any:
    """A new invitation, or a link for a new password; the password that is, stays until the link is used."""
    user = _changeable(user_id)
    if not user.is_active:
        return _done("Reactivate this person first.", user_id, "bad")
    link = PasswordLink.make(user, by=current_user)
    note("invited" if user.state == "invited" else "password-link", user, by=current_user)
    db.session.commit()
    return _with_link(user, link)


@bp.post(A_PERSON + "/sessions/end")
@requires(Can.ADMIN_USERS)
def end_sessions(user_id: int) -> Any:
    user = _changeable(user_id)
    here = this_session().id if user.id == current_user.id else None
    if user.end_sessions(but=here):
        note("signed-out", user, by=current_user)
        db.session.commit()
    return _done(f"{user.name} is signed out everywhere.", user_id)


@bp.post(A_PERSON + "/two-step/off")
@requires(Can.ADMIN_USERS)
def turn_two_step_off(user_id: int) -> Any:
    """For who lost phone and recovery codes."""
    user = _changeable(user_id)
    if user.has_two_step:
        two_step.turn_off(user)
        note("two-step-off", user, by=current_user)
        db.session.commit()
    return _done(f"Two-step sign-in is off for {user.name}.", user_id)


def _somebody_new() -> User:
    return User(name="", email="", time_zone=house.default_time_zone)


def _found(user_id: int) -> User:
    return find(sa.select(User).options(selectinload(User.roles), joinedload(User.team)), user_id)


def _changeable(user_id: int) -> User:
    """That person; answers 403 where the actor may not change them."""
    user = _found(user_id)
    if not may_change(current_user, user):
        abort(403)
    return user


def _write(user: User, form: UserForm) -> None:
    user.name, user.email = form.name.data or "", form.email.data or ""
    user.team = db.session.get(Team, form.team_id.data) if form.team_id.data else None
    user.time_zone = form.time_zone.data


def _facts(user: User) -> dict[str, Any]:
    """For the audit log."""
    return {
        "name": user.name,
        "e-mail": user.email,
        "roles": sorted(role.name for role in user.roles),
        "team": user.team.name if user.team else None,
        "time_zone": user.time_zone,
    }


def _problem(form: UserForm, refusal: Exception) -> str:
    """What to say above the form, with what was begun undone."""
    db.session.rollback()
    if isinstance(refusal, Refused):
        return str(refusal)
    form.email.errors = ["Somebody has this e-mail already."]  # since a moment ago
    return ""


def _form(user: User, form: UserForm | None = None, *, problem: str = "") -> Any:
    form = form or UserForm.about(user)
    return render("users/create.html", form=form, givable=_givable(form), problem=problem)


def _show(user: User, form: UserForm | None = None, *, problem: str = "") -> Any:
    may = may_change(current_user, user)
    form = form or UserForm.about(user)
    return render(
        "users/show.html",
        user=user,
        form=form,
        givable=_givable(form),
        problem=problem,
        may_change=may,
        is_me=user.id == current_user.id,
        link=PasswordLink.of(user) if may and user.is_active else None,
        sessions=len(db.session.scalars(UserSession.of(user)).all()) if user.is_active else 0,
    )


def _givable(form: UserForm) -> set[int]:
    """Ids of the roles that the actor may give and take."""
    return {role.id for role in form.roles_known if may_give(current_user, role)}


def _with_link(user: User, link: PasswordLink) -> Any:
    if link.mail_asked_at:
        later(mail_link, link.id)
        return _done(f"The link is on its way to {user.email}. You can also copy it below.", user.id)
    return _done(f"The link is ready: copy it below and give it to {user.name}.", user.id)


def _done(words: str, user_id: int, kind: str = "good") -> Any:
    flash(words, kind)
    return redirect(url_for("people.show", user_id=user_id), code=303)
