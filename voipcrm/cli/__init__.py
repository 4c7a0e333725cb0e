"""Commands of `flask`: thin, they call what views and jobs call."""

from flask import Flask


def init_app(app: Flask) -> None:
    from voipcrm.cli import inbound, provider, release, scheduler, settings, storage, users, worker

    for command in (
        users.cli,
        users.roles,
        inbound.cli,
        provider.cli,
        release.cli,
        worker.cli,
        scheduler.cli,
        settings.cli,
        storage.cli,
    ):
        app.cli.add_command(command)
