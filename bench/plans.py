"""How the database goes about what a page asks: how many statements, and whether one reads a big table from end to
end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from bench import crowd

# Tables that grow for as long as a house is in use; those of crowd.BIG grow here.
BIG = (*crowd.BIG, "legs", "missed_calls", "wrap_ups", "recordings", "voicemails", "audit_entries")


def of_page(app: Flask, path: str, headers: dict[str, str]) -> tuple[int, list[str]]:
    """(statements, complaints) of a GET, asked of the app in this process."""
    from voipcrm.core.db import db

    with app.app_context():
        engine = db.engine
    client = app.test_client(use_cookies=False)
    client.get(path, headers=headers)  # what a process asks once in a while is asked by now
    with listening(engine) as heard:
        answer = client.get(path, headers=headers)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}")
    with engine.connect() as connection:
        return len(heard), [one for sql, values in heard for one in complaints(connection, sql, values)]


@contextmanager
def listening(engine: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements that ask something, with their values, as the driver gets them."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, sql: str, values: Any, *_more: Any) -> None:
        if sql.lstrip().upper().startswith(("SELECT", "WITH")):
            heard.append((sql, values))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def complaints(connection: sa.Connection, sql: str, values: Any) -> list[str]:
    """The steps of the statement's plan that read one of BIG from end to end."""
    cursor = connection.connection.cursor()
    try:
        if connection.dialect.name == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            steps = [row[3] for row in cursor.fetchall()]
            return [step for step in steps if _is_scan(step, sql)]
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", values)
        (told,) = cursor.fetchall()[0]
        return list(_seq_scans((told if isinstance(told, list) else json.loads(told))[0]["Plan"]))
    finally:
        cursor.close()


def _is_scan(step: str, sql: str) -> bool:
    """SCAN without an index. Tables stand under the names that the statement gives them: `persons AS persons_1`."""
    words = step.split()
    if words[0] != "SCAN" or "INDEX" in words or "VIRTUAL" in words:
        return False
    return any(words[1] == table or f"{table} AS {words[1]}" in sql for table in BIG)


def _seq_scans(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG:
        yield f"Seq Scan on {node['Relation Name']}"
    for inner in node.get("Plans", []):
        yield from _seq_scans(inner)
