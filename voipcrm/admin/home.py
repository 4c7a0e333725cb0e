"""The page after sign-in: what waits for the viewer, and to whoever may set up, how the house stands."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.admin import setting_up
from voipcrm.contacts.notes import Task, today
from voipcrm.core.db import db
from voipcrm.core.gates import can, requires, requires_sign_in
from voipcrm.core.pages import render
from voipcrm.voicemail.models import Voicemail

bp = Blueprint("home", __name__)
MOST_COUNTED = 99


@bp.get("/")
@requires_sign_in
def index() -> Any:
    return render("home/index.html", mends=any(can(one) for one in setting_up.MENDERS))


@bp.get("/waiting")
@requires(Can.VIEW_CALLS, Can.VIEW_CONTACTS)
def waiting() -> Any:
    """How many new messages and due tasks the viewer has; a part of home. None where they may not open the rows."""
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("home.index"))
    messages = _count(Voicemail.new_for(current_user), Voicemail.id)
    tasks = _count(Task.open_of(current_user).where(Task.due_on <= today()), Task.id)
    found = db.session.execute(sa.select(messages, tasks)).one()
    return render("home/_waiting.html", messages=found[0], tasks=found[1], most=MOST_COUNTED)


@bp.get("/set-up")
@requires(*setting_up.MENDERS)
def set_up() -> Any:
    """The set-up list: whole as a page, and as a part of home."""
    return render("home/set_up.html", "home/_set_up.html", points=setting_up.points(current_user))


def _count(query: sa.Select[Any], key: Any) -> sa.ScalarSelect[Any]:
    """Of how many rows it is; more than MOST_COUNTED are not told apart, nor read."""
    some = query.with_only_columns(key).limit(MOST_COUNTED + 1).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()
