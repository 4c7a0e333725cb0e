"""flask settings: every setting with its meaning and default, as .env.example has it."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

import click

from voipcrm.config import Settings

HEADER = """\
# Every setting of voipcrm. Copy it to .env and fill in what has no value; what is commented out shows its default.
# bin/run needs none of these: it makes its own secrets. NAME_FILE=/path reads NAME from a file (container secrets).
# Made by `bin/flask settings > .env.example` from voipcrm/config.py; a test compares the two.
"""
RUN = """\

# Of bin/run and the Procfile alone:
# where the web process listens
# PORT=8000
# where the phone sandbox listens; used only with VOIP_PROVIDER=sandbox
# SANDBOX_PORT=8070
# where bin/run keeps its database, recordings, secrets and logs
# DATA_DIR=./var
# number of web processes; 1 on SQLite and 2 on PostgreSQL unless set
# WEB_CONCURRENCY=2
"""


def example() -> str:
    """The text of .env.example."""
    return HEADER + "".join(_entry(one) for one in fields(Settings)) + RUN


def _entry(one: Field[Any]) -> str:
    about, name = one.metadata["about"], one.metadata["env"]
    if one.default is MISSING:
        return f"\n# {about}\n{name}=\n"
    default = ",".join(one.default) if isinstance(one.default, tuple) else one.default
    return f"\n# {about}\n# {name}={'' if default is None else default}\n"


@click.command("settings")
def cli() -> None:
    """Print every setting with its meaning and default."""
    click.echo(example(), nl=False)
