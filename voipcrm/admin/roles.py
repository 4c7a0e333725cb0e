"""/settings/roles: what each role allows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, url_for
from flask_login import current_user
from sqlalchemy.exc import IntegrityError

from voipcrm.accounts.audit import note
from voipcrm.accounts.granting import Refused, keeping_the_keys, may_edit, set_permissions
from voipcrm.accounts.models import Role, User, user_roles
from voipcrm.accounts.permissions import ABOUT, Can, expand
from voipcrm.admin.forms import RoleForm
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render

bp = Blueprint("roles", __name__, url_prefix="/settings/roles")
A_ROLE = "/<int(max=2147483647):role_id>"
GROUPS = (
    ("Calls", [one for one in Can if one.startswith("voip.calls.")]),
    ("Recordings", [one for one in Can if one.startswith("voip.recordings.")]),
    ("Phone system", [one for one in Can if one.startswith("voip.admin.")]),
    ("Contacts", [one for one in Can if one.startswith("contacts.")]),
)
HOLDERS_SHOWN = 100


@bp.get("")
@requires(Can.ADMIN_USERS)
def index() -> Any:
    roles = list(db.session.scalars(sa.select(Role).order_by(Role.name)))
    counted = sa.select(user_roles.c.role_id, sa.func.count()).join(User).where(User.deactivated_at.is_(None))
    counts = db.session.execute(counted.group_by(user_roles.c.role_id))
    holders = {row[0]: row[1] for row in counts}
    implied = {role.id: expand(role.permissions) for role in roles}
    return render("roles/index.html", roles=roles, holders=holders, implied=implied, groups=GROUPS, about=ABOUT)


@bp.get("/create")
@requires(Can.ADMIN_USERS)
def create() -> Any:
    return _page(Role(name="", permissions=[]))


@bp.post("/create")
@requires(Can.ADMIN_USERS)
def add() -> Any:
    role = Role(name="", permissions=[])
    return _save(role, "created")


@bp.get(A_ROLE)
@requires(Can.ADMIN_USERS)
def show(role_id: int) -> Any:
    return _page(find(sa.select(Role), role_id))


@bp.post(A_ROLE)
@requires(Can.ADMIN_USERS)
def change(role_id: int) -> Any:
    return _save(_editable(role_id), "changed")


@bp.get(A_ROLE + "/delete")
@requires(Can.ADMIN_USERS)
def ask_to_delete(role_id: int) -> Any:
    """The question as a page, for browsers in which the dialog's script does not run."""
    role = _deletable(role_id)
    return render("roles/delete.html", role=role, holders=_holders(role))


@bp.post(A_ROLE + "/delete")
@requires(Can.ADMIN_USERS)
def delete(role_id: int) -> Any:
    role = _deletable(role_id)
    before = {"name": role.name, "permissions": role.permissions, "people": [one.name for one in _holders(role)]}
    note("deleted", role, by=current_user, before=before)
    name = role.name
    try:
        with keeping_the_keys(current_user):
            db.session.execute(user_roles.delete().where(user_roles.c.role_id == role_id))
            db.session.delete(role)
    except Refused as refusal:
        flash(str(refusal), "bad")
        return redirect(url_for("roles.show", role_id=role_id), code=303)
    db.session.commit()
    flash(f"Deleted {name}.", "good")
    return redirect(url_for("roles.index"), code=303)


def _save(role: Role, verb: str) -> Any:
    form = RoleForm.about(role)
    if role.is_built_in:
        form.name.data, form.name.validators = role.name, []  # releases look for it by its name
    if not form.validate_on_submit():
        unknown = "This house knows no such permission. Choose from the list and save again."
        return _page(role, form, problem=unknown if form.permissions.errors else ""), 422
    before = {"name": role.name, "permissions": role.permissions}
    role_id = role.id
    try:
        with keeping_the_keys(current_user):
            role.name = form.name.data or ""
            set_permissions(role, form.permissions.data or [], by=current_user)
            db.session.add(role)
    except (Refused, IntegrityError) as refusal:
        db.session.rollback()
        problem = str(refusal) if isinstance(refusal, Refused) else "This name is taken."
        again = find(sa.select(Role), role_id) if role_id else Role(name="", permissions=[])
        return _page(again, form, problem=problem), 422
    after = {"name": role.name, "permissions": role.permissions}
    if before != after:
        note(verb, role, by=current_user, before=before if verb == "changed" else None, after=after)
        db.session.commit()
    flash("Saved.", "good")
    return redirect(url_for("roles.show", role_id=role.id), code=303)


def _editable(role_id: int) -> Role:
    """That role; answers 403 where it allows more than the actor may do."""
    role = find(sa.select(Role), role_id)
    if not may_edit(current_user, role):
        abort(403)
    return role


def _deletable(role_id: int) -> Role:
    role = _editable(role_id)
    if role.is_built_in:
        abort(403)
    return role


def _holders(role: Role) -> list[User]:
    held = sa.select(User).join(user_roles).where(user_roles.c.role_id == role.id, User.deactivated_at.is_(None))
    return list(db.session.scalars(held.order_by(User.name, User.id).limit(HOLDERS_SHOWN)))


def _page(role: Role, form: RoleForm | None = None, *, problem: str = "") -> Any:
    form = form or RoleForm.about(role)
    return render(
        "roles/show.html",
        role=role,
        form=form,
        problem=problem,
        groups=GROUPS,
        about=ABOUT,
        mine=current_user.permissions,
        may_edit=role.id is None or may_edit(current_user, role),
        holders=_holders(role) if role.id else [],
        cut_at=HOLDERS_SHOWN,
    )
