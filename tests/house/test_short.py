"""Short transactions: they leave nothing behind when they fail, and the connections of the pool whole."""

from collections.abc import Callable
from contextlib import ExitStack

import psycopg
import pytest
import sqlalchemy as sa
from services import wait_until
from werkzeug.test import EnvironBuilder

from voipcrm.accounts.models import Team
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.prepared import Prepared, Short, conclude, fetch_soon, hurry
from voipcrm.core.short import OnceCommitted, short_transaction

NAMES = Prepared(lambda: sa.select(Team.name, Team.created_at).where(Team.name == sa.bindparam("name")))
ADD = Prepared(
    lambda: (
        sa.insert(Team)
        .values(name=sa.bindparam("name"), created_at=sa.bindparam("at", type_=Team.created_at.type))
        .returning(Team.id)
    )
)
ECHO = Prepared(lambda: sa.select(sa.bindparam("words", type_=Team.name.type).label("words")))
OWN_PROCESS = Prepared(lambda: sa.select(sa.func.pg_backend_pid().label("pid")))
BROKEN = Prepared(lambda: sa.text("SELECT missing FROM nowhere").columns(sa.column("missing")))
AT = clock.now()


def _do(deed: Callable[[Short], object]) -> object:
    with short_transaction(db.engine) as transaction:
        return deed(transaction)


def _names() -> list[str]:
    with db.engine.connect() as connection:
        return list(connection.scalars(sa.select(Team.name).order_by(Team.name)))


def test_what_is_asked_first_is_read_later_in_any_order(app):
    with app.app_context(), short_transaction(db.engine) as transaction:
        before = NAMES.ask(transaction, {"name": "North"})
        added = ADD.ask(transaction, {"name": "North", "at": AT})
        after = NAMES.ask(transaction, {"name": "North"})
        assert [(row.name, row.created_at) for row in after.rows()] == [("North", AT)]
        assert before.first() is None
        assert added.first().id == added.rows()[0].id


def test_what_nobody_reads_is_written_all_the_same(app):
    with app.app_context():
        with short_transaction(db.engine) as transaction:
            ADD.run(transaction, {"name": "North", "at": AT})
        assert "North" in _names()


def test_a_hurry_changes_only_when_things_happen(app):
    with app.app_context(), short_transaction(db.engine) as transaction:
        before = NAMES.ask(transaction, {"name": "North"})
        hurry(transaction)
        added = ADD.ask(transaction, {"name": "North", "at": AT})
        after = NAMES.ask(transaction, {"name": "North"})
        fetch_soon(transaction)
        unread = ADD.ask(transaction, {"name": "South", "at": AT})
        hurry(transaction)
        assert before.first() is None
        hurry(transaction)
        last = NAMES.ask(transaction, {"name": "North"})
        assert [row.name for row in last.rows()] == [row.name for row in after.rows()] == ["North"]
        assert unread.first().id > added.first().id


def test_what_is_concluded_is_committed_and_takes_no_more(app):
    def conclude_and_raise(transaction):
        ADD.run(transaction, {"name": "North", "at": AT})
        conclude(transaction)
        ADD.run(transaction, {"name": "South", "at": AT})

    with app.app_context():
        with short_transaction(db.engine) as transaction:
            added = ADD.ask(transaction, {"name": "East", "at": AT})
            conclude(transaction)
        assert added.first().id
        assert "East" in _names()
        with pytest.raises(RuntimeError, match="concluded"):
            _do(conclude_and_raise)
        wait_until(lambda: "North" in _names(), 5)  # nobody waited for its commit
        assert "South" not in _names()


def test_words_of_every_kind_come_back_as_they_went(app):
    with app.app_context():
        for words in ("Ümläut 東京 🙂", "'; DROP TABLE teams; --", "x" * 300_000):
            with short_transaction(db.engine) as transaction:
                assert ECHO.first(transaction, {"words": words}).words == words


