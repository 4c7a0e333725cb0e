"""The Flask app, with one thing less: what is done around the request of a person is not done around the provider's.

Sessions, CSRF, rate limits and identities each look at every request. A webhook has none of them, its signature is its
gate, and while it is answered a caller hears silence (bench/webhooks.py: they cost as much as the ledger's SQL)."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSessionInterface

PROVIDER = "webhooks"  # the blueprint that brings a gate of its own
PROVIDER_PATH = "/voip/webhook/"


class App(Flask):
    """For the provider's blueprint only the hooks that it registered itself run."""

    def preprocess_request(self) -> Any:
        if request.blueprint != PROVIDER:
            return super().preprocess_request()
        for check in self.before_request_funcs[PROVIDER]:
            check()  # raises what refuses
        return None

    def process_response(self, response: Response) -> Response:
        if request.blueprint != PROVIDER:
            return super().process_response(response)
        for after in self.after_request_funcs[PROVIDER]:
            after(response)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def do_teardown_request(self, *args: Any, **kwargs: Any) -> None:
        if request.blueprint != PROVIDER:
            super().do_teardown_request(*args, **kwargs)


class Sessions(SecureCookieSessionInterface):
    """No session for the provider, whatever cookie it might send."""

    def open_session(self, app: Flask, request: Request) -> Any:
        return None if request.path.startswith(PROVIDER_PATH) else super().open_session(app, request)
