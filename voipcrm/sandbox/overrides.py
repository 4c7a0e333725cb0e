"""Connection overrides: what a webhook address asks for in its fragment, such as `#ct=2000&rt=4000&rc=2&rp=all`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urldefrag

POLICIES = frozenset({"4xx", "5xx", "ct", "rt", "all"})


@dataclass(frozen=True)
class Overrides:
    """Milliseconds to connect (ct), to the first byte (rt), for all tries (tt); retries (rc) and on what (rp)."""

    ct: int = 5000
    rt: int = 15000
    tt: int = 15000
    rc: int = 1
    rp: frozenset[str] = frozenset({"ct"})

    def retries_after(self, failure: str) -> bool:
        """`failure` is one of ct, rt, 4xx, 5xx."""
        return failure in self.rp or "all" in self.rp


def split(address: str) -> tuple[str, Overrides]:
    """The address without its fragment, and what the fragment asks for. A value out of range keeps the default."""
    url, fragment = urldefrag(address)
    asked = dict(parse_qsl(fragment.replace(";", "&")))
    policies = frozenset(asked.get("rp", "").split(",")) & POLICIES
    return url, Overrides(
        ct=_within(asked.get("ct"), 100, 10000, 5000),
        rt=_within(asked.get("rt"), 100, 15000, 15000),
        tt=_within(asked.get("tt"), 100, 15000, 15000),
        rc=_within(asked.get("rc"), 0, 5, 1),
        rp=policies or frozenset({"ct"}),
    )


def _within(text: str | None, low: int, high: int, default: int) -> int:
    return int(text) if text and text.isdigit() and low <= int(text) <= high else default
