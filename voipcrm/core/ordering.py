"""Rows that people put in order: the lowest `position` comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import abort, request

from voipcrm.core.db import db


def step_of_request() -> int:
    """-1 where the form says to=up, 1 where it says to=down; anything else is refused (422)."""
    step = {"up": -1, "down": 1}.get(request.form.get("to", ""))
    if step is None:
        abort(422)
    return step


def number(rows: Sequence[Any]) -> None:
    """Write down that they stand in this order."""
    for position, one in enumerate(rows):
        one.position = position


def move(row: Any, step: int, *, among: sa.Select[Any]) -> None:
    """One place up (-1) or down (1) among those rows, which are read in their order; nothing happens at either end."""
    rows = list(db.session.scalars(among))
    at = rows.index(row)
    if 0 <= at + step < len(rows):
        rows[at], rows[at + step] = rows[at + step], rows[at]
    number(rows)
