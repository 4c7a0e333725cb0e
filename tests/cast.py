"""The one cast of all tests: Ada (agent), Bo (supervisor), Root (admin), Mallory (may nothing), and our two lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from voipcrm.accounts.models import Role, Team, User, UserSession
from voipcrm.core.db import db
from voipcrm.routes.models import ringing
from voipcrm.trunks.models import Line

PASSWORD = "correct horse battery"
SALES, SUPPORT = "+12025550140", "+12025550141"
ROLES = {"ada": ["agent"], "bo": ["agent", "supervisor"], "root": ["admin"], "mallory": []}
NAMES = {"ada": "Ada Ortiz", "bo": "Bo Becker", "root": "Root Admin", "mallory": "Mallory Outsider"}


@dataclass(frozen=True)
class Person:
    """A row of `users`, readable without a session."""

    id: int
    name: str
    email: str
    session_id: str  # what a session cookie of theirs holds
    password: str = PASSWORD

    @property
    def identity(self) -> str:
        """Of their phone."""
        return f"u_{self.id}"


@dataclass(frozen=True)
class Cast:
    """Ada and Bo are one team. Sales rings Ada; Support rings Ada and Bo; everything else rings Bo."""

    ada: Person
    bo: Person
    root: Person
    mallory: Person
    sales_id: int  # of the line
    support_id: int


@cache
def _hash() -> str:
    """Hashing takes a tenth of a second, by intention: once is enough."""
    user = User()
    user.set_password(PASSWORD)
    return user.password_hash


def enter() -> Cast:
    """Write the cast into an empty database, inside an app context."""
    Role.ensure_built_in()
    db.session.flush()
    roles = {role.name: role for role in db.session.query(Role)}
    team = Team(name="Sales")
    users = {
        who: User(
            email=f"{who}@example.com",
            name=NAMES[who],
            password_hash=_hash(),
            roles=[roles[name] for name in held],
            team=team if who in {"ada", "bo"} else None,
        )
        for who, held in ROLES.items()
    }
    sales, support = Line(number=SALES, label="Sales line"), Line(number=SUPPORT, label="Support")
    db.session.add_all([*users.values(), sales, support])
    for at, (line, rung) in enumerate(((sales, ["ada"]), (support, ["ada", "bo"]), (None, ["bo"]))):
        people = [users[who] for who in rung]
        db.session.add(ringing(*people, line=line, description=" and ".join(rung), position=at))
    for user in users.values():
        UserSession.begin(user)
        user.seen_at = None
    db.session.commit()
    people = {who: Person(user.id, user.name, user.email, user.get_id()) for who, user in users.items()}
    return Cast(**people, sales_id=sales.id, support_id=support.id)


class Browser(FlaskClient):
    """A test client that sends the CSRF token along as our pages do. `token = None` leaves it out."""

    token: str | None = None

    def sign_in(self, person: Person) -> Browser:
        """As that person, without the form; tests of signing in use the form."""
        with self.session_transaction() as session:
            session["_user_id"], session["_fresh"], session["csrf_token"] = person.session_id, True, "0" * 40
        key = self.application.secret_key
        self.token = str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps("0" * 40))
        return self

    def open(self, *args: Any, **kwargs: Any) -> Any:
        if self.token and kwargs.get("method", "GET") not in {"GET", "HEAD", "OPTIONS"}:
            kwargs["headers"] = {"X-CSRFToken": self.token, **dict(kwargs.get("headers") or {})}
        return super().open(*args, **kwargs)
