"""Who may do what: every role at every address with every verb, for a row of one's own, of one's team and of others.

Nothing here is listed by hand: roles come from the permissions there are, addresses from the URL map, rows from the
models; what must happen follows from the gate that the address declares and the scope that the model declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from cast import Browser, Person
from flask import Flask

from voipcrm.accounts.models import Role, Team, User, UserSession
from voipcrm.accounts.permissions import ROLES, Can, expand
from voipcrm.calls.models import Call
from voipcrm.core.db import db
from voipcrm.recordings.models import Recording
from whole.doors import HARMLESS, Door, Key, address, doors, keys_of, rows_for, scope_of
from whole.rows import make, models

HELD = {**ROLES, "nobody": frozenset(), **{f"only {can}": frozenset({can}) for can in Can}}
WHOSE = ("own", "team's", "others'")
REFUSED = {401, 403, 404}
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@dataclass
class Trial:
    """Somebody with a role, a colleague of their team and somebody of another one."""

    app: Flask
    ids: dict[str, int]  # of the users, by WHOSE
    may: frozenset[str]

    def owner(self, whose: str) -> User:
        return db.session.get_one(User, self.ids[whose])

    def browser(self) -> Browser:
        """Of the one with the role, in a session of its own: some doors end sessions."""
        with self.app.app_context():
            user = self.owner("own")
            UserSession.begin(user)
            db.session.commit()
            person = Person(user.id, user.name, user.email, user.get_id())
        return self.app.test_client().sign_in(person)


@pytest.fixture
def trial_of(app, cast):
    def begin(role: str) -> Trial:
        with app.app_context():
            held = Role(name=f"as {role}", permissions=sorted(HELD[role]))
            ours, theirs = Team(name="Ours"), Team(name="Theirs")
            users = [
                User(email=f"{at}@trial.example", name=whose, password_hash="x", roles=[held] * (at == 0), team=team)
                for at, (whose, team) in enumerate(zip(WHOSE, (ours, ours, theirs), strict=True))
            ]
            db.session.add_all(users)
            db.session.commit()
            return Trial(app, {whose: user.id for whose, user in zip(WHOSE, users, strict=True)}, expand(HELD[role]))

    return begin


@pytest.fixture(scope="module")
def known() -> dict[Door, dict[str, Key]]:
    """What was found out of addresses, for all roles."""
    return {}


def keys(app: Flask, door: Door, known: dict[Door, dict[str, Key]], as_root: Browser) -> dict[str, Key]:
    if door not in known:
        with app.app_context():
            known[door] = keys_of(app, door, as_root, db.session.scalars(sa.select(User)).first())
    return known[door]


@pytest.mark.parametrize("role", HELD)
def test_gate_and_scope_decide_and_nothing_else(app, as_root, trial_of, known, role):
    trial, wrong = trial_of(role), []
    browser = trial.browser()
    for door in doors(app):
        if door.is_open:
            continue
        holds = door.gate == "signed-in" or not trial.may.isdisjoint(door.gate.split(" or "))
        variables = keys(app, door, known, as_root)
        for whose in WHOSE if variables and holds else WHOSE[:1]:
            with app.app_context():
                rows = rows_for(variables, trial.owner(whose))
                path = address(app, door, {name: key.value(rows.get(name)) for name, key in variables.items()})
                db.session.commit()
                seen = all(_is_seen(row, trial.owner("own")) for row in rows.values())
            status = browser.open(path, method=door.method).status_code
            if status == 302 and door.method == "GET":  # a part of pages, which sends who opens it to a whole one
                status = browser.open(path, headers=PARTIAL).status_code
            if not _is_right(door, status, holds=holds, seen=seen, own=whose == "own"):
                wrong.append(f"{door} ({whose} row, {'' if holds else 'not '}allowed): {status}")
            if door.gate == "signed-in" and door.method not in HARMLESS:
                browser = trial.browser()
    assert wrong == []


def _is_seen(row: Any, viewer: User) -> bool:
    found = scope_of(type(row), viewer).where(sa.inspect(type(row)).primary_key[0] == row.id)
    return db.session.scalars(found).unique().first() is not None


def _is_right(door: Door, status: int, *, holds: bool, seen: bool, own: bool) -> bool:
    if not holds:
        return status == (404 if door.method in HARMLESS and not door.path.startswith("/api/") else 403)
    if not seen or (status == 404 and not own and door.method not in HARMLESS):
        return status == 404  # some of what others may see only its owner may change
    return status not in REFUSED and status < 500


@pytest.mark.parametrize("model", [model for model in models().values() if hasattr(model, "visible_to")])
def test_a_wider_view_shows_what_the_narrower_shows(app, trial_of, model):
    """And each row is seen by somebody: else the matrix above would prove nothing."""
    trial, seen = trial_of("nobody"), {}
    with app.app_context():
        rows = {whose: make(model, trial.owner(whose)).id for whose in WHOSE}
        db.session.commit()
    for role in ("nobody", "agent", "supervisor", "admin"):
        with app.app_context():
            db.session.execute(sa.update(Role).where(Role.name == "as nobody").values(permissions=sorted(HELD[role])))
            viewer = trial.owner("own")
            seen[role] = {whose for whose in WHOSE if _is_seen(db.session.get_one(model, rows[whose]), viewer)}
            db.session.commit()
    assert seen["nobody"] <= seen["agent"] <= seen["supervisor"] <= seen["admin"] == set(WHOSE)
    if model in {Call, Recording}:
        assert seen["agent"] == {"own"}
        assert seen["supervisor"] == {"own", "team's"}
