"""flask release: what each new version needs before it takes requests."""

from __future__ import annotations

import json

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade

from voipcrm.accounts.models import Role
from voipcrm.core.db import db


@click.command("release")
@click.option("--demo", is_flag=True, help="In an empty sandbox house: demo people, contacts, lines and routes.")
@with_appcontext
def cli(demo: bool) -> None:
    """Bring the database up to date and create the roles that are missing. The last line printed is JSON."""
    upgrade()
    Role.ensure_built_in()
    db.session.commit()
    logins: list[dict[str, str]] = []
    if demo:
        from voipcrm.cli.demo import seeding

        seeding.seed_once()
        db.session.commit()
        logins = seeding.logins()
    click.echo(json.dumps({"logins": logins}))
