"""flask provider …: point the phone provider at this installation."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from voipcrm.admin import wiring
from voipcrm.core.db import db
from voipcrm.telephony.errors import TelephonyError

cli = AppGroup("provider", help="The phone provider's account.")


@cli.command("wire")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def wire(dry_run: bool) -> None:
    """Make the TwiML application and our numbers report to PUBLIC_BASE_URL. May be run again and again."""
    try:
        found = wiring.changes()
        for change in found:
            click.echo(f"{change.what}\n  - {change.now or 'nothing'}\n  + {change.wanted}")
        if not found:
            click.echo("Everything is wired to this installation.")
        elif dry_run:
            click.echo("Nothing was changed. Run it without --dry-run to change this.")
        else:
            for change in found:
                change.carry_out()
                db.session.commit()
    except TelephonyError as error:
        raise click.ClickException(error.sentence) from None
    if by_hand := [change for change in found if not change.make]:
        raise click.ClickException(
            "To be done in the provider's console: " + "; ".join(f"{one.what} ({one.now})" for one in by_hand)
        )
