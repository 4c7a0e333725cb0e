"""/branding.css and the logo: what the pages of this house, sign-in among them, are dressed in."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, abort, request, url_for

from voipcrm.admin.colours import brand, css
from voipcrm.core.db import db
from voipcrm.core.gates import open_to_anyone
from voipcrm.core.house import HouseLogo, house
from voipcrm.core.static import KEPT_SECONDS

bp = Blueprint("branding", __name__)
NOTHING_ELSE = "default-src 'none'; sandbox"  # if the picture is opened as a page of its own


@bp.get("/branding.css")
@open_to_anyone("the sign-in page wears it, and it is two colours")
def sheet() -> Any:
    return _kept(Response(_css(), mimetype="text/css"), _digest(_css()))


@bp.get("/branding/logo.png")
@open_to_anyone("the sign-in page shows it")
def logo() -> Any:
    png = db.session.scalar(sa.select(HouseLogo.png).where(HouseLogo.digest == house.logo_digest))
    if png is None:
        abort(404)
    response = Response(png, mimetype="image/png")
    response.headers["Content-Security-Policy"] = NOTHING_ELSE
    return _kept(response, house.logo_digest or "")


def _css() -> str:
    return css(brand(house.brand_colour)) if house.is_chosen("brand_colour") else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _kept(response: Response, digest: str) -> Response:
    """For a year by whoever asked for exactly this one; else the browser asks each time whether it is still that."""
    is_named = request.args.get("v") == digest
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}, immutable" if is_named else "no-cache"
    response.set_etag(digest)
    response.make_conditional(request)
    return response


def _clothes() -> dict[str, str]:
    """For the templates of the shell: addresses of the style sheet and the logo, empty where there is none."""
    sheet, logo = _css(), house.logo_digest
    return {
        "branding_url": url_for("branding.sheet", v=_digest(sheet)) if sheet else "",
        "logo_url": url_for("branding.logo", v=logo) if logo else "",
    }


@bp.record_once
def _dress(state: Any) -> None:
    app: Flask = state.app
    app.context_processor(_clothes)
