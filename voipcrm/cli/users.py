"""flask users …: make people from the command line, and let back in who locked themselves out."""

from __future__ import annotations

import sys
from zoneinfo import available_timezones

import click
import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask.cli import AppGroup

from voipcrm.accounts import two_step
from voipcrm.accounts.audit import note
from voipcrm.accounts.links import PasswordLink
from voipcrm.accounts.models import SHORTEST_PASSWORD, Role, User
from voipcrm.core.db import db
from voipcrm.core.house import house

cli = AppGroup("users", help="People who sign in.")
roles = AppGroup("roles", help="Named sets of permissions.")


@cli.command("create")
@click.argument("email")
@click.option("--name", required=True, help="As colleagues and callers see it.")
@click.option("--role", "role_name", required=True, help="agent, supervisor or admin.")
@click.option("--time-zone", default=None, help="IANA name; the house's default otherwise.")
def create(email: str, name: str, role_name: str, time_zone: str | None) -> None:
    """Make a person. The password is read from standard input."""
    try:
        email = validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise click.ClickException(f"{email} is not an e-mail address: {error}") from None
    if not name.strip():
        raise click.ClickException("Give a name.")
    zone = time_zone or house.default_time_zone
    if zone not in available_timezones():
        raise click.ClickException(f"{zone} is no time zone; take one like Europe/Berlin.")
    password = (click.prompt("Password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()).rstrip(
        "\r\n"
    )
    if len(password) < SHORTEST_PASSWORD:
        raise click.ClickException(f"The password needs at least {SHORTEST_PASSWORD} characters.")
    Role.ensure_built_in()
    role = db.session.scalars(sa.select(Role).where(Role.name == role_name)).one_or_none()
    if role is None:
        known = ", ".join(db.session.scalars(sa.select(Role.name).order_by(Role.name)))
        raise click.ClickException(f"There is no role {role_name}. Roles: {known}.")
    if db.session.scalars(sa.select(User.id).where(User.email == email)).first() is not None:
        raise click.ClickException(f"{email} exists already.")
    user = User(email=email, name=name.strip(), roles=[role], time_zone=zone)
    user.set_password(password)
    db.session.add(user)
    db.session.flush()
    note("created", user, by=None, after={"name": user.name, "email": email, "roles": [role_name]})
    db.session.commit()
    click.echo(f"{name.strip()} <{email}> can sign in as {role_name}.")


@cli.command("link")
@click.argument("email")
def link(email: str) -> None:
    """Print a one-time link by which that person chooses a new password. For an admin who lost theirs."""
    user = _active(email)
    made = PasswordLink.make(user, by=None)
    made.mail_asked_at = None  # whoever asked reads it here
    note("invited" if user.state == "invited" else "password-link", user, by=None)
    db.session.commit()
    click.echo(made.address)


@cli.command("two-step-off")
@click.argument("email")
def two_step_off(email: str) -> None:
    """Turn two-step sign-in off for who lost phone and recovery codes."""
    user = _active(email)
    two_step.turn_off(user)
    note("two-step-off", user, by=None)
    db.session.commit()
    click.echo(f"{user.name} signs in with the password alone.")


def _active(email: str) -> User:
    user = User.of_email(email)
    if user is None or not user.is_active:
        raise click.ClickException(f"Nobody active has the e-mail {email}.")
    return user


@roles.command("ensure")
def ensure() -> None:
    """Create the built-in roles that are missing (part of every release)."""
    Role.ensure_built_in()
    db.session.commit()
