"""Pages of calls: the history, one call, and the lists that other pages ask for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls import history
from voipcrm.calls.models import Call
from voipcrm.core.db import find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.core.paging import cursor_of_request, page_of

bp = Blueprint("calls", __name__)


@bp.get("/calls")
@requires(Can.VIEW_CALLS)
def index() -> Any:
    wanted = history.Filters.of(request.args)
    query = history.filtered(Call.visible_to(current_user), wanted)
    page = page_of(Call.with_names(query), Call.started_at, Call.id, cursor=cursor_of_request())
    return render("calls/index.html", "calls/_rows.html", page=page, wanted=wanted)


@bp.get("/calls/<public_id>")
@requires(Can.VIEW_CALLS)
def show(public_id: str) -> Any:
    call = find(Call.with_names(Call.visible_to(current_user)), public_id, by="public_id")
    return render("calls/show.html", call=call)
