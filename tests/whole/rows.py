"""A row of any table, owned by somebody: what the tests over the whole product fill addresses and pages with.

Most tables need nothing here. A column that must have a value gets one of its kind, the first of the words that the
model or its module lists for it (STATES for `state`), and behind a foreign key a row is made too. RECIPES tell what
else a table needs so that its pages can show a row of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from calls.call_rows import inbound
from recordings.sounds import wav

from voipcrm.accounts.models import User
from voipcrm.calls.exports import CallExport
from voipcrm.calls.models import Call
from voipcrm.contacts.imports import Import
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import Model, db
from voipcrm.recordings.models import Recording

NAMES = ("name", "label", "title", "description")  # by which people find a row: never left empty
OWNERS = ("user_id", "owner_id", "by_id")  # columns that say whose a row is
KINDS: dict[type, Callable[[int], Any]] = {int: int, bool: lambda _: False, float: float, bytes: lambda _: b""}
_numbers = count(1)


def make(model: type[Any], owner: User, **given: Any) -> Any:
    """A flushed row of that model which is `owner`'s, as far as its table knows owners."""
    row = RECIPES[model](owner, **given) if model in RECIPES else model(**_values(model, owner, given))
    db.session.add(row)
    db.session.flush()
    return row


def models() -> dict[str, type[Any]]:
    """Every model of ours by the name of its table."""
    found = {mapper.local_table.name: mapper.class_ for mapper in Model.registry.mappers}
    return dict(sorted(found.items()))  # a set, and several processes of the test run have to agree


def variants(model: type[Any]) -> list[dict[str, Any]]:
    """What to give to `make` for a row in each of its states."""
    column = sa.inspect(model).columns.get("state")
    states = None if column is None else _words_for(model, "state")
    return [{"state": state} for state in states] if states else [{}]


def _values(model: type[Any], owner: User, given: dict[str, Any]) -> dict[str, Any]:
    values = dict(given)
    for attribute in sa.inspect(model).column_attrs:
        name, column = attribute.key, attribute.columns[0]
        if name in values or (column.primary_key and not column.foreign_keys):
            continue
        value = _reference(name, column, owner) if column.foreign_keys else _value(model, name, column)
        if value is not None:
            values[name] = value
    return values


def _reference(name: str, column: sa.Column[Any], owner: User) -> int | None:
    (key,) = column.foreign_keys
    target = models()[key.column.table.name]
    if target is User:
        return owner.id if name in OWNERS or not column.nullable else None
    return None if column.nullable and not hasattr(target, "visible_to") else make(target, owner).id


def _value(model: type[Any], name: str, column: sa.Column[Any]) -> Any:
    if column.nullable or (name not in NAMES and (column.default is not None or column.server_default is not None)):
        return None
    if words := _words_for(model, name):
        return words[0]
    number = next(_numbers)
    kind = getattr(column.type, "impl_instance", column.type).python_type
    if isinstance(column.type, sa.JSON):
        return [] if "list" in str(model.__annotations__.get(name)) else {}
    if kind in KINDS:
        return KINDS[kind](number)
    if kind is not str:
        return clock.now() if kind.__name__ == "datetime" else clock.now().date()
    if "email" in name or name == "address":
        return f"somebody{number}@example.com"
    if "sid" in name:
        return f"XX{number:032x}"
    if "number" in name:
        return f"+1415555{number % 10_000:04}"
    return f"{model.__name__} {number}"


def _words_for(model: type[Any], name: str) -> list[str] | None:
    """The words that a column may hold, where the model or its module lists them: STATES for `state`."""
    for place in (model, sys.modules[model.__module__]):
        for known in (f"{name.upper()}S", f"{name.upper()}_KINDS", f"{name.upper()}_POLICIES"):
            words = getattr(place, known, None)
            if words and all(isinstance(word, str) for word in words):
                return list(words)
    return None


def _call(owner: User, **given: Any) -> Call:
    """One that rang its owner and was answered, so that it has legs and a talk."""
    state = given.pop("state", "ended")
    call = inbound(rung=[owner.id], by=owner.id, at=clock.now(), **given)
    if state != "ended":
        call.state, call.outcome, call.ended_at = state, None, None
    return call


def _recording(owner: User, **given: Any) -> Recording:
    """With its file, where the state says that there is one."""
    sid = f"RE{next(_numbers):032x}"
    values = {"state": "archived", "call_id": None, **given}
    if not values["call_id"]:
        values["call_id"] = make(Call, owner).id
    if values["state"] == "archived":
        sound = wav(1.0)
        file = Path(settings.recordings_url.removeprefix("file://")) / f"{sid}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sound)
        values |= {"path": file.name, "size_bytes": len(sound), "duration_seconds": 1, "archived_at": clock.now()}
    return Recording(sid=sid, channels=2, **values)


def _export(owner: User, **given: Any) -> CallExport:
    """With its file, where the state says that there is one."""
    one = CallExport(**{"by_id": owner.id, "asked": {}, "time_zone": "UTC", "state": "done", **given})
    if one.state == "done":
        one.path = f"finished-{next(_numbers)}.csv"
        file = Path(settings.recordings_url.removeprefix("file://")) / one.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("Call")
    return one


def _import(owner: User, **given: Any) -> Import:
    values = {"file_name": "people.csv", "file": b"Name,Phone\nZoe,+14155550171\n", "columns": ["Name", "Phone"]}
    values |= {"mapping": ["name", "number"], "encoding": "utf-8", "delimiter": ","}
    return Import(by_id=owner.id, **{**values, **given})


def _user(owner: User, **given: Any) -> User:
    number = next(_numbers)
    values = {"email": f"colleague{number}@example.com", "name": f"Colleague {number}", "team_id": owner.team_id}
    return User(**{**values, "password_hash": "x", **given})


RECIPES: dict[type, Callable[..., Any]] = {
    Call: _call,
    CallExport: _export,
    Recording: _recording,
    Import: _import,
    User: _user,
}
