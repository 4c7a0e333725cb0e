"""SIP messages: a request as bytes, an answer read strictly and within bounds. Source: RFC 3261 §7, §18.3, §20."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_HEADER_BYTES = 16 * 1024
MOST_BODY_BYTES = 64 * 1024
_FIRST_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) ?([^\r\n]{0,200})")
_HEADER = re.compile(r"([!%'*+\-.0-9A-Z_`a-z~]{1,64})[ \t]*:[ \t]*(.*)", re.DOTALL)
_COMPACT = {"v": "via", "i": "call-id", "l": "content-length", "f": "from", "t": "to"}


class NotSip(Exception):
    """These bytes are no SIP answer, or larger than one may be."""


@dataclass(frozen=True, slots=True)
class Response:
    """headers: (name in lower case, value), in their order."""

    code: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def first(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def is_final(self) -> bool:
        return self.code >= 200

    @property
    def body_bytes(self) -> int:
        """How long the body says it is; 0 where it does not say. Raises NotSip."""
        text = self.first("content-length")
        if not text:
            return 0
        if not re.fullmatch("[0-9]{1,7}", text) or int(text) > MOST_BODY_BYTES:
            raise NotSip("content length")
        return int(text)


def request(method: str, uri: str, headers: list[tuple[str, str]]) -> bytes:
    """A request without a body. Raises ValueError when a value would begin a line of its own."""
    if any(re.search(r"[\r\n\x00]", value) for value in (uri, *(value for _, value in headers))):
        raise ValueError("a header is one line")
    lines = [f"{method} {uri} SIP/2.0", *(f"{name}: {value}" for name, value in headers), "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()


def read(head: bytes) -> Response:
    """An answer from its first line to the empty line before the body. Raises NotSip."""
    if len(head) > MOST_HEADER_BYTES:
        raise NotSip("too long")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        raise NotSip("not text") from None
    first, _, rest = text.strip("\r\n").partition("\r\n")
    begun = _FIRST_LINE.fullmatch(first)
    if begun is None:
        raise NotSip("first line")
    headers = []
    for line in re.sub(r"\r\n[ \t]+", " ", rest).split("\r\n"):  # a line that begins with a blank goes on
        found = _HEADER.fullmatch(line)
        if found is None:
            raise NotSip("header")
        name = found[1].lower()
        headers.append((_COMPACT.get(name, name), found[2].strip()))
    return Response(int(begun[1]), begun[2], tuple(headers))
