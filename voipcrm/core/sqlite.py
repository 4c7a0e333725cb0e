"""How we use SQLite: WAL, one writer at a time, and writers of one process in turn instead of by trial."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from flask import has_request_context, request
from sqlalchemy import event

WRITES = "voipcrm_writes"  # an execution option: does this transaction write? Without it the request's method tells
BUSY_MS = 10_000  # how long SQLite itself waits for a writer in another process
TURN_SECONDS = 5.0
PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_MS}", "foreign_keys=ON", "cache_size=-64000")


def tune(engine: sa.Engine) -> None:
    """Set the engine up; call once, before its first connection."""
    turns = _TURNS[engine] = _Turns()
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", turns.begin)
    event.listen(engine, "checkin", turns.done)
    event.listen(engine, "invalidate", turns.done)


def _connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


class _Turns:
    """SQLite makes a second writer sleep and try again, longer each time, so that under load some wait a hundred times
    longer than others. Threads of one process can do better: they queue for a lock of our own first. It only orders;
    what keeps writers apart is SQLite, so a turn that does not come in time is not waited for."""

    _MINE = "voipcrm-turn"

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def begin(self, connection: sa.Connection) -> None:
        """A transaction that may write takes the write lock at once: two read-then-writes can then never overwrite
        each other, and waiting replaces "database is locked". Reading pages (GET, HEAD) take no lock, nor
        does what core.db.begin_reading began."""
        reads = has_request_context() and request.method in {"GET", "HEAD", "OPTIONS"}
        if not connection.get_execution_options().get(WRITES, not reads):
            connection.connection.execute("BEGIN")
            return
        self.take(connection.info)
        connection.connection.execute("BEGIN IMMEDIATE")

    def take(self, info: dict[Any, Any]) -> None:
        """Wait for the turn to write; it ends when the connection of this `info` goes back to the pool."""
        if self._MINE not in info and self._turn.acquire(timeout=TURN_SECONDS):
            info[self._MINE] = self._turn

    def done(self, _connection: Any, record: Any, *_error: Any) -> None:
        """The connection goes back to the pool, its transaction over, whichever way that ended."""
        turn = record.info.pop(self._MINE, None)
        if turn is not None:
            turn.release()


_TURNS: WeakKeyDictionary[sa.Engine, _Turns] = WeakKeyDictionary()


class ShortTransaction:
    """A transaction that writes. Nothing travels, so each statement runs as it is asked."""

    def __init__(self, engine: sa.Engine, lent: Any) -> None:
        self.dialect = engine.dialect
        self._connection = lent.driver_connection
        _TURNS[engine].take(lent.info)
        self._connection.execute("BEGIN IMMEDIATE")

    def ask(self, sql: str, values: Sequence[Any]) -> _Answer:
        if not self._connection.in_transaction:
            raise RuntimeError("nothing can be asked of a transaction that is concluded")
        return _Answer(self._connection.execute(sql, values).fetchall())

    def hurry(self) -> None:
        pass

    def fetch_soon(self) -> None:
        pass

    def conclude(self) -> None:
        self._connection.execute("COMMIT")

    def commit(self) -> None:
        if self._connection.in_transaction:
            self.conclude()


class _Answer:
    __slots__ = ("_found",)

    def __init__(self, found: list[tuple[Any, ...]]) -> None:
        self._found = found

    def fetch(self) -> list[tuple[Any, ...]]:
        return self._found
