"""The inbox of missed calls: whom to call back, whose it is, and what was done about those that wait no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.calls import missed
from voipcrm.calls.missed import MissedCall
from voipcrm.core import clock
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.house import house
from voipcrm.core.pages import render
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.telephony import numbers

bp = Blueprint("missed", __name__, url_prefix="/calls/missed")
AN_ITEM = "/<int(max=2147483647):item_id>"
SHORT_LIST = 8


@bp.app_template_global()
def waiting_words(item: MissedCall) -> str:
    """How long the caller has waited: '4 min', '3 h', '2 d'."""
    return _span(clock.now() - item.latest_at)


@bp.app_template_global()
def tries_words(item: MissedCall) -> str:
    """How often the caller has tried, from the first time to the latest: '3 times in 26 h'."""
    return f"{item.times} times in {_span(max(item.latest_at - item.first_at, timedelta(minutes=1)))}"


def _span(length: timedelta) -> str:
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


@bp.get("")
@requires(Can.VIEW_CALLS)
def index() -> Any:
    """?whose= mine, team or all; ?show=done those that wait no more; ?in=home the first few, for home."""
    return _list()


@bp.get("/count")
@requires(Can.VIEW_CALLS)
def count() -> Any:
    """How many wait, for the navigation."""
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("missed.index"))
    return render("calls/_missed_count.html", count=missed.how_many_wait(current_user), most=missed.MOST_COUNTED)


@bp.post(AN_ITEM + "/owner")
@requires(Can.VIEW_CALLS)
def give(item_id: int) -> Any:
    """Take it, give it to somebody whose calls one sees, or to nobody (owner=0)."""
    item = find(MissedCall.visible_to(current_user), item_id)
    owner_id = request.form.get("owner", type=int)
    owner = next((user for user in _people() if user.id == owner_id), None)
    if owner is None and owner_id != 0:
        abort(422)
    item.give_to(owner)
    name = "you" if owner and owner.id == current_user.id else owner.name if owner else "nobody"
    return _done(f"{_who(item)} is now for {name} to call back.")


@bp.post(AN_ITEM + "/done")
@requires(Can.VIEW_CALLS)
def finish(item_id: int) -> Any:
    item = find(MissedCall.visible_to(current_user), item_id)
    item.finish(by=current_user)
    return _done(f"{_who(item)} is done.", undo=item)


@bp.post(AN_ITEM + "/reopen")
@requires(Can.VIEW_CALLS)
def reopen(item_id: int) -> Any:
    item = find(MissedCall.visible_to(current_user), item_id)
    if item.reopen():
        return _done(f"{_who(item)} waits for a call back again.")
    return _done(f"{_who(item)} called again meanwhile and is in the list already.")


def _who(item: MissedCall) -> str:
    return item.call.person.name if item.call.person else numbers.display(item.number, house.default_country)


def _people() -> list[User]:
    """Those to whom this viewer may give an item."""
    query = sa.select(User).where(User.deactivated_at.is_(None))
    widest = missed.scopes(current_user)[-1]
    if widest == "mine":
        query = query.where(User.id == current_user.id)
    elif widest == "team":
        query = query.where(User.team_id == current_user.team_id)
    return list(db.session.scalars(query.order_by(User.name, User.id)))


def _done(said: str, *, undo: MissedCall | None = None) -> Any:
    db.session.commit()
    if request.headers.get("HX-Request-Type") == "partial":
        page = _list(said=said, undo=undo)
        page.headers["HX-Trigger"] = "voipcrm:missed-changed"
        return page
    flash(said, "good")
    return redirect(url_for("missed.index", _external=False, **_kept()), code=303)


def _kept() -> dict[str, str]:
    """What of the address says which list is shown."""
    return {name: request.args[name] for name in ("whose", "show", "in") if name in request.args}


def _list(*, said: str = "", undo: MissedCall | None = None) -> Any:
    allowed = missed.scopes(current_user)
    whose = request.args.get("whose")
    whose = whose if whose in allowed else allowed[-1]
    shows_done = request.args.get("show") == "done"
    query = MissedCall.with_names(MissedCall.visible_to(current_user, whose))
    kept = _kept()
    if kept.get("in") == "home" and request.headers.get("HX-Request-Type") == "partial":
        newest = missed.waiting(query).order_by(MissedCall.latest_at.desc(), MissedCall.id.desc()).limit(SHORT_LIST)
        return render("calls/_missed_short.html", items=db.session.scalars(newest).unique().all())
    at = MissedCall.done_at if shows_done else MissedCall.latest_at
    query = missed.done(query) if shows_done else missed.waiting(query)
    page = page_of(query, at, MissedCall.id, cursor=cursor_of_request() if request.method == "GET" else None)
    return render(
        "calls/missed.html",
        "calls/_missed.html",
        page=page,
        whose=whose,
        scopes=allowed,
        shows_done=shows_done,
        kept=kept,
        people=_people() if len(allowed) > 1 and not shows_done else [],
        said=said,
        undo=undo,
    )
