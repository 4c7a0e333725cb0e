"""A TwiML document: fetched, checked as Twilio checks it, and read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from voipcrm.sandbox.webhooks import BODY_LIMIT, Webhooks

XML_TYPES = frozenset({"text/xml", "application/xml"})
DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)


class DocumentError(Exception):
    """A document that cannot be run. `code` is Twilio's: 11200, 11205, 11210, 11750, 12100, 12300."""

    def __init__(self, code: int, detail: str, url: str = "", *, reported: bool = False) -> None:
        super().__init__(f"{code} {detail}")
        self.code, self.detail, self.url = code, detail, url
        self.reported = reported  # the webhook has already put it in the debugger


@dataclass(frozen=True)
class Goto:
    """Go on with the document at this address; `fields` come on top of what every request about the call carries."""

    url: str
    method: str = "POST"
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """The verbs of one <Response>, in order; `url` is what relative addresses in it refer to."""

    verbs: tuple[Element, ...]
    url: str

    def absolute(self, address: str) -> str:
        """An address in this document, made whole; empty means the document's own."""
        return urljoin(self.url, address.strip()) if address.strip() else self.url


def parse(body: bytes | str, url: str) -> Document:
    """Raises DocumentError 12100 (not XML, or not a <Response>) or 11750 (too large)."""
    raw = body.encode() if isinstance(body, str) else body
    if len(raw) > BODY_LIMIT:
        raise DocumentError(11750, f"{len(raw)} bytes", url)
    if not raw.strip():
        return Document((), url)
    if DOCTYPE.search(raw):  # entities are the only use of one, and an attack
        raise DocumentError(12100, "a DOCTYPE is not allowed", url)
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314 - no DOCTYPE, so no entities to expand
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DocumentError(12100, str(error), url) from error
    if root.tag != "Response":
        raise DocumentError(12100, f"the root is <{root.tag}>, not <Response>", url)
    return Document(tuple(root), url)


async def fetch(webhooks: Webhooks, goto: Goto, fields: Mapping[str, str], purpose: str = "voice") -> Document:
    """Requests it with the fields. A sound file counts as a document that plays it. Raises DocumentError."""
    reply = await webhooks.request(goto.url, dict(fields) | dict(goto.fields), method=goto.method, purpose=purpose)
    if not reply.is_success:
        raise DocumentError(reply.error, reply.detail, goto.url, reported=True)
    if reply.status == 204 or not reply.body.strip():
        return Document((), goto.url)
    if reply.content_type.startswith("audio/"):
        play = Element("Play")
        play.text = goto.url
        return Document((play,), goto.url)
    if reply.content_type not in XML_TYPES:
        raise DocumentError(12300, reply.content_type, goto.url)
    return parse(reply.body, goto.url)


def flag(verb: Element, name: str, default: bool = False) -> bool:
    """A true/false attribute."""
    value = verb.get(name, "").strip().lower()
    return value == "true" if value in ("true", "false") else default


def whole(verb: Element, name: str, default: int, low: int = 0, high: int = 10**6) -> int:
    """A whole number attribute, brought within its bounds; the default when it is not a number."""
    text = verb.get(name, "").strip()
    return min(max(int(text), low), high) if re.fullmatch(r"-?[0-9]{1,9}", text) else default


def words(verb: Element, name: str) -> tuple[str, ...]:
    """An attribute that lists events, separated by spaces or commas."""
    return tuple(verb.get(name, "").replace(",", " ").split())


def text_of(verb: Element) -> str:
    """The text directly inside, SSML children included, white space made single."""
    return " ".join("".join(verb.itertext()).split())
