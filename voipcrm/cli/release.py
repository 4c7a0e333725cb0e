"""flask release: what each new version needs before it takes requests."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade

from voipcrm.accounts.models import Role
from voipcrm.core.db import db
from voipcrm.core.storage import StorageUnusable, storage


def release() -> None:
    """Bring the database up to date and create the roles that are missing."""
    upgrade()
    Role.ensure_built_in()
    db.session.commit()


@click.command("release")
@with_appcontext
def cli() -> None:
    """Bring the database up to date and create the roles that are missing. Refuses where recordings cannot be kept."""
    try:
        storage().check()
    except StorageUnusable as problem:
        raise click.ClickException(str(problem)) from None
    release()
