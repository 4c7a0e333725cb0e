"""The lists in the dock, as partials."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.softphone import lists

bp = Blueprint("softphone", __name__)


@bp.get("/phone/contacts")
@requires(Can.MAKE_CALLS)
def contacts() -> Any:
    query = request.args.get("q", "")[:200].strip()
    people = lists.colleagues(current_user, query) + lists.contacts(current_user, query)
    return render("phone/_contacts.html", people=people, q=query)


@bp.get("/phone/recent")
@requires(Can.VIEW_CALLS)
def recent() -> Any:
    return render("phone/_recent.html", calls=lists.recent_calls(current_user))
