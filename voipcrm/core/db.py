"""The database: one engine, one session per request or job, the same behaviour on SQLite and PostgreSQL."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import sqlalchemy as sa
from flask import Flask, abort
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from voipcrm.core import clock, postgres, sqlite

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(sa.types.TypeDecorator[datetime]):
    """A UTC-aware moment. SQLite has no zones, so it keeps naive UTC and gives awareness back on reading."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("moments are UTC-aware")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(sa.types.TypeDecorator[str]):
    """Text of any length. PostgreSQL cannot keep a NUL, which any form can send, so it is left out everywhere."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value.replace("\x00", "") if value and "\x00" in value else value

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMES)


Base.registry.update_type_annotation_map({datetime: Moment, str: Words})


db = SQLAlchemy(model_class=Base)
migrate = Migrate(db=db, render_as_batch=True, compare_type=True)


if TYPE_CHECKING:
    Model = Base  # what db.Model is: the library's own annotation hides our columns from type checkers
else:
    Model = db.Model


class Record(Model):
    """What every row of ours has."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


def partial_index(name: str, *columns: str, where: str, on_sqlite: str | None = None, unique: bool = False) -> sa.Index:
    """An index of the rows of which this SQL is true. on_sqlite: the same in its words, where they are others."""
    postgresql_where, sqlite_where = sa.text(where), sa.text(on_sqlite or where)
    return sa.Index(name, *columns, unique=unique, postgresql_where=postgresql_where, sqlite_where=sqlite_where)


R = TypeVar("R")


def find(scope: sa.Select[R], row_id: Any, *, by: str = "id") -> R:
    """The row of this scope whose `by` column is row_id; answers 404 for what is not there or not theirs to see."""
    model = scope.column_descriptions[0]["entity"]
    row = db.session.scalars(scope.where(getattr(model, by) == row_id)).unique().one_or_none()
    if row is None:
        abort(404)
    return row


def insert(table: Any) -> Any:
    """An INSERT that knows ON CONFLICT in the dialect at hand."""
    return (postgresql if db.engine.dialect.name == "postgresql" else sqlite_dialect).insert(table)


def unix(moment: Any) -> sa.ColumnElement[int]:
    """Whole seconds since 1970 of a column of moments, for sums and groups."""
    if db.engine.dialect.name == "postgresql":
        return sa.cast(sa.func.floor(sa.func.date_part("epoch", moment)), sa.BigInteger)
    # Without the fraction, or SQLite rounds the last half millisecond of a second up.
    return sa.cast(sa.func.strftime("%s", sa.func.substr(sa.type_coerce(moment, sa.Text), 1, 19)), sa.Integer)


def begin_writing() -> None:
    """End what was read so far and begin a transaction that writes, also while a GET is answered: a download must
    leave a trace. Without it SQLite would refuse to write after a read when others wrote in between."""
    db.session.commit()
    db.session.connection(execution_options={sqlite.WRITES: True})


def begin_reading() -> None:
    """End what was done so far and begin a transaction that only reads, also in a job: it may take long and yet holds
    up nobody who writes."""
    db.session.commit()
    db.session.connection(execution_options={sqlite.WRITES: False})


def touched(change: sa.Update | sa.Delete) -> int:
    """Carry it out; how many rows it touched. Rows that are loaded already do not learn of it."""
    result = db.session.execute(change, execution_options={"synchronize_session": False})
    return cast("sa.CursorResult[Any]", result).rowcount


def init_app(app: Flask) -> None:
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    if url.startswith("sqlite"):
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "connect_args": {"timeout": 10, "check_same_thread": False},
            "pool_size": 64,
            "max_overflow": 16,
        }
    else:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "pool_size": 32,
            "pool_use_lifo": True,  # few of the server's processes do most of the work, with warm caches
            "max_overflow": 8,
            # psycopg forgets what it prepared at every rollback, so with each page that was read, and those of
            # core.postgres with it.
            "connect_args": {"connect_timeout": 5, "prepare_threshold": None},
        }
    db.init_app(app)
    migrate.init_app(app, db, directory=os.path.join(os.path.dirname(app.root_path), "migrations"))
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            sqlite.tune(db.engine)
        else:
            postgres.tune(db.engine)
        # A job runs in a forked child; a socket shared with the parent would mix two conversations.
        os.register_at_fork(after_in_child=lambda engine=db.engine: engine.dispose(close=False))
