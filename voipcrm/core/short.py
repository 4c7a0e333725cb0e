"""Short transactions: what a webhook reads and writes, in as few trips to the database as can be.

They take `core.prepared` statements only. SQLAlchemy lends the connection from its pool and stays out of the rest: its
bookkeeping of a transaction costs as much as the statements in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from voipcrm.core import postgres, sqlite
from voipcrm.core.prepared import Short


@contextlib.contextmanager
def short_transaction(engine: sa.Engine) -> Iterator[Short]:
    """A transaction that commits when the block ends and is rolled back when it raises."""
    lent = engine.raw_connection()
    try:
        if engine.dialect.name == "sqlite":
            transaction = sqlite.ShortTransaction(engine, lent)
        else:
            transaction = postgres.ShortTransaction(lent)
        yield transaction
        transaction.commit()
    except BaseException as trouble:
        # The pool would roll back too, but only where nothing is on its way; closing the connection always does.
        lent.invalidate(trouble)
        raise
    finally:
        lent.close()
