"""flask release: what each new version needs before it takes requests."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade

from voipcrm.accounts.models import Role
from voipcrm.cli.demo import seeding
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.storage import StorageUnusable, storage


def release() -> list[str]:
    """Bring the database up to date and create the roles that are missing; with a real provider, let nobody in by the
    password of the demo. Returns a sentence for each thing that people have to be told."""
    upgrade()
    Role.ensure_built_in()
    out = [] if settings.is_sandbox else seeding.shut_out()
    db.session.commit()
    if not out:
        return []
    return [
        f"{', '.join(out)}: everybody knows the demo's password, so it opens nothing any more. `flask users create` "
        "makes an account for you, and `flask users link` a link by which one of theirs goes on."
    ]


@click.command("release")
@with_appcontext
def cli() -> None:
    """Bring the database up to date and create the roles that are missing. Refuses where recordings cannot be kept."""
    try:
        storage().check()
    except StorageUnusable as problem:
        raise click.ClickException(str(problem)) from None
    for sentence in release():
        click.echo(sentence)
