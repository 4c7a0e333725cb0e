"""Trunks for tests."""

from __future__ import annotations

from typing import Any

from voipcrm.calls.trunking import make_channels
from voipcrm.core.db import db
from voipcrm.trunks.models import Trunk

PASSWORD = "a-canary-of-a-password"


def trunk(name: str, *, prefixes: tuple[str, ...] = ("+",), max_calls: int = 3, **more: Any) -> Trunk:
    """A trunk with its channels, last in the order. The caller commits."""
    password = more.pop("password", PASSWORD)
    given = {"host": "sip.example.com", "port": 5060, "transport": "udp", "username": "us", **more}
    made = Trunk(name=name, prefixes=list(prefixes), max_calls=max_calls, **given)
    made.set_password(password)
    made.put_last()
    db.session.add(made)
    db.session.flush()
    make_channels(made)
    return made
