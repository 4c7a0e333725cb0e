"""Statements of the hot paths: composed and compiled once, then handed to the driver as they are.

SQLAlchemy looks each execution up in its cache and wraps its result; that costs Python three times what SQLite needs to
run the statement, and a webhook waits for five of them (bench/webhooks.py measures it). Values and columns still pass
through the types of the statement, so that moments and JSON are what they are elsewhere.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    constants: Mapping[str, Any]
    order: tuple[str, ...] | None  # for drivers that take values by place
    into: tuple[tuple[str, Callable[[Any], Any]], ...]  # values that need a conversion on the way in
    row: Any
    out: tuple[tuple[int, Callable[[Any], Any]], ...]  # columns that need one on the way out


class Prepared:
    """A statement with `bindparam`s. `compose` is called once a dialect, when the first connection is at hand."""

    def __init__(self, compose: Callable[[], Any]) -> None:
        self._compose = compose
        self._ready: dict[str, _Compiled] = {}

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> None:
        """Execute within the connection's transaction. Nothing is read, so that a pipeline need not wait for it."""
        self._execute(connection, values, self._for(connection)).close()

    def rows(self, connection: sa.Connection, values: Mapping[str, Any]) -> list[Any]:
        """The selected or returned rows, as named tuples."""
        ready = self._for(connection)
        cursor = self._execute(connection, values, ready)
        found = cursor.fetchall()
        cursor.close()
        if not ready.out:
            return [ready.row._make(one) for one in found]
        return [_converted(ready, one) for one in found]

    def first(self, connection: sa.Connection, values: Mapping[str, Any]) -> Any:
        """The first of the rows, or None."""
        found = self.rows(connection, values)
        return found[0] if found else None

    def _execute(self, connection: sa.Connection, values: Mapping[str, Any], ready: _Compiled) -> Any:
        given = {**ready.constants, **values}
        for name, convert in ready.into:
            given[name] = convert(given[name])
        cursor = connection.connection.cursor()
        cursor.execute(ready.sql, tuple(given[name] for name in ready.order) if ready.order is not None else given)
        return cursor

    def _for(self, connection: sa.Connection) -> _Compiled:
        dialect = connection.dialect
        ready = self._ready.get(dialect.name)
        if ready is None:
            ready = self._ready[dialect.name] = _compile(self._compose(), dialect)
        return ready


def _compile(statement: Any, dialect: sa.Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    columns = list(statement.exported_columns)
    converters = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    return _Compiled(
        sql=str(compiled),
        constants={name: value for name, value in compiled.params.items() if value is not None},
        order=tuple(compiled.positiontup) if compiled.positiontup is not None else None,
        into=tuple(
            (name, convert)
            for param, name in compiled.bind_names.items()
            if (convert := param.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        ),
        row=namedtuple("Row", [column.key for column in columns]),
        out=tuple((place, convert) for place, convert in enumerate(converters) if convert is not None),
    )


def _converted(ready: _Compiled, found: Any) -> Any:
    row = list(found)
    for place, convert in ready.out:
        row[place] = convert(row[place])
    return ready.row._make(row)
