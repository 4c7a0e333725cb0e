"""How we use PostgreSQL: connections are tried before use only when they lay idle, and writes that need no answer
share a round trip."""

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
def together(connection: sa.Connection) -> Iterator[None]:
    """Statements inside whose results nobody reads go to the server in one trip; elsewhere nothing changes."""
    if connection.dialect.name != "postgresql":
        yield
        return
    with connection.connection.driver_connection.pipeline():  # pyright: ignore[reportOptionalMemberAccess]
        yield
