"""Requests from the network to the application: signed, timed and retried as Twilio does it; every try is kept."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from voipcrm.sandbox import overrides
from voipcrm.sandbox.disorder import Disorder
from voipcrm.sandbox.notifications import Notifications
from voipcrm.sandbox.overrides import Overrides
from voipcrm.sandbox.signature import sign
from voipcrm.sandbox.tasks import Tasks

BODY_LIMIT = 64 * 1024
MAX_REDIRECTS = 5
REDIRECTS_THAT_DROP_THE_FORM = (301, 302, 303)


@dataclass(frozen=True)
class Reply:
    """What came back. `error` is 0 or a Twilio code: 11200, 11205, 11206, 11210, 11750."""

    status: int
    content_type: str
    body: bytes
    error: int = 0
    detail: str = ""
    failure: str = ""  # ct, rt, 4xx or 5xx: what a retry policy goes by

    @property
    def is_success(self) -> bool:
        """A 2xx that arrived whole."""
        return self.error == 0


@dataclass
class Delivery:
    """One webhook as the control page shows it; `tries` holds (status or error, milliseconds) of each attempt."""

    url: str
    method: str
    purpose: str
    params: dict[str, str]
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    state: str = "sending"
    tries: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """All of it; the params are what an application's own log would hold too."""
        return dict(self.__dict__)


