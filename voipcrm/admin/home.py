"""The page after sign-in."""

from typing import Any

from flask import Blueprint

from voipcrm.core.gates import requires_sign_in
from voipcrm.core.pages import render

bp = Blueprint("home", __name__)


@bp.get("/")
@requires_sign_in
def index() -> Any:
    return render("home/index.html")
