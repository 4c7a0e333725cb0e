"""Twilio's REST API, version 2010-04-01, as the unmodified client library speaks it."""

from aiohttp import web

from voipcrm.sandbox.rest import account, calls, conferences, participants, recordings
from voipcrm.sandbox.rest.guard import middleware

__all__ = ["add_routes", "middleware"]

ACCOUNT = "/2010-04-01/Accounts/{account}"


def add_routes(app: web.Application) -> None:
    """Every operation below the account."""
    for part in (account, calls, conferences, participants, recordings):
        for method, path, handler in part.ROUTES:
            app.router.add_route(method, ACCOUNT + path, handler)
