"""The migrations make exactly the tables that the models describe, on this run's engine, and can be taken back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade

from voipcrm import create_app
from voipcrm.config import Settings
from voipcrm.core.db import db

SEARCHES = (
    "person_search",
    "ix_persons_search",
    "organization_search",
    "ix_organizations_search",
    "peer_number_search",
    "ix_peer_numbers_search",
)


@pytest.fixture
def fresh_app(environment, new_database, monkeypatch, request):
    """An app on an empty database of its own."""
    for name, value in (environment | {"DATABASE_URL": new_database(request.node.name[:40])}).items():
        monkeypatch.setenv(name, value)
    app = create_app(Settings.from_environ())
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def differences() -> list:
    """Between database and models, but for the search indexes, which differ by database."""
    with db.engine.connect() as connection:
        options = {"compare_type": True, "include_object": _is_of_models}
        return compare_metadata(MigrationContext.configure(connection, opts=options), db.metadata)


def _is_of_models(_object, name, kind, _reflected, _counterpart) -> bool:
    return not (kind in {"table", "index"} and name and name.startswith(SEARCHES))


def test_the_migrations_make_what_the_models_describe_and_can_be_taken_back(fresh_app):
    upgrade()
    assert differences() == []
    downgrade(revision="base")
    with db.engine.connect() as connection:
        left = set(db.inspect(connection).get_table_names()) & set(db.metadata.tables)
    assert left == set()
    upgrade()
    assert differences() == []


def test_there_is_one_line_of_migrations(app):
    migrations = ScriptDirectory(app.extensions["migrate"].directory)
    assert len(migrations.get_heads()) == 1


def test_postgresql_does_not_plan_for_a_fresh_database_to_stay_empty(fresh_app):
    """What it once counted as no rows it reads whole, however many have come since (reltuples: -1 is not counted)."""
    upgrade()
    if db.engine.dialect.name != "postgresql":
        return  # SQLite plans by indexes alone until it is told to count
    with db.engine.connect() as connection:
        counted = connection.scalars(
            sa.text("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples = 0 AND relname = ANY(:tables)"),
            {"tables": list(db.metadata.tables)},
        ).all()
    assert counted == []
