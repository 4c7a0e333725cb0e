"""What REST operations read and write: form fields, dates, pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiMapping

from voipcrm.sandbox.rest.guard import RestError
from voipcrm.sandbox.status_callbacks import rfc2822

T = TypeVar("T")
PAGE_SIZE, LARGEST_PAGE = 50, 1000


async def form_of(request: web.Request) -> MultiMapping[str]:
    """The form fields of a POST; files are not accepted."""
    fields = await request.post()
    if any(not isinstance(value, str) for value in fields.values()):
        raise RestError(400, 20001, "Files are not accepted")
    return cast(MultiMapping[str], fields)


def boolean(fields: MultiMapping[str], name: str, default: bool = False) -> bool:
    """`true` or `false` in any case. Raises RestError 20001."""
    value = fields.get(name)
    if value is None:
        return default
    if value.lower() not in ("true", "false"):
        raise RestError(400, 20001, f"{name} must be true or false")
    return value.lower() == "true"


def whole(fields: MultiMapping[str], name: str, default: int, low: int, high: int) -> int:
    """A whole number within bounds. Raises RestError 20001."""
    value = fields.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
        raise RestError(400, 20001, f"{name} must be a number from {low} to {high}")
    return int(value)


def required(fields: MultiMapping[str], name: str, code: int = 20001) -> str:
    """Raises RestError with that code when it is missing or empty."""
    value = fields.get(name, "").strip()
    if not value:
        raise RestError(400, code, f"No '{name}' parameter was specified")
    return value


def method_of(fields: MultiMapping[str], name: str) -> str:
    """GET or POST; POST by default. Raises RestError 21403."""
    value = fields.get(name, "POST").upper()
    if value not in ("GET", "POST"):
        raise RestError(400, 21403, f"{name} must be GET or POST")
    return value


def stamp(moment: datetime | str | None) -> str | None:
    """RFC 2822 UTC, as version 2010-04-01 writes its dates."""
    if moment is None:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return rfc2822(moment.astimezone(UTC).replace(microsecond=0))


def dated(rows: Iterable[T], query: MultiMapping[str], name: str, when: Callable[[T], datetime | None]) -> list[T]:
    """
    Keeps those that the query's `name`, `name<` and `name>` allow: a whole day (UTC) or an ISO 8601 moment, bounds
    included. Raises RestError 20001 on a date that is none.
    """
    kept = list(rows)
    for suffix in ("", "<", ">"):
        text = query.get(name + suffix)
        if text is None:
            continue
        first, last = _span(name, text)
        kept = [row for row in kept if (moment := when(row)) is not None and _fits(moment, suffix, first, last)]
    return kept


def _fits(moment: datetime, suffix: str, first: datetime, last: datetime) -> bool:
    if suffix == "<":
        return moment <= last
    return moment >= first if suffix == ">" else first <= moment <= last


def _span(name: str, text: str) -> tuple[datetime, datetime]:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            day = date.fromisoformat(text)
            return (
                datetime(day.year, day.month, day.day, tzinfo=UTC),
                datetime(day.year, day.month, day.day, 23, 59, 59, 999999, tzinfo=UTC),
            )
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RestError(400, 20001, f"{name} is not a date: {text}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment, moment.replace(microsecond=999999)


def page(request: web.Request, key: str, rows: Sequence[T], as_json: Callable[[T], dict[str, Any]]) -> web.Response:
    """One page of the rows with the address of the next."""
    size = whole(request.query, "PageSize", PAGE_SIZE, 1, LARGEST_PAGE)
    number = whole(request.query, "Page", 0, 0, 10**6)
    start = number * size
    shown = rows[start : start + size]

    def address(wanted: int) -> str:
        query = [(name, value) for name, value in request.query.items() if name not in ("Page", "PageSize")]
        return f"{request.path}?" + urlencode([*query, ("PageSize", size), ("Page", wanted)])

    return web.json_response(
        {
            key: [as_json(row) for row in shown],
            "page": number,
            "page_size": size,
            "start": start,
            "end": max(start + len(shown) - 1, 0),
            "uri": address(number),
            "first_page_uri": address(0),
            "previous_page_uri": address(number - 1) if number else None,
            "next_page_uri": address(number + 1) if start + size < len(rows) else None,
        }
    )
