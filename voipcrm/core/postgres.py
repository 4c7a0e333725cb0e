"""How we use PostgreSQL: a connection is tried before use only when it lay idle, and short transactions take few
round trips."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg import generators, waiting
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from sqlalchemy import event, exc
from sqlalchemy.dialects.postgresql import psycopg as dialects

IDLE_SECONDS = 10.0  # a restart of the server or a firewall needs longer than that to go unnoticed under load
WAKE_SECONDS = 0.5  # while a statement runs, how often Ctrl-C and the like are looked for
_USED_AT = "voipcrm-used-at"
_PREPARED = "voipcrm-prepared"


def tune(engine: sa.Engine) -> None:
    """Set the engine up; call once, before its first connection."""
    event.listen(engine, "connect", _connected)
    event.listen(engine, "checkin", _put_back)
    event.listen(engine, "checkout", _take)


def _connected(connection: Any, _record: Any) -> None:
    """PostgreSQL plans for disks that turn unless told otherwise: it would rather read half a million rows in their
    order than jump to three thousand of them, which memory and solid state do in a tenth of the time."""
    connection.execute("SET random_page_cost = 1.1")
    connection.commit()


def _put_back(_connection: Any, record: Any) -> None:
    record.info[_USED_AT] = time.monotonic()


def _take(connection: Any, record: Any, _proxy: Any) -> None:
    """SQLAlchemy's pre-ping asks before every use, which costs a webhook as much as one of its own statements."""
    if time.monotonic() - record.info.get(_USED_AT, time.monotonic()) < IDLE_SECONDS:
        return
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except Exception as gone:
        raise exc.DisconnectionError from gone  # the pool opens a new one and asks again


class ShortTransaction:
    """A transaction in libpq's pipeline mode. Statements wait here until somebody is in a hurry or reads an answer,
    then all travel together; those that nobody reads travel with the end. What stands between two Syncs of a pipeline
    is a transaction without BEGIN and COMMIT; a connection that is closed before its Sync leaves nothing behind
    (PostgreSQL's documentation, "Pipeline Mode" and "Extended Query").

    psycopg has a pipeline of its own, whose cursors talk to the server at every statement instead of at every answer:
    three times the processor time (bench/webhooks.py). So this goes one storey down, to `psycopg.pq`, and keeps
    psycopg's conversion of values. The server parses each statement once a connection."""

    dialect = dialects.dialect(paramstyle="numeric_dollar")  # the way to write parameters that the wire knows

    def __init__(self, lent: Any) -> None:
        link = lent.driver_connection
        self._wire = link.pgconn
        self._values = Transformer(link)
        self._names: dict[str, bytes] = lent.info.setdefault(_PREPARED, {})
        self._asked: list[_Answer | None] = []  # whose answer each statement is; None: nobody's
        self._owed: deque[list[_Answer | None]] = deque()  # the same, of those whose answers come together
        self._is_concluded = False
        self._wire.enter_pipeline_mode()

    def ask(self, sql: str, values: Sequence[Any] = ()) -> _Answer:
        if self._is_concluded:
            raise RuntimeError("nothing can be asked of a transaction that is concluded")
        name = self._names.get(sql)
        if name is None:
            # Kept by the connection. When the statement is refused, the connection is given up and its names with it.
            name = self._names[sql] = b"voipcrm_%d" % len(self._names)
            self._wire.send_prepare(name, sql.encode())
            self._asked.append(None)
        # As text: a binary integer would have the size of its value, and the statement expects that of its column.
        given = self._values.dump_sequence(values, [PyFormat.TEXT] * len(values)) if values else None
        self._wire.send_query_prepared(name, given)
        answer = _Answer(self)
        self._asked.append(answer)
        return answer

    def hurry(self) -> None:
        self._wire.flush()

    def fetch_soon(self) -> None:
        if self._asked:
            self._wire.send_flush_request()
            self._depart()

    def conclude(self) -> None:
        self._wire.pipeline_sync()
        self._asked.append(None)
        self._is_concluded = True
        self._depart()

    def commit(self) -> None:
        if not self._is_concluded:
            self.conclude()
        while self._owed:
            self._read()
        self._wire.exit_pipeline_mode()

    def bring(self, answer: _Answer) -> None:
        """Read up to this answer and no further: the database is at the rest meanwhile."""
        if answer in self._asked:
            self.fetch_soon()
        while answer.found is None:
            self._read()

    def _depart(self) -> None:
        self._owed.append(self._asked)
        self._asked = []
        self._wire.flush()  # what finds no room goes when answers are read

    def _read(self) -> None:
        together = self._owed.popleft()
        answers = waiting.wait(_answers(self._wire, len(together)), self._wire.socket, interval=WAKE_SECONDS)
        for asked, results in zip(together, answers, strict=True):
            result = results[-1]
            if result.status == ExecStatus.FATAL_ERROR:
                raise error_from_result(result)
            if asked is not None:
                asked.found = self._rows(result)

    def _rows(self, result: Any) -> list[tuple[Any, ...]]:
        if result.status != ExecStatus.TUPLES_OK or not result.ntuples:
            return []
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, tuple)


class _Answer:
    __slots__ = ("_transaction", "found")

    def __init__(self, transaction: ShortTransaction) -> None:
        self._transaction = transaction
        self.found: list[tuple[Any, ...]] | None = None

    def fetch(self) -> list[tuple[Any, ...]]:
        if self.found is None:
            self._transaction.bring(self)
        return self.found or []


def _answers(wire: Any, count: int) -> Generator[Any, Any, list[Any]]:
    """Generator for `psycopg.waiting.wait`: the results of so many commands, in order."""
    yield from generators.send(wire)
    answers = []
    for _ in range(count):
        answers.append((yield from generators.fetch_many(wire)))
    return answers
