"""One SIP request to one address and its final answer, over UDP, TCP or TLS, before a moment by which it must be over.

Source: RFC 3261 §17.1.2 (retransmission over UDP), §18 (transports), RFC 3581 (rport).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Protocol

from voipcrm.telephony.sip_message import MOST_BODY_BYTES, MOST_HEADER_BYTES, NotSip, Response, read

FIRST_WAIT = 0.5  # seconds until a datagram is sent again (T1); doubled each time up to T2
LONGEST_WAIT = 4.0
IsMine = Callable[[Response], bool]


class TimedOut(Exception):
    """No final answer before the moment."""


class Wire(Protocol):
    """An open way to the server."""

    name: str  # as in Via

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port."""
        ...

    def ask(self, message: bytes, is_mine: IsMine, until: float) -> Response:
        """The first final answer that is to this message. Raises TimedOut, NotSip, OSError."""
        ...

    def close(self) -> None: ...


def connect(transport: str, address: str, port: int, *, server_name: str, until: float) -> Wire:
    """A way to address:port. server_name: whom the TLS certificate must name. until: of time.monotonic().
    Raises TimedOut, OSError (ssl.SSLError among them)."""
    if transport == "udp":
        return _Udp(address, port)
    raw = socket.create_connection((address, port), timeout=_left(until))
    if transport == "tcp":
        return _Stream(raw, "TCP")
    try:
        raw.settimeout(_left(until))
        secured = ssl.create_default_context().wrap_socket(raw, server_hostname=server_name)
    except BaseException:
        raw.close()
        raise
    return _Stream(secured, "TLS")


class _Udp:
    name = "UDP"

    def __init__(self, address: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((address, port))  # so that only this address is heard, and "port unreachable" is told

    @property
    def local(self) -> tuple[str, int]:
        return self._socket.getsockname()

    def ask(self, message: bytes, is_mine: IsMine, until: float) -> Response:
        wait, again_at = FIRST_WAIT, 0.0
        while True:
            left = _left(until)
            if time.monotonic() >= again_at:
                self._socket.send(message)
                again_at, wait = time.monotonic() + wait, min(2 * wait, LONGEST_WAIT)
            self._socket.settimeout(max(0.001, min(left, again_at - time.monotonic())))
            try:
                datagram = self._socket.recv(MOST_HEADER_BYTES + MOST_BODY_BYTES)
                response = read(datagram.partition(b"\r\n\r\n")[0])
            except (TimeoutError, NotSip):  # a stray datagram proves nothing
                continue
            if not is_mine(response):
                continue
            if response.is_final:
                return response
            again_at = max(again_at, time.monotonic() + LONGEST_WAIT)  # it has the request: repeat seldom

    def close(self) -> None:
        self._socket.close()


class _Stream:
    def __init__(self, connected: socket.socket, name: str) -> None:
        self._socket, self.name = connected, name
        self._heard = b""

    @property
    def local(self) -> tuple[str, int]:
        return self._socket.getsockname()

    def ask(self, message: bytes, is_mine: IsMine, until: float) -> Response:
        self._socket.settimeout(_left(until))
        self._socket.sendall(message)
        while True:
            response = self._next(until)
            if response.is_final and is_mine(response):
                return response

    def _next(self, until: float) -> Response:
        self._heard = self._heard.lstrip(b"\r\n")  # keep-alives between messages
        while b"\r\n\r\n" not in self._heard:
            if len(self._heard) > MOST_HEADER_BYTES:
                raise NotSip("too long")
            self._hear(until)
        head, _, rest = self._heard.partition(b"\r\n\r\n")
        response = read(head)
        self._heard = rest
        while len(self._heard) < response.body_bytes:
            self._hear(until)
        self._heard = self._heard[response.body_bytes :].lstrip(b"\r\n")
        return response

    def _hear(self, until: float) -> None:
        self._socket.settimeout(_left(until))
        try:
            heard = self._socket.recv(8192)
        except TimeoutError:
            raise TimedOut from None
        if not heard:
            raise NotSip("closed")
        self._heard += heard

    def close(self) -> None:
        self._socket.close()


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimedOut
    return left
