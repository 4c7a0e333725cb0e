"""Short transactions: what a webhook reads and writes, in as few trips to the database as can be.

They take `core.prepared` statements only. SQLAlchemy lends the connection from its pool and stays out of the rest: its
bookkeeping of a transaction costs as much as the statements in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from flask import Response

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


class OnceCommitted(Response):
    """An answer of which nothing is sent before the transaction has committed that the view left open, concluded: it is
    made ready, and the request put away, while the database commits. When it does not, the server answers 500.

    transaction: the stack that entered `short_transaction`, from its `pop_all`."""

    def __init__(self, transaction: contextlib.ExitStack, **response: Any) -> None:
        super().__init__(**response)
        self._transaction = transaction

    def get_app_iter(self, environ: Any) -> Iterable[bytes]:
        return _OnceCommitted(self._transaction, super().get_app_iter(environ))


class _OnceCommitted:
    """The body, as WSGI wants it: headers travel with its first piece or, where there is none, after its end."""

    def __init__(self, transaction: contextlib.ExitStack, body: Iterable[bytes]) -> None:
        self._transaction = transaction
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        self._transaction.close()
        for piece in self._body:  # noqa: UP028 - a server that is through with this would close the body once more
            yield piece

    def close(self) -> None:
        """A server closes also what it never read."""
        self._transaction.close()
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
