"""May this person do this at all? Every endpoint passes exactly one of the gates here; a test walks the URL map.

Flask-Principal holds the permissions as needs. The needs of a Permission are any-of, never all-of, and an empty
one lets everybody in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, flash, g, jsonify, redirect, request, url_for
from flask_principal import ActionNeed, Identity, Permission, PermissionDenied, Principal
from werkzeug.exceptions import Forbidden, NotFound

View = TypeVar("View", bound=Callable[..., Any])
principal = Principal(use_sessions=False, skip_static=True)


def requires(can: str, *or_any_of: str) -> Callable[[View], View]:
    """The gate of an endpoint: lets in whoever holds the permission; of several, one is enough."""
    held = (can, *or_any_of)
    permission = Permission(*(ActionNeed(one) for one in held))

    def guard(view: View) -> View:
        return _marked(permission.require()(view), " or ".join(held))

    return guard


def requires_sign_in(view: View) -> View:
    """The gate of what belongs to the person alone (their own settings)."""
    return _signed_in(view)


def _signed_in(view: View) -> View:
    return _marked(Permission(ActionNeed("signed-in")).require()(view), "signed-in")


def _marked(view: Any, gate: str) -> Any:
    """Says at the view which gate it has, for the test that walks the URL map."""
    view.gate = gate
    return view


def open_to_anyone(why: str) -> Callable[[View], View]:
    """No gate, on purpose; `why` is for the reader and the test."""

    def mark(view: View) -> View:
        view.gate = f"anyone: {why}"  # type: ignore[attr-defined]
        return view

    return mark


def signed_by_provider(view: View) -> View:
    """The gate of webhooks: their blueprint refuses what the phone provider did not sign, before any view runs."""
    view.gate = "provider signature"  # type: ignore[attr-defined]
    return view


def can(permission: str) -> bool:
    """For templates and views: does the present person hold it?"""
    identity: Identity | None = getattr(g, "identity", None)
    return identity is not None and ActionNeed(permission) in identity.provides


def held() -> list[str]:
    """All that the present person may do, in order."""
    identity: Identity | None = getattr(g, "identity", None)
    return sorted(need.value for need in identity.provides if need.method == "action") if identity else []


def wants_json() -> bool:
    return request.path.startswith("/api/")


def init_app(app: Flask) -> None:
    principal.init_app(app)
    app.jinja_env.globals["can"] = can

    @app.errorhandler(PermissionDenied)
    def denied(_error: PermissionDenied) -> Any:
        identity = getattr(g, "identity", None)
        if identity is None or ActionNeed("signed-in") not in identity.provides:
            return _ask_to_sign_in()
        if wants_json():
            return jsonify(error={"code": "forbidden", "message": "Your role does not allow this."}), 403
        # Not abort(): what is raised inside an error handler ends as a 500.
        return app.handle_http_exception(NotFound() if request.method in {"GET", "HEAD"} else Forbidden())


def _ask_to_sign_in() -> Any:
    if wants_json():
        return jsonify(error={"code": "signed_out", "message": "Sign in to go on."}), 401
    if request.headers.get("HX-Request"):
        return "", 401  # a redirect would swap the sign-in page into the app; shell.js opens a dialog instead
    if request.method in {"GET", "HEAD"}:
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
    flash("Your session ended. Sign in and try again.")
    return redirect(url_for("accounts.sign_in"))
