"""flask storage …: can recordings be kept?"""

from __future__ import annotations

import click
from flask.cli import AppGroup

from voipcrm.core.storage import StorageUnusable, storage

cli = AppGroup("storage", help="Where recordings are kept.")


@cli.command("check")
def check() -> None:
    """Write, read and remove a small file; name the setting that is wrong where that fails."""
    try:
        storage().check()
    except StorageUnusable as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("Recordings can be kept: written, read back and removed a file.")
