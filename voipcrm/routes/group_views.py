"""Pages of ring groups."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from sqlalchemy.orm import selectinload

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.routes import words
from voipcrm.routes.group_forms import GroupForm
from voipcrm.routes.mailboxes import Mailbox
from voipcrm.routes.models import GroupMember, InboundRoute, RingGroup, RouteStep

bp = Blueprint("ring_groups", __name__, url_prefix="/admin/voip/routes/groups")
A_GROUP = "/<int(max=2147483647):group_id>"


@bp.get("/")
@requires(Can.ADMIN_ROUTES)
def index() -> Any:
    members = selectinload(RingGroup.members).joinedload(GroupMember.user)
    query = sa.select(RingGroup).options(members).order_by(sa.func.lower(RingGroup.name), RingGroup.id)
    groups = db.session.scalars(query).all()
    return render("routes/groups.html", groups=groups, routes=_routes_by_group(), words=words)


@bp.get("/create")
@requires(Can.ADMIN_ROUTES)
def create() -> Any:
    return _form(RingGroup(name="", strategy="all"))


@bp.post("/create")
@requires(Can.ADMIN_ROUTES)
def add() -> Any:
    return _save(RingGroup(name="", strategy="all"))


@bp.get(A_GROUP + "/edit")
@requires(Can.ADMIN_ROUTES)
def edit(group_id: int) -> Any:
    return _form(find(sa.select(RingGroup), group_id))


@bp.post(A_GROUP + "/edit")
@requires(Can.ADMIN_ROUTES)
def change(group_id: int) -> Any:
    return _save(find(sa.select(RingGroup), group_id))


@bp.get(A_GROUP + "/delete")
@requires(Can.ADMIN_ROUTES)
def ask_to_delete(group_id: int) -> Any:
    group = find(sa.select(RingGroup), group_id)
    routes, boxes = _routes_by_group().get(group_id, []), _mailboxes_of(group)
    return render("routes/delete_group.html", group=group, routes=routes, boxes=boxes, words=words)


@bp.post(A_GROUP + "/delete")
@requires(Can.ADMIN_ROUTES)
def delete(group_id: int) -> Any:
    """Refused, naming them, while routes ring it or mailboxes are its."""
    group = find(sa.select(RingGroup), group_id)
    routes, boxes = _routes_by_group().get(group_id, []), _mailboxes_of(group)
    if routes or boxes:
        return render("routes/delete_group.html", group=group, routes=routes, boxes=boxes, words=words), 422
    name = group.name
    note("deleted", group, by=current_user, before=words.group_facts(group))
    db.session.delete(group)
    db.session.commit()
    flash(f"Deleted {name}.", "good")
    return redirect(url_for("ring_groups.index"), code=303)


def _mailboxes_of(group: RingGroup) -> list[str]:
    """Names of those that are this group's."""
    return list(db.session.scalars(sa.select(Mailbox.name).where(Mailbox.group_id == group.id).order_by(Mailbox.name)))


def _routes_by_group() -> dict[int, list[InboundRoute]]:
    """The routes that ring each group, in their order."""
    query = (
        sa.select(RouteStep.group_id, InboundRoute)
        .join(InboundRoute, InboundRoute.id == RouteStep.route_id)
        .where(RouteStep.group_id.is_not(None))
        .order_by(InboundRoute.position, InboundRoute.id)
    )
    found: dict[int | None, dict[int, InboundRoute]] = {}
    for group_id, route in db.session.execute(query):
        found.setdefault(group_id, {})[route.id] = route
    return {group_id: list(routes.values()) for group_id, routes in found.items() if group_id}


def _form(group: RingGroup) -> Any:
    return _page(GroupForm.about(group), group)


def _page(form: GroupForm, group: RingGroup, **context: Any) -> Any:
    return render("routes/group_form.html", "routes/_group_form.html", form=form, group=group, **context)


def _save(group: RingGroup) -> Any:
    form = GroupForm.about(group)
    add_row, change_row = request.form.get("add"), request.form.get("change")
    if add_row or change_row:
        moved = form.change_members(add=add_row, change=change_row)
        return _page(form, group, moved=moved)
    if not form.validate_on_submit():
        return _page(form, group), 422
    before = words.group_facts(group) if group.id else {}
    form.write_to(group)
    is_new = group.id is None
    db.session.add(group)
    db.session.flush()
    db.session.expire(group, ["members"])
    note("created" if is_new else "changed", group, by=current_user, before=before, after=words.group_facts(group))
    db.session.commit()
    flash("Saved.", "good")
    return redirect(url_for("ring_groups.index"), code=303)
