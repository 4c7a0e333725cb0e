"""Alembic's entry: runs the migrations over the app's own engine, in one transaction where the database can."""

from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db


SEARCHES = (
    "person_search",
    "ix_persons_search",
    "organization_search",
    "ix_organizations_search",
    "peer_number_search",
    "ix_peer_numbers_search",
)


def render_item(kind, item, _autogen):
    """A migration must not import the app, which will have changed: our types are written as what they are below."""
    names = {"Moment": "sa.DateTime(timezone=True)", "Words": "sa.Text()"}
    if kind == "type" and type(item).__name__ in names:
        return names[type(item).__name__]
    return False


def include_name(name, kind, _parents):
    """The search indexes of contacts and of numbers differ by database (on SQLite they are tables); their migrations make them, no model."""
    return not (kind in {"table", "index"} and name and name.startswith(SEARCHES))


def run():
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            render_item=render_item,
            include_name=include_name,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
