"""The nouns of <Dial> that ring somewhere: Number, Client, Sip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypedDict
from xml.etree.ElementTree import Element

from voipcrm.sandbox.addresses import is_number, normal
from voipcrm.sandbox.twiml.documents import Goto, text_of, words
from voipcrm.sandbox.twiml.program import Program


@dataclass(frozen=True)
class Callee:
    """
    Whom to ring: `kind` is number, client or sip; `address` E.164, identity or SIP URI. `custom` go to the browser
    as customParameters; `username` and `password` are for a SIP provider; `screen` is the document that the callee
    hears before being joined.
    """

    kind: str
    address: str
    custom: dict[str, str] = field(default_factory=dict)
    send_digits: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    screen: Goto | None = None
    status_url: str = ""
    status_method: str = "POST"
    status_events: tuple[str, ...] = ()

    @property
    def to(self) -> str:
        """The child call's To."""
        return f"client:{self.address}" if self.kind == "client" else self.address


def callees_of(program: Program, dial: Element) -> Iterator[Callee]:
    """Those named in a <Dial>; bad ones are left out with a line in the debugger."""
    bare = (dial.text or "").strip()
    if bare and not len(dial):
        yield from _number(program, dial, bare)
    for noun in dial:
        address = text_of(noun)
        if noun.tag == "Number":
            yield from _number(program, noun, address)
        elif noun.tag == "Client":
            yield from _client(program, noun)
        elif noun.tag == "Sip":
            yield from _sip(program, noun, address)
        else:
            program.warn(12200, f"<Dial><{noun.tag}> is not built in the sandbox")


class _Common(TypedDict, total=False):
    """The attributes that every noun may have."""

    screen: Goto | None
    status_url: str
    status_method: str
    status_events: tuple[str, ...]


def _common(program: Program, noun: Element) -> _Common:
    status, screen = noun.get("statusCallback", ""), noun.get("url", "")
    return {
        "status_url": program.document.absolute(status) if status else "",
        "status_method": noun.get("statusCallbackMethod", "POST").upper(),
        "status_events": words(noun, "statusCallbackEvent"),
        "screen": Goto(program.document.absolute(screen), noun.get("method", "POST").upper()) if screen else None,
    }


def _number(program: Program, noun: Element, address: str) -> Iterator[Callee]:
    number = normal(address)
    if not is_number(number):
        program.warn(13223, address)
        return
    common = _common(program, noun) if noun.tag == "Number" else _Common()
    yield Callee("number", number, send_digits=noun.get("sendDigits", ""), **common)


def _client(program: Program, noun: Element) -> Iterator[Callee]:
    identity = (noun.findtext("Identity") or noun.text or "").strip()
    if not identity:
        program.warn(12200, "<Client> without an identity")
        return
    custom = {child.get("name", ""): child.get("value", "") for child in noun.findall("Parameter")}
    yield Callee("client", identity, custom=custom, **_common(program, noun))


def _sip(program: Program, noun: Element, address: str) -> Iterator[Callee]:
    if not address.startswith(("sip:", "sips:")) or "@" not in address:
        program.warn(13223, address)
        return
    # Transport and headers after `;` and `?` steer the real thing; the simulated trunk needs user, host and port only.
    where = re.split("[;?]", address, maxsplit=1)[0]
    who, secret = noun.get("username", ""), noun.get("password", "")
    yield Callee("sip", where, username=who, password=secret, **_common(program, noun))
