"""Commands of `flask`: thin, they call what views and jobs call."""

from flask import Flask


def init_app(app: Flask) -> None:
    from voipcrm.cli import provider, release, scheduler, users, worker

    for command in (users.cli, users.roles, provider.cli, release.cli, worker.cli, scheduler.cli):
        app.cli.add_command(command)
