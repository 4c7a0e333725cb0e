"""Before every REST operation: who asks, faults on request, and errors in Twilio's form."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from voipcrm.sandbox.parts import PARTS, Parts

log = logging.getLogger(__name__)

PREFIX = "/2010-04-01"
HANG_SECONDS = 60.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RestError(Exception):
    """Answered as {code, message, more_info, status}."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> web.Response:
        """Twilio's error document."""
        content = {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        return web.json_response(content, status=self.status)


def not_found(request: web.Request) -> RestError:
    """20404 as Twilio words it."""
    return RestError(404, 20404, f"The requested resource {request.path} was not found")


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only for paths of the API; the rest of the site passes."""
    if not request.path.startswith(PREFIX):
        return await handler(request)
    parts = request.app[PARTS]
    try:
        _authenticate(request, parts)
        await _fail_on_request(parts)
        return await handler(request)
    except RestError as error:
        return error.response()
    except web.HTTPMethodNotAllowed:
        return RestError(405, 20004, "Method not allowed").response()
    except web.HTTPNotFound:
        return not_found(request).response()
    except web.HTTPException:
        raise
    except Exception:
        log.exception("%s %s", request.method, request.path)
        return RestError(500, 20500, "An internal server error has occurred").response()


def _authenticate(request: web.Request, parts: Parts) -> None:
    """Basic: account SID and auth token, or API key and secret. Raises RestError 20003."""
    refused = RestError(401, 20003, "Authenticate")
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise refused from None
    key = parts.exchange.store.keys.get(user)
    secrets = parts.settings.auth_tokens if user == parts.settings.account_sid else (key.secret,) if key else ()
    known = [hmac.compare_digest(secret.encode(), password.encode()) for secret in secrets]
    if scheme.lower() != "basic" or not any(known):
        raise refused
    account = request.match_info.get("account", parts.settings.account_sid).removesuffix(".json")
    if account != parts.settings.account_sid:
        raise not_found(request)


async def _fail_on_request(parts: Parts) -> None:
    faults = parts.faults
    mode = faults.rest_mode
    if not mode or not faults.take("rest_count"):
        return
    if mode == "hang":
        await asyncio.sleep(HANG_SECONDS)
    elif mode == "429":
        raise RestError(429, 20429, "Too Many Requests")
    else:
        raise RestError(int(mode), 20500, "Fault on request")
