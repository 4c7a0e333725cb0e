"""Every address of the product with its gate, out of the URL map, and the rows that stand in addresses."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session
from werkzeug.routing import Rule

from voipcrm.accounts.models import User
from voipcrm.core.db import db
from whole.rows import make, models

HARMLESS = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Door:
    """One method of one address. Equal doors have the same rule and method."""

    path: str  # as the rule is written: /calls/<public_id>
    method: str
    endpoint: str
    gate: str
    rule: Rule = field(compare=False)

    @property
    def is_open(self) -> bool:
        return self.gate.startswith("anyone")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Key:
    """What stands in an address for a row: this column of that model. Without a model, one of the words that the view's
    module lists, as SECTIONS for `section`."""

    model: type[Any] | None
    column: str

    def value(self, row: Any) -> Any:
        return getattr(row, self.column) if self.model else self.column


def doors(app: Flask) -> list[Door]:
    """All but static files and the provider's webhooks, whose gate is a signature."""
    found = []
    for rule in app.url_map.iter_rules():
        gate = getattr(app.view_functions[rule.endpoint], "gate", "provider signature")
        if gate != "provider signature":
            methods = rule.methods - {"HEAD", "OPTIONS"}
            found += [Door(rule.rule, method, rule.endpoint, gate, rule) for method in methods]
    return sorted(found, key=str)


def address(app: Flask, door: Door, values: dict[str, Any]) -> str:
    with app.test_request_context():
        return door.rule.build(values)[1]


def keys_of(app: Flask, door: Door, browser: Any, owner: User) -> dict[str, Key]:
    """The row behind each variable of an address, found by asking for one that is not there and watching which table is
    searched for it; a name such as `tag_id` tells where nothing is searched. AssertionError where neither does."""
    keys: dict[str, Key] = {}
    values: dict[str, Any] = {}
    for name, converter in door.rule._converters.items():
        values[name] = "zz-nothing-zz" if "int" not in type(converter).__name__.lower() else 2_000_000_011
    for name, asked in list(values.items()):
        with _searches(asked) as searched:
            browser.open(address(app, door, values), method=door.method)
        key = searched[0] if searched else _by_name(name) or _by_words(name, app.view_functions[door.endpoint])
        assert key, f"{door}: which row is {name}? Search it with core.db.find, or name it after its table"
        keys[name] = key
        row = key.model and make(key.model, owner)
        db.session.commit()
        values[name] = key.value(row)
    return keys


def rows_for(keys: dict[str, Key], owner: User) -> dict[str, Any]:
    """A row for each variable, each `owner`'s; two that a table joins (a person and a tag) are joined."""
    rows = {name: make(key.model, owner) for name, key in keys.items() if key.model}
    if len(rows) > 1:
        tables = {row.__table__.name: row for row in rows.values()}
        for model in models().values():
            ends = {
                attribute.key: tables[target].id
                for attribute in sa.inspect(model).column_attrs
                for target in [key.column.table.name for key in attribute.columns[0].foreign_keys]
                if target in tables
            }
            if len(ends) == len(rows) and model not in {type(row) for row in rows.values()}:
                make(model, owner, **ends)
    return rows


def scope_of(model: type[Any], user: User) -> sa.Select[Any]:
    """Which rows that person may see, as the model says: by its visible_to, by its of (one's own), else all."""
    for name in ("visible_to", "of"):
        scope = getattr(model, name, None)
        found = scope(user) if scope else None
        if isinstance(found, sa.Select):
            return found
    return sa.select(model)


@contextmanager
def _searches(value: Any) -> Iterator[list[Key]]:
    """Fills a list with what is searched by that value meanwhile."""
    found: list[Key] = []

    def look(state: ORMExecuteState) -> None:
        if state.bind_mapper is None or not (state.is_select or state.is_update or state.is_delete):
            return
        for name, bound in {**state.statement.compile().params, **(state.parameters or {})}.items():
            if bound == value:
                column = re.sub(r"_\d+$", "", name)
                found.append(Key(state.bind_mapper.class_, "id" if column == "pk" else column))

    event.listen(Session, "do_orm_execute", look)
    try:
        yield found
    finally:
        event.remove(Session, "do_orm_execute", look)


def _by_name(name: str) -> Key | None:
    noun = name.removesuffix("_id")
    named = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", model.__name__).lower(): model for model in models().values()}
    model = named.get(noun) or next((model for known, model in named.items() if known.endswith("_" + noun)), None)
    return Key(model, "id") if model else None


def _by_words(name: str, view: Any) -> Key | None:
    words = getattr(sys.modules[view.__module__], f"{name.upper()}S", None)
    return Key(None, next(iter(words))) if words else None
