"""How we use PostgreSQL: a connection is tried before use only when it lay idle, and short transactions take few
round trips."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

IDLE_SECONDS = 10.0  # a restart of the server or a firewall needs longer than that to go unnoticed under load
_USED_AT = "voipcrm-used-at"


def tune(engine: sa.Engine) -> None:
    """Set the engine up; call once, before its first connection."""
    event.listen(engine, "checkin", _put_back)
    event.listen(engine, "checkout", _take)


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


@contextlib.contextmanager
def short_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that commits when the block ends and rolls back when it raises. On PostgreSQL its statements go out
    in a pipeline: BEGIN travels with the first question, and writes whose result nobody reads travel with COMMIT."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(engine.connect())
        if connection.dialect.name == "postgresql":
            stack.enter_context(connection.connection.driver_connection.pipeline())  # pyright: ignore[reportOptionalMemberAccess]
        stack.enter_context(connection.begin())
        yield connection
