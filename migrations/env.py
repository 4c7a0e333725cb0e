"""Alembic's entry: runs the migrations over the app's own engine, in one transaction where the database can."""

from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db


def render_item(kind, item, _autogen):
    """A migration must not import the app, which will have changed: our Moment is written as what it is below."""
    if kind == "type" and type(item).__name__ == "Moment":
        return "sa.DateTime(timezone=True)"
    return False


def run():
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            render_item=render_item,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
