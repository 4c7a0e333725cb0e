"""Commands of `flask`: thin, they call what views and jobs call."""

from flask import Flask


def init_app(app: Flask) -> None:
    from voipcrm.cli import users

    for group in (users.cli, users.roles):
        app.cli.add_command(group)