@pytest.mark.parametrize("is_read", [True, False])
def test_a_block_that_raises_leaves_nothing(app, is_read):
    with app.app_context():

        def change_ones_mind(transaction):
            asked = ADD.ask(transaction, {"name": "North", "at": AT})
            if is_read:
                asked.rows()
            raise LookupError

        with pytest.raises(LookupError):
            _do(change_ones_mind)
        assert "North" not in _names()


def test_a_refused_statement_raises_and_the_next_transaction_works(app):
    def ask_nonsense(transaction):
        ADD.run(transaction, {"name": "North", "at": AT})
        BROKEN.rows(transaction, {})

    with app.app_context():
        for _ in range(3):
            with pytest.raises(Exception, match="nowhere"):
                _do(ask_nonsense)
            with short_transaction(db.engine) as transaction:
                assert NAMES.rows(transaction, {"name": "North"}) == []


def test_a_refusal_that_nobody_reads_is_raised_at_the_commit(app):
    def add_both(transaction):
        ADD.run(transaction, {"name": "South", "at": AT})
        ADD.run(transaction, {"name": "North", "at": AT})

    with app.app_context():
        with short_transaction(db.engine) as transaction:
            ADD.run(transaction, {"name": "North", "at": AT})
        with pytest.raises(Exception, match=r"(?i)unique"):
            _do(add_both)
        assert _names().count("North") == 1
        assert "South" not in _names()


def test_statements_stay_prepared_though_pages_roll_back_in_between(app):
    with app.app_context():
        for _ in range(8):
            with short_transaction(db.engine) as transaction:
                NAMES.rows(transaction, {"name": "North"})
            for _ in range(8):
                db.session.execute(sa.select(Team.id))
            db.session.rollback()
            db.session.remove()


def test_a_connection_that_the_server_closed_is_replaced(app):
    def be_cut_off(transaction):
        own = OWN_PROCESS.first(transaction, {}).pid
        with psycopg.connect(db.engine.url.set(drivername="postgresql").render_as_string(False)) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (own,))
        NAMES.rows(transaction, {"name": "North"})

    with app.app_context():
        if db.engine.dialect.name != "postgresql":
            return  # nothing there that could be closed
        with pytest.raises(psycopg.OperationalError):
            _do(be_cut_off)
        with short_transaction(db.engine) as transaction:
            assert NAMES.rows(transaction, {"name": "North"}) == []


def _answered(*names: str) -> OnceCommitted:
    """The answer of a view that adds teams of these names and leaves the commit to its answer."""
    with ExitStack() as stack:
        transaction = stack.enter_context(short_transaction(db.engine))
        for name in names:
            ADD.run(transaction, {"name": name, "at": AT})
        return OnceCommitted(stack.pop_all(), response="added")


def _sent(answer: OnceCommitted) -> list[bytes]:
    return list(answer(EnvironBuilder(method="POST").get_environ(), lambda *_: None))


def test_an_answer_is_sent_once_its_transaction_has_committed(app):
    with app.app_context():
        answer = _answered("North")
        assert db.engine.pool.checkedout() == 1
        for piece in answer(EnvironBuilder(method="POST").get_environ(), lambda *_: None):
            assert (piece, "North" in _names()) == (b"added", True)
        assert db.engine.pool.checkedout() == 0


def test_an_answer_that_the_server_never_reads_commits_all_the_same(app):
    with app.app_context():
        _answered("North")(EnvironBuilder(method="POST").get_environ(), lambda *_: None).close()
        assert "North" in _names()
        assert db.engine.pool.checkedout() == 0


def test_nothing_is_sent_of_an_answer_whose_commit_fails(app):
    with app.app_context():
        with pytest.raises(Exception, match=r"(?i)unique"):
            _sent(_answered("North", "North"))
        assert "North" not in _names()
        assert db.engine.pool.checkedout() == 0
        assert _sent(_answered("South")) == [b"added"]
