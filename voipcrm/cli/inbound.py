"""flask routes explain …: what would happen to a call."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import AppGroup

from voipcrm.core import clock
from voipcrm.core.house import house
from voipcrm.core.pages import zone
from voipcrm.routes.explaining import explain
from voipcrm.routes.linting import problems, routes_with_everybody
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import NumberInvalid

cli = AppGroup("inbound", help="Inbound routes: what happens to calls from outside.")


@cli.command("explain")
@click.argument("caller", metavar="FROM")
@click.argument("called", metavar="TO")
@click.option("--at", "moment", default=None, help="ISO moment like 2026-12-25T09:10; now unless given.")
def explain_call(caller: str, called: str, moment: str | None) -> None:
    """Every route that is tried for a call FROM (a number, or "withheld") TO one of our numbers, and what follows."""
    try:
        to = numbers.parse(called, house.default_country)
        from_ = None if numbers.is_withheld(caller) else numbers.parse(caller, house.default_country)
    except NumberInvalid as error:
        raise click.ClickException(error.sentence) from None
    told = explain(to=to, caller=from_, at=_moment(moment))
    for tried in told.tried:
        click.echo(f"{'*' if tried.taken else ' '} {tried.route.description}: {tried.why}")
    if told.decisions[0].route_id is None:
        click.echo("  No route fits.")
    for act in told.acts:
        click.echo(f"-> {act.text}")
        for one in act.skipped:
            click.echo(f"     not {one}")


@cli.command("check")
def check() -> None:
    """What is wrong with the routes; the exit code is 1 when something is."""
    found = problems(routes_with_everybody())
    for one in found:
        click.echo(f"{one.route.description + ': ' if one.route else ''}{one.text} {one.remedy}")
    if found:
        raise SystemExit(1)
    click.echo("Every number has a route that can take its calls.")


def _moment(text: str | None) -> datetime:
    if text is None:
        return clock.now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.ClickException(f"{text} is not a moment like 2026-12-25T09:10.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone(house.default_time_zone))
