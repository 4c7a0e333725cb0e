"""What calls have cost this month, for those who pay."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for

from voipcrm.accounts.permissions import Can
from voipcrm.calls import costs
from voipcrm.core import clock
from voipcrm.core.asking import start_of
from voipcrm.core.gates import requires
from voipcrm.core.pages import render, viewer_zone

bp = Blueprint("costs", __name__, url_prefix="/calls/costs")


@bp.get("")
@requires(Can.MANAGE)
def month() -> Any:
    """The month so far, in the viewer's zone; a part of home."""
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("home.index"))
    first = clock.now().astimezone(viewer_zone()).date().replace(day=1)
    sums, still_open = costs.since(start_of(first, viewer_zone()))
    return render("calls/_costs.html", sums=sums, still_open=still_open, first=first, money=costs.money)
