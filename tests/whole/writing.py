"""Fills forms: plausible values in every field, and in one of them what the test chooses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from whole.crawling import PARTIAL, Crawler
from whole.reading import Way

_numbers = count(1)
PLAUSIBLE = (  # what fits where the name of the field has this in it
    ("mail", lambda n: f"somebody{n}@example.com"),
    ("number", lambda n: f"+1415555{n % 10_000:04}"),
    ("prefix", lambda _: "+4930"),
    ("website", lambda _: "https://example.com"),
    ("host", lambda _: "192.0.2.1"),
    ("code", lambda _: "123456"),
)


def filled(way: Way, name: str, value: str) -> list[tuple[str, str]]:
    """The fields of that form with `value` in the field `name`, and something that fits in the empty ones."""
    return [(field, value if field == name else given or plausible(way, field)) for field, given in way.fields]


def plausible(way: Way, name: str) -> str:
    if name not in way.free:
        return ""
    number = next(_numbers)
    return next((fits(number) for part, fits in PLAUSIBLE if part in name), f"Something {number}")


def attempts(crawler: Crawler, values: tuple[str, ...]) -> Iterator[tuple[Way, str, str]]:
    """(form, field, value) for every field that people write in; filters and searches too."""
    for way, _ in crawler.forms.values():
        for name in sorted(way.free):
            for value in values:
                yield way, name, value


def send(crawler: Crawler, way: Way, fields: list[tuple[str, str]]) -> Any:
    """As a browser sends them, even what is no text at all (a lone surrogate)."""
    body = urlencode(fields, errors="surrogatepass")
    headers = {"Content-Type": "application/x-www-form-urlencoded", **(PARTIAL if way.partial else {})}
    return crawler.browser().open(way.address, method=way.method, data=body, headers=headers)


def questions(crawler: Crawler, values: tuple[str, ...]) -> Iterator[str]:
    """Every address with a query, with each of its values replaced."""
    asked = {}
    for visit in crawler.visits:
        parts = urlsplit(visit.way.address)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        asked.setdefault((parts.path, frozenset(name for name, _ in pairs)), (parts.path, pairs))
    for path, pairs in asked.values():
        for name in {name for name, _ in pairs}:
            for value in values:
                changed = [(field, value if field == name else given) for field, given in pairs]
                yield f"{path}?{urlencode(changed, errors='surrogatepass')}"