class Webhooks:
    """
    `request` for the answers that steer a call, `notify` for callbacks. Callbacks of one order key arrive one
    after the other, unless a disorder is asked for.
    """

    def __init__(self, auth_token: str, notifications: Notifications, disorder: Disorder, tasks: Tasks) -> None:
        self.auth_token = auth_token
        self.notifications = notifications
        self.disorder = disorder
        self.tasks = tasks
        self.recent: deque[Delivery] = deque(maxlen=500)
        self.delivered = self.failed = 0
        self._lines: dict[str, asyncio.Queue[tuple[str, str, dict[str, str], str]]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Within the running loop, before the first request."""
        # A connection each: one that the application closes while we reuse it would lose a callback, and a callback
        # that waits for a slow answer must not hold up a call (limit=0). No cookies, no proxy of the environment.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    async def close(self) -> None:
        """Open connections are dropped."""
        if self._session:
            await self._session.close()

    def notify(
        self, address: str, params: Mapping[str, object], *, purpose: str, order_key: str, method: str = "POST"
    ) -> None:
        """Sends a callback in the background; its body is not read. An empty address is nothing to do."""
        if not address:
            return
        fields = _texts(params)
        if self.disorder.touches(address):
            summary = {"url": address, "purpose": purpose, "status": _status_of(fields), "key": order_key}
            self.disorder.take(summary, lambda: self.request(address, fields, method=method, purpose=purpose))
            return
        line = self._lines.get(order_key)
        if line is None:
            line = self._lines[order_key] = asyncio.Queue()
            self.tasks.start(self._drain(order_key, line), name=f"callbacks of {order_key}")
        line.put_nowait((address, method, fields, purpose))

    async def _drain(self, order_key: str, line: asyncio.Queue[tuple[str, str, dict[str, str], str]]) -> None:
        while not line.empty():
            address, method, fields, purpose = line.get_nowait()
            await self.request(address, fields, method=method, purpose=purpose)
        # No await between the check and this: a new callback opens a new line.
        del self._lines[order_key]

    async def request(
        self, address: str, params: Mapping[str, object], *, method: str = "POST", purpose: str = "voice"
    ) -> Reply:
        """Fetches with the retries that the address asks for. Never raises; a failure is in the reply and kept."""
        url, wishes = overrides.split(address)
        fields = _texts(params)
        delivery = Delivery(url=url, method=method.upper(), purpose=purpose, params=fields)
        self.recent.append(delivery)
        token = str(uuid.uuid4())  # the same for each retry, so that the receiver can tell
        ends_at = time.monotonic() + wishes.tt / 1000
        reply = Reply(0, "", b"", 11200, "not tried", "ct")
        for _ in range(wishes.rc + 1):
            left = ends_at - time.monotonic()
            if left <= 0:
                break
            began = time.monotonic()
            reply = await self._try(url, method.upper(), fields, wishes, left=left, token=token)
            spent_ms = round((time.monotonic() - began) * 1000)
            delivery.tries.append({"status": reply.status, "error": reply.error, "ms": spent_ms})
            if reply.is_success or not wishes.retries_after(reply.failure):
                break
        delivery.state = "delivered" if reply.is_success else "failed"
        if reply.is_success:
            self.delivered += 1
        else:
            self.failed += 1
            self.notifications.add(reply.error, reply.detail, call_sid=fields.get("CallSid", ""), url=url)
        return reply

    async def _try(
        self, url: str, method: str, fields: dict[str, str], wishes: Overrides, *, left: float, token: str
    ) -> Reply:
        timeout = aiohttp.ClientTimeout(
            total=left, sock_connect=min(wishes.ct / 1000, left), sock_read=min(wishes.rt / 1000, left)
        )
        try:
            for _ in range(MAX_REDIRECTS):
                status, content_type, body, location = await self._send(url, method, fields, timeout, token)
                if location is None or not 300 <= status < 400:
                    return _judged(status, content_type, body)
                url = urljoin(url, location)
                if status in REDIRECTS_THAT_DROP_THE_FORM:
                    method, fields = "GET", {}
            return Reply(0, "", b"", 11200, "too many redirects", "4xx")
        except aiohttp.ClientConnectorDNSError:
            return Reply(0, "", b"", 11210, "host name not found", "ct")
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as error:
            return Reply(0, "", b"", 11205, type(error).__name__, "ct")
        except TimeoutError:
            return Reply(0, "", b"", 11200, "no answer in time", "rt")
        except (aiohttp.ClientError, ValueError) as error:
            return Reply(0, "", b"", 11206, type(error).__name__, "5xx")

    async def _send(
        self, url: str, method: str, fields: dict[str, str], timeout: aiohttp.ClientTimeout, token: str
    ) -> tuple[int, str, bytes, str | None]:
        """One HTTP exchange, and a second with the address's user and password if the first is refused."""
        if self._session is None:
            raise RuntimeError("Webhooks.open() was not awaited")
        if method == "GET" and fields:
            url += ("&" if urlsplit(url).query else "?") + urlencode(fields)
        form = list(fields.items()) if method == "POST" else []
        headers = {
            "X-Twilio-Signature": sign(self.auth_token, url, form),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        bare, credentials = _without_credentials(url)
        tries: list[aiohttp.BasicAuth | None] = [None, credentials] if credentials else [None]
        status, content_type, body, location = 0, "", b"", None
        for auth in tries:
            async with self._session.request(
                method,
                URL(bare, encoded=True),  # exactly the bytes that were signed
                data=urlencode(form).encode() if method == "POST" else None,
                headers=headers
                | ({"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"} if method == "POST" else {})
                | ({"Authorization": auth.encode()} if auth else {}),
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body = await response.content.read(BODY_LIMIT + 1)
                while len(body) <= BODY_LIMIT and not response.content.at_eof():
                    body += await response.content.read(BODY_LIMIT + 1 - len(body))
                status, content_type = response.status, response.content_type
                location = response.headers.get("Location")
            if status != 401:
                break
        return status, content_type, body, location


def _judged(status: int, content_type: str, body: bytes) -> Reply:
    if not 200 <= status < 300:
        failure = "4xx" if 400 <= status < 500 else "5xx"
        return Reply(status, content_type, body, 11200, f"the application answered {status}", failure)
    if len(body) > BODY_LIMIT:
        return Reply(status, content_type, b"", 11750, "more than 64 kB", "")
    return Reply(status, content_type, body)


def _without_credentials(url: str) -> tuple[str, aiohttp.BasicAuth | None]:
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host)), aiohttp.BasicAuth(parts.username, parts.password or "")


def _texts(params: Mapping[str, object]) -> dict[str, str]:
    """Form fields are text; a field without a value is left out as Twilio does."""
    return {name: str(value) for name, value in params.items() if value is not None}


def _status_of(fields: Mapping[str, str]) -> str:
    for name in ("StatusCallbackEvent", "RecordingStatus", "CallStatus"):
        if name in fields:
            return fields[name]
    return ""
