"""Pages of inbound routes: the list with what is wrong in it, one route, and the simulator."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.core import clock, ordering
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.house import house
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.texts import one_line
from voipcrm.routes import words
from voipcrm.routes.explaining import explain
from voipcrm.routes.forms import RouteForm
from voipcrm.routes.hours import DAYS
from voipcrm.routes.linting import problems, routes_with_everybody
from voipcrm.routes.models import InboundRoute, RouteStep
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import NumberInvalid
from voipcrm.trunks.models import Line, Trunk

bp = Blueprint("routes", __name__, url_prefix="/admin/voip/routes")
A_ROUTE = "/<int(max=2147483647):route_id>"


@bp.get("/")
@requires(Can.ADMIN_ROUTES)
def index() -> Any:
    routes = routes_with_everybody()
    return render("routes/index.html", "routes/_list.html", routes=routes, problems=problems(routes), words=words)


@bp.get("/create")
@requires(Can.ADMIN_ROUTES)
def create() -> Any:
    """A form of one step; ?line= is the line that it begins with."""
    return _form(_begun(request.args.get("line", type=int)))


@bp.post("/create")
@requires(Can.ADMIN_ROUTES)
def add() -> Any:
    return _save(InboundRoute(description="", steps=[]))


@bp.get(A_ROUTE + "/edit")
@requires(Can.ADMIN_ROUTES)
def edit(route_id: int) -> Any:
    return _form(find(sa.select(InboundRoute), route_id))


@bp.post(A_ROUTE + "/edit")
@requires(Can.ADMIN_ROUTES)
def change(route_id: int) -> Any:
    return _save(find(sa.select(InboundRoute), route_id))


@bp.post(A_ROUTE + "/moves")
@requires(Can.ADMIN_ROUTES)
def move(route_id: int) -> Any:
    """One place up or down in the order in which routes are tried."""
    step = ordering.step_of_request()
    route = find(sa.select(InboundRoute), route_id)
    before = route.position
    ordering.move(route, step, among=InboundRoute.in_order())
    note("moved", route, by=current_user, before={"position": before}, after={"position": route.position})
    db.session.commit()
    return redirect(url_for("routes.index"), code=303)


@bp.get(A_ROUTE + "/delete")
@requires(Can.ADMIN_ROUTES)
def ask_to_delete(route_id: int) -> Any:
    """The question as a page, for browsers in which the dialog's script does not run."""
    return render("routes/delete.html", route=find(sa.select(InboundRoute), route_id))


@bp.post(A_ROUTE + "/delete")
@requires(Can.ADMIN_ROUTES)
def delete(route_id: int) -> Any:
    route = find(sa.select(InboundRoute), route_id)
    name = route.description
    note("deleted", route, by=current_user, before=words.facts(route))
    db.session.delete(route)
    db.session.commit()
    flash(f"Deleted {name}.", "good")
    return redirect(url_for("routes.index"), code=303)


@bp.get("/simulator")
@requires(Can.ADMIN_ROUTES)
def simulate() -> Any:
    """What would happen to a call; rings nobody."""
    asked = {name: one_line(request.args.get(name))[:64] for name in ("to", "caller", "at")}
    told, errors = None, {}
    if "to" in request.args:
        told, errors = _simulated(asked)
    lines = db.session.execute(sa.select(Line.number, Line.label).where(Line.retired_at.is_(None)).order_by(Line.label))
    page = render(
        "routes/simulator.html",
        "routes/_simulation.html",
        asked=asked,
        errors=errors,
        told=told,
        lines=lines.all(),
        zone_name=viewer_zone().key,
        words=words,
    )
    return (page, 422) if errors else page


def _simulated(asked: dict[str, str]) -> tuple[Any, dict[str, str]]:
    """The explanation, or what is wrong with each field."""
    errors: dict[str, str] = {}
    to, caller, at = "", None, clock.now()
    try:
        to = numbers.parse(asked["to"], house.default_country)
    except NumberInvalid as refusal:
        errors["to"] = refusal.sentence
    try:
        if not numbers.is_withheld(asked["caller"]):
            caller = numbers.parse(asked["caller"], house.default_country)
    except NumberInvalid as refusal:
        errors["caller"] = refusal.sentence
    try:
        if asked["at"]:
            local = datetime.fromisoformat(asked["at"])
            at = local if local.tzinfo else local.replace(tzinfo=viewer_zone())
            at.astimezone(clock.now().tzinfo)  # years at the edge have no time in other zones
    except (ValueError, OverflowError):
        errors["at"] = "Enter a date and time like 2026-12-25T09:10."
    return (None if errors else explain(to=to, caller=caller, at=at)), errors


def _begun(line_id: int | None) -> InboundRoute:
    line = db.session.scalars(Line.in_use().where(Line.id == line_id)).one_or_none()
    return InboundRoute(
        description=line.label if line else "",
        line_id=line.id if line else None,
        prefix="",
        caller_prefix="",
        active=True,
        hours=[],
        holidays=[],
        time_zone="",
        closed_message="",
        message="",
        steps=[RouteStep(kind="people", position=0)],
    )


def _form(route: InboundRoute) -> Any:
    return _page(RouteForm.about(route), route)


def _page(form: RouteForm, route: InboundRoute, **context: Any) -> Any:
    return render(
        "routes/form.html", "routes/_form.html", form=form, route=route, days=DAYS, has_trunks=_has_trunks(), **context
    )


def _has_trunks() -> bool:
    """Without any, there is no step through one to add."""
    return db.session.scalar(Trunk.in_use().with_only_columns(Trunk.id).limit(1)) is not None


def _save(route: InboundRoute) -> Any:
    form = RouteForm.about(route)
    add_step, change_step = request.form.get("add"), request.form.get("change")
    if add_step or change_step:
        moved = form.change_steps(add=add_step, change=change_step)
        return _page(form, route, moved=moved)
    if not form.validate_on_submit():
        return _page(form, route), 422
    before = words.facts(route) if route.id else {}
    form.write_to(route)
    is_new = route.id is None
    if is_new:
        db.session.add(route)
        route.put_in_place()
    db.session.flush()
    db.session.expire(
        route, ["line", "closed_mailbox", "steps"]
    )  # the words name lines and people, the form set their ids
    note("created" if is_new else "changed", route, by=current_user, before=before, after=words.facts(route))
    db.session.commit()
    flash("Saved.", "good")
    return redirect(url_for("routes.index"), code=303)
