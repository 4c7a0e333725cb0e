"""Hosts that people name and we then connect to: only public addresses, so that no page looks into our own network.

A name is looked up once and the connection goes to the address that was judged; a second look-up could answer
otherwise (DNS rebinding). Only IPv4: the phone provider speaks nothing else over SIP.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from queue import Empty, SimpleQueue

from voipcrm.telephony.errors import TelephonyError

LONGEST = 180  # characters; with number and transport a SIP address stays below the provider's 255
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_INSIDE = "This address is inside a private network. The phone provider could not reach it."
_NOT_FOUND = "There is no host of this name. Check its spelling."


class HostRefused(TelephonyError):
    """Nothing is sent to this host; the sentence says why."""


def check_name(host: str, *, allow_loopback: bool) -> None:
    """Raises HostRefused for what is no host name, or an address that is never connected to. Looks nothing up."""
    if len(host) > LONGEST or not _NAME.fullmatch(host):
        raise HostRefused("Enter a host name or an IPv4 address, like sip.example.com.")
    last = host.rpartition(".")[2]
    if last.isdigit() or re.fullmatch("0[xX][0-9a-fA-F]*", last):  # the old ways to write an address: 127.1, 0x7f000001
        _judge(host, allow_loopback=allow_loopback)
    elif "." not in host and not (allow_loopback and host.lower() == "localhost"):
        raise HostRefused("Enter the whole host name, with its domain, like sip.example.com.")


def address_of(host: str, *, allow_loopback: bool, seconds: float) -> str:
    """The first IPv4 address of the host that may be connected to. Raises HostRefused."""
    check_name(host, allow_loopback=allow_loopback)
    found = _look_up(host, seconds)
    for address in found:
        _judge(address, allow_loopback=allow_loopback)  # one address inside is enough to refuse the name
    return found[0]


def _judge(text: str, *, allow_loopback: bool) -> None:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        raise HostRefused("Write the address as four numbers, like 203.0.113.7.") from None
    if address.is_loopback and allow_loopback:
        return
    if not address.is_global or address.is_multicast or address.is_reserved:
        raise HostRefused(_INSIDE)


def _look_up(host: str, seconds: float) -> list[str]:
    """Addresses of a name. In a thread, since the system's resolver knows no time limit of ours."""
    answers: SimpleQueue[list[str]] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            found = []
        answers.put([str(one[4][0]) for one in found])

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        found = answers.get(timeout=seconds)
    except Empty:
        raise HostRefused("The host’s address could not be looked up in time.") from None
    if not found:
        raise HostRefused(_NOT_FOUND)
    return found
