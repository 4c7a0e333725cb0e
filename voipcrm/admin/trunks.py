"""Pages of trunks: the list with what their last test found, one trunk, and its test."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.admin.trunk_forms import TrunkForm
from voipcrm.calls.models import Call
from voipcrm.calls.trunking import busy_now, make_channels
from voipcrm.core import clock, ordering
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.routes.models import RouteStep
from voipcrm.trunks import checking
from voipcrm.trunks.models import Trunk

bp = Blueprint("trunks", __name__, url_prefix="/admin/voip/trunks")
A_TRUNK = "/<int(max=2147483647):trunk_id>"


@bp.get("/")
@requires(Can.ADMIN_TRUNKS)
def index() -> Any:
    trunks = db.session.scalars(Trunk.in_use()).all()
    busy = busy_now(trunk.id for trunk in trunks) if trunks else {}
    return render("trunks/index.html", trunks=trunks, busy=busy)


@bp.get("/create")
@requires(Can.ADMIN_TRUNKS)
def create() -> Any:
    return _page(TrunkForm.about(_begun()), None)


@bp.post("/create")
@requires(Can.ADMIN_TRUNKS)
def add() -> Any:
    return _save(None)


@bp.get(A_TRUNK + "/edit")
@requires(Can.ADMIN_TRUNKS)
def edit(trunk_id: int) -> Any:
    trunk = find(Trunk.in_use(), trunk_id)
    return _page(TrunkForm.about(trunk), trunk)


@bp.post(A_TRUNK + "/edit")
@requires(Can.ADMIN_TRUNKS)
def change(trunk_id: int) -> Any:
    return _save(find(Trunk.in_use(), trunk_id))


@bp.post(A_TRUNK + "/moves")
@requires(Can.ADMIN_TRUNKS)
def move(trunk_id: int) -> Any:
    """One place up or down in the order in which calls try them."""
    step = ordering.step_of_request()
    trunk = find(Trunk.in_use(), trunk_id)
    before = trunk.position
    ordering.move(trunk, step, among=Trunk.in_use())
    note("moved", trunk, by=current_user, before={"position": before}, after={"position": trunk.position})
    db.session.commit()
    return redirect(url_for("trunks.index"), code=303)


@bp.post(A_TRUNK + "/activations")
@requires(Can.ADMIN_TRUNKS)
def activate(trunk_id: int) -> Any:
    """On or off for new calls; those that run go on."""
    active = {"yes": True, "no": False}.get(request.form.get("active", ""))
    if active is None:
        abort(422)
    trunk = find(Trunk.in_use(), trunk_id)
    before = trunk.active
    trunk.active = active
    note("changed", trunk, by=current_user, before={"active": before}, after={"active": active})
    db.session.commit()
    flash(f"{trunk.name} is {'on' if active else 'off'}.", "good")
    return redirect(url_for("trunks.index"), code=303)


@bp.get(A_TRUNK + "/tests")
@requires(Can.ADMIN_TRUNKS)
def last_test(trunk_id: int) -> Any:
    """What the last one found, for a page that waits for the first; while there is none nothing is read out anew."""
    trunk = find(Trunk.in_use(), trunk_id)
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("trunks.index"))
    return render("trunks/_check.html", trunk=trunk) if trunk.checked_at else Response(status=204)


@bp.post(A_TRUNK + "/tests")
@requires(Can.ADMIN_TRUNKS)
def test(trunk_id: int) -> Any:
    """Ask it now. It answers in milliseconds or not at all, so a thread is held for four seconds at most."""
    trunk = find(Trunk.in_use(), trunk_id)
    checking.check(trunk.id)
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("trunks.index"), code=303)
    return render("trunks/_check.html", trunk=find(Trunk.in_use(), trunk_id))


@bp.get(A_TRUNK + "/delete")
@requires(Can.ADMIN_TRUNKS)
def ask_to_delete(trunk_id: int) -> Any:
    trunk = find(Trunk.in_use(), trunk_id)
    return render("trunks/delete.html", trunk=trunk, is_kept=_is_referred_to(trunk))


@bp.post(A_TRUNK + "/delete")
@requires(Can.ADMIN_TRUNKS)
def delete(trunk_id: int) -> Any:
    """Deleted if nothing refers to it, else retired, without its password."""
    trunk = find(Trunk.in_use(), trunk_id)
    name, is_kept = trunk.name, _is_referred_to(trunk)
    note("retired" if is_kept else "deleted", trunk, by=current_user, before=_facts(trunk))
    if is_kept:
        trunk.retired_at = clock.now()
        trunk.set_password(None)
    else:
        db.session.delete(trunk)
    db.session.commit()
    flash(f"{'Retired' if is_kept else 'Deleted'} {name}.", "good")
    return redirect(url_for("trunks.index"), code=303)


def _save(trunk: Trunk | None) -> Any:
    about = trunk or _begun()
    form = TrunkForm.about(about)
    if not form.validate_on_submit():
        return _page(form, trunk), 422
    before = _facts(trunk) if trunk else {}
    form.write_to(about)
    if trunk is None:
        about.put_last()
        db.session.add(about)
    db.session.flush()
    db.session.expire(about, ["caller_line"])
    make_channels(about)
    note("changed" if trunk else "created", about, by=current_user, before=before, after=_facts(about))
    db.session.commit()
    is_tested = about.checked_at is not None  # and nothing that the test was about has changed
    flash("Saved." if is_tested else "Saved. Test it now, so that you know before a call does.", "good")
    return redirect(url_for("trunks.index"), code=303)


def _page(form: TrunkForm, trunk: Trunk | None) -> Any:
    has_password = bool(trunk and trunk.password_sealed)
    return render("trunks/form.html", form=form, trunk=trunk, has_password=has_password)


def _begun() -> Trunk:
    return Trunk(
        name="",
        host="",
        port=5060,
        transport="udp",
        authentication="password",
        username="",
        prefixes=["+"],
        max_calls=10,
        active=True,
    )


def _is_referred_to(trunk: Trunk) -> bool:
    """Did a call go through it, or does a route?"""
    return any(
        db.session.scalar(sa.select(model.id).where(model.trunk_id == trunk.id).limit(1)) is not None
        for model in (Call, RouteStep)
    )


def _facts(trunk: Trunk) -> dict[str, object]:
    """A trunk as the audit log keeps it; of the password only that it is set or another."""
    return {
        "name": trunk.name,
        "host": trunk.host,
        "port": trunk.port,
        "transport": trunk.transport,
        "authentication": trunk.authentication,
        "username": trunk.username,
        "password": trunk.password_sealed or "",
        "caller_id": trunk.caller_line.number if trunk.caller_line else "",
        "prefixes": list(trunk.prefixes),
        "max_calls": trunk.max_calls,
        "active": trunk.active,
    }
