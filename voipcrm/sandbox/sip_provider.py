"""A SIP provider to try trunks with, on this machine: it answers OPTIONS over UDP, asks for user and password, and says
which calls it takes. The calls themselves are simulated; no SIP carries them.

Sources: RFC 3261 §8.2 and §22, RFC 7616 §3.4 (digest, with MD5).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from typing import cast

LOOPBACK = ("127.0.0.1", "localhost")
REALM = "sandbox"
ACCOUNTS = {"demo": "demo-trunk", "down": "demo-trunk"}
"""Passwords by user name. `down` is let in and then told 503, as by a provider in trouble."""
LONGEST = 4096
"""Bytes of a request; longer ones are dropped."""

_REQUEST = re.compile(r"([A-Z]{1,20}) (sips?:\S{1,300}) SIP/2\.0")
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_ECHOED = ("via", "from", "to", "call-id", "cseq")


def verdict(username: str, password: str) -> int:
    """What a call with these gets: 200, 403 for nobody we know, 503."""
    if not secrets.compare_digest(ACCOUNTS.get(username, "\0").encode(), password.encode()):
        return 403
    return 503 if username == "down" else 200


class SipProvider(asyncio.DatagramProtocol):
    """Listens where `asyncio.loop.create_datagram_endpoint` puts it."""

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(16)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.answer(data) if len(data) <= LONGEST else None
        if answer and self._transport:
            self._transport.sendto(answer, addr)

    def answer(self, data: bytes) -> bytes | None:
        """To one request; None for what is none, which UDP leaves without an answer."""
        head = data.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        first, *lines = head.split("\r\n")
        request = _REQUEST.fullmatch(first)
        if request is None or request[1] == "ACK":
            return None
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        if not all(headers.get(name) for name in _ECHOED):
            return None
        status, more = self._status(request[1], headers)
        headers["to"] += "" if ";tag=" in headers["to"] else f";tag={secrets.token_hex(4)}"
        echoed = [f"{name.title()}: {headers[name]}" for name in _ECHOED]
        return "\r\n".join([f"SIP/2.0 {status}", *echoed, *more, "Content-Length: 0", "", ""]).encode()

    def _status(self, method: str, headers: dict[str, str]) -> tuple[str, list[str]]:
        if method != "OPTIONS":
            return "501 Not Implemented", []
        given = headers.get("authorization", "")
        if not given:
            challenge = f'Digest realm="{REALM}", nonce="{self._nonce}", qop="auth", algorithm=MD5'
            return "401 Unauthorized", [f"WWW-Authenticate: {challenge}"]
        said = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(given)}
        user = said.get("username", "")
        if not self._is_right(said, method):
            return "403 Forbidden", []
        code = verdict(user, ACCOUNTS[user])
        return ("200 OK" if code == 200 else "503 Service Unavailable"), []

    def _is_right(self, said: dict[str, str], method: str) -> bool:
        password = ACCOUNTS.get(said.get("username", ""))
        if password is None or said.get("nonce") != self._nonce:
            return False
        who = _md5(f"{said['username']}:{REALM}:{password}")
        what = _md5(f"{method}:{said.get('uri', '')}")
        middle = ":".join(said.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
        return secrets.compare_digest(_md5(f"{who}:{middle}:{what}").encode(), said.get("response", "").encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
