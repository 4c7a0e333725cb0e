"""Statements of the hot paths: composed and compiled once, then handed to the driver as they are.

SQLAlchemy looks each execution up in its cache and wraps its result; that costs Python three times what SQLite needs to
run the statement, and a webhook waits for five of them (bench/webhooks.py measures it). Values and columns still pass
through the types of the statement, so that moments and JSON are what they are elsewhere.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa


class Pending(Protocol):
    """The answer to a question that may not have been sent yet. Reading it sends it, and all asked before it."""

    def fetch(self) -> list[tuple[Any, ...]]:
        """The rows, as the driver gives them."""
        ...


class Short(Protocol):
    """A transaction of `core.short`: it takes compiled statements only, and knows best when to send them."""

    @property
    def dialect(self) -> sa.Dialect: ...

    def ask(self, sql: str, values: Sequence[Any]) -> Pending:
        """Run it in the order of asking, at the latest when its answer is read or the transaction ends."""
        ...

    def hurry(self) -> None:
        """Send what was asked so far: the database is at it while the caller goes on with something else."""
        ...

    def fetch_soon(self) -> None:
        """The same, and have it send the answers as soon as it has them: the caller is going to read one next."""
        ...

    def conclude(self) -> None:
        """The same with the commit, after which nothing more can be asked. Whoever leaves the transaction waits for it;
        an exception after this no longer undoes anything."""
        ...


Connection = sa.Connection | Short


def hurry(connection: Connection) -> None:
    """Have the database begin with what was asked so far, of which nothing is read soon."""
    if not isinstance(connection, sa.Connection):
        connection.hurry()


def fetch_soon(connection: Connection) -> None:
    """The same for what is read soon. It gains where there is work to do before the answer is."""
    if not isinstance(connection, sa.Connection):
        connection.fetch_soon()


def conclude(connection: Connection) -> None:
    """Have the database commit, where the caller needs it no more and has work to do before it can answer. An ordinary
    connection is left to whoever commits it."""
    if not isinstance(connection, sa.Connection):
        connection.conclude()


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    constants: Mapping[str, Any]
    order: tuple[str, ...] | None  # for drivers that take values by place
    into: tuple[tuple[str, Callable[[Any], Any]], ...]  # values that need a conversion on the way in
    row: Any
    out: tuple[tuple[int, Callable[[Any], Any]], ...]  # columns that need one on the way out


class Asked:
    """A question on its way. On PostgreSQL those asked before the first is read travel together."""

    __slots__ = ("_pending", "_ready")

    def __init__(self, ready: _Compiled, pending: Pending) -> None:
        self._ready = ready
        self._pending = pending

    def rows(self) -> list[Any]:
        """The selected or returned rows, as named tuples."""
        ready, found = self._ready, self._pending.fetch()
        if not ready.out:
            return [ready.row._make(one) for one in found]
        return [_converted(ready, one) for one in found]

    def first(self) -> Any:
        """The first of the rows, or None."""
        found = self.rows()
        return found[0] if found else None


class Prepared:
    """A statement with `bindparam`s. `compose` is called once a dialect, when the first connection is at hand."""

    def __init__(self, compose: Callable[[], Any]) -> None:
        self._compose = compose
        self._ready: dict[str, _Compiled] = {}

    def ask(self, connection: Connection, values: Mapping[str, Any]) -> Asked:
        """Execute within the connection's transaction; the answer may be read later, or never."""
        dialect = connection.dialect
        ready = self._ready.get(dialect.paramstyle)
        if ready is None:
            ready = self._ready[dialect.paramstyle] = _compile(self._compose(), dialect)
        given = {**ready.constants, **values}
        for name, convert in ready.into:
            given[name] = convert(given[name])
        if isinstance(connection, sa.Connection):
            placed = tuple(given[name] for name in ready.order) if ready.order is not None else given
            return Asked(ready, _Executed(connection, ready.sql, placed))
        return Asked(ready, connection.ask(ready.sql, [given[name] for name in ready.order or ()]))

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Execute within the connection's transaction; nothing is read."""
        self.ask(connection, values)

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """The selected or returned rows, as named tuples."""
        return self.ask(connection, values).rows()

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first of the rows, or None."""
        return self.ask(connection, values).first()


class _Executed:
    """Already done, on an ordinary connection."""

    __slots__ = ("_found",)

    def __init__(self, connection: sa.Connection, sql: str, values: Any) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(sql, values)
        self._found: list[tuple[Any, ...]] = list(cursor.fetchall()) if cursor.description else []
        cursor.close()

    def fetch(self) -> list[tuple[Any, ...]]:
        return self._found


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
