"""The HTTP under the provider's REST library: time-outs, one base URL for the sandbox, our own errors."""

import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

from voipcrm.telephony.errors import ProviderUnreachable

TIMEOUT_SECONDS = 10.0

# The library logs every URL at INFO, and phone numbers with them.
_quiet = logging.getLogger("voipcrm.telephony.wire")
_quiet.setLevel(logging.WARNING)


class Wire(TwilioHttpClient):
    """Sends the library's requests; to `base_url` instead of *.twilio.com if given.

    The host that was meant goes along in X-Sandbox-Host, so that one sandbox can stand for every subdomain.
    Raises ProviderUnreachable for network failures, 429 and 5xx.
    """

    def __init__(self, base_url: str | None = None, *, timeout: float = TIMEOUT_SECONDS) -> None:
        super().__init__(timeout=timeout, logger=_quiet)
        self.base_url = base_url.rstrip("/") if base_url else None
        if self.base_url and self.session:
            # The sandbox is on this machine: a proxy from the environment cannot reach it.
            self.session.trust_env = False

    def request(
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Response:
        headers = dict(headers or {})
        if self.base_url:
            headers["X-Sandbox-Host"] = urlsplit(url).netloc
            url = rebased(url, self.base_url)
        try:
            response = super().request(method, url, params, data, headers, *args, **kwargs)
        except requests.RequestException as failure:
            raise ProviderUnreachable("The phone provider can’t be reached right now.") from failure
        complain_if_unavailable(response.status_code, response.headers)
        return response


def rebased(url: str, base_url: str) -> str:
    """The same path and query at another scheme, host and path prefix."""
    meant, base = urlsplit(url), urlsplit(base_url)
    return urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + meant.path, meant.query, ""))


def complain_if_unavailable(status: int, headers: Any) -> None:
    """Raise ProviderUnreachable for 429 and 5xx, with the wait that the provider asks for."""
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        busy = status == HTTPStatus.TOO_MANY_REQUESTS
        sentence = "The phone provider is busy." if busy else "The phone provider has a problem of its own."
        raise ProviderUnreachable(
            sentence, status=status, retry_after=seconds_to_wait((headers or {}).get("Retry-After"))
        )


def seconds_to_wait(retry_after: str | None) -> float | None:
    """Seconds from now (0 or more) for a Retry-After header, which is a number of seconds or a date; else None."""
    if not retry_after:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        due = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    due = due.replace(tzinfo=UTC) if due.tzinfo is None else due
    return max(0.0, (due - datetime.now(UTC)).total_seconds())
