"""Keyset paging: any page costs what the first one costs, and rows that arrive meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from flask import request

from voipcrm.core.db import Moment, db

R = TypeVar("R")
PAGE_SIZE = 50


@dataclass(frozen=True)
class Page(Generic[R]):
    """One page of rows, with the opaque cursors of its neighbours (None where there is none)."""

    rows: Sequence[R]
    older: str | None
    newer: str | None


def page_of(
    query: sa.Select[Any],
    *keys: Any,
    cursor: str | None = None,
    size: int = PAGE_SIZE,
    descending: bool = True,
    either: Sequence[sa.Select[Any]] = (),
    made: Callable[[sa.Row[Any]], Any] | None = None,
) -> Page[Any]:
    """The page at `cursor` of a query in the order of `keys`, whose last one is unique. A bad cursor is page one.

    `either`: the page is of those rows of `query` that one of these selects. An OR would have all its rows sorted; the
    first few of each select come out of its own index, and only these are sorted.

    `made`: the query gives columns, and each row of the page is what this makes of them; it has the keys' names too."""
    place = _decode(cursor, keys)
    backwards = place is not None and place["to"] == "newer"
    falling = descending != backwards

    def first(rows: sa.Select[Any]) -> sa.Select[Any]:
        if place is not None:
            edge = sa.tuple_(*(sa.literal(value, key.type) for value, key in zip(place["at"], keys, strict=True)))
            rows = rows.where(sa.tuple_(*keys) < edge if falling else sa.tuple_(*keys) > edge)
        return rows.order_by(*(k.desc() if falling else k.asc() for k in keys)).limit(size + 1)

    if either:
        ids = [sa.select(first(one.with_only_columns(keys[-1])).subquery()) for one in either]
        query = query.where(keys[-1].in_(sa.select(sa.union(*ids).subquery())))
    if made is None:
        found = list(db.session.scalars(first(query)).unique())
    else:
        found = [made(row) for row in db.session.execute(first(query))]
    more, rows = len(found) > size, found[:size]
    if backwards:
        rows.reverse()
    has_newer, has_older = (more, True) if backwards else (place is not None, more)
    names = [k.key for k in keys]
    return Page(
        rows,
        older=_encode("older", rows[-1], names) if rows and has_older else None,
        newer=_encode("newer", rows[0], names) if rows and has_newer else None,
    )


def cursor_of_request() -> str | None:
    return request.args.get("page") or None


def _encode(to: str, row: Any, names: list[str]) -> str:
    at = [v.isoformat() if isinstance(v := getattr(row, name), date) else v for name in names]
    return base64.urlsafe_b64encode(json.dumps([to, *at]).encode()).decode().rstrip("=")


def _decode(cursor: str | None, keys: Sequence[Any]) -> dict[str, Any] | None:
    if not cursor:
        return None
    try:
        to, *at = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if to not in {"older", "newer"}:
            return None
        return {"to": to, "at": [_back(value, key) for value, key in zip(at, keys, strict=True)]}
    except (ValueError, TypeError, binascii.Error):
        return None


def _back(value: Any, key: Any) -> Any:
    """The value as its column holds it. Raises ValueError or TypeError for what it cannot hold."""
    if isinstance(key.type, Moment):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if isinstance(key.type, sa.Date):
        return date.fromisoformat(value)
    if isinstance(key.type, sa.Integer):
        if type(value) is not int or not 0 <= value < 2**31:
            raise ValueError(value)
    elif not isinstance(value, str) or "\x00" in value:
        raise ValueError(value)
    return value
