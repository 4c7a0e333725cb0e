"""A house of its own for a measurement: a fresh database with contacts and a line, behind the server of production."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import crowd

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from services import Postgres, free_port, wait_until  # the same real parts that the tests start

ACCOUNT, TOKEN = "AC" + "b" * 32, "bench-token"
LINE = "+12025550140"
CONTACTS = [f"+1415555{at:04}" for at in range(100, 200)]  # who call at the same time are not one person
THREADS = {"sqlite": ("1", "64"), "postgresql": ("2", "32")}  # workers, threads: as bin/run and the Procfile


@dataclass
class Served:
    """A running server and the app behind it, for seeding."""

    port: int
    base_url: str
    app: Any
    account: str = ACCOUNT
    token: str = TOKEN
    line: str = LINE

    def open_calls(self, count: int) -> list[tuple[str, str]]:
        """So many fresh outgoing calls: (public id, root CallSid)."""
        from voipcrm.calls.models import Call, new_public_id
        from voipcrm.core import clock
        from voipcrm.core.db import db

        made = [(new_public_id(), "CA" + secrets.token_hex(16)) for _ in range(count)]
        with self.app.app_context():
            rows = [
                {"public_id": public_id, "root_sid": sid, "direction": "outbound", "started_at": clock.now()}
                for public_id, sid in made
            ]
            db.session.execute(db.insert(Call), rows)
            db.session.commit()
        return made


@contextlib.contextmanager
def serving(database: str) -> Iterator[Served]:
    """Serve on a fresh database, `sqlite` or `postgresql`, until the block ends."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voipcrm-bench-")))
        url = f"sqlite:///{folder}/bench.db" if database == "sqlite" else stack.enter_context(_postgres())
        port = free_port()
        os.environ.update(_settings(url, port, folder))
        from voipcrm import create_app

        app = create_app()
        _seed(app)
        stack.enter_context(_server(port, database))
        yield Served(port, os.environ["PUBLIC_BASE_URL"], app)


@contextlib.contextmanager
def empty(database: str) -> Iterator[Any]:
    """The app of this process on a fresh database with nothing in it, without a server."""
    from flask_migrate import upgrade

    from voipcrm import create_app

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voipcrm-bench-")))
        url = f"sqlite:///{folder}/bench.db" if database == "sqlite" else stack.enter_context(_postgres())
        os.environ.update(_settings(url, free_port(), folder))
        app = create_app()
        with app.app_context():
            upgrade()
        yield app


@contextlib.contextmanager
def over(url: str, database: str, folder: Path) -> Iterator[Served]:
    """Serve on a database that is there already, migrated to the present, until the block ends."""
    from flask_migrate import upgrade

    from voipcrm import create_app

    port = free_port()
    os.environ.update(_settings(url, port, folder))
    app = create_app()
    with app.app_context():
        upgrade()
    with _server(port, database):
        yield Served(port, os.environ["PUBLIC_BASE_URL"], app)


def prepare(url: str, folder: Path) -> None:
    """Migrate an empty database and put people and lines in, whom bench/crowd.py refers to by number: `admin`, who sees
    all, is the first."""
    from flask_migrate import upgrade

    from voipcrm import create_app
    from voipcrm.accounts.models import Role, Team, User
    from voipcrm.core.db import db
    from voipcrm.trunks.models import Line

    os.environ.update(_settings(url, free_port(), folder))
    with create_app().app_context():
        upgrade()
        Role.ensure_built_in()
        team, roles = Team(name="All"), {role.name: role for role in db.session.query(Role)}
        for at in range(crowd.AGENTS):
            who = ("admin", "agent")[at] if at < 2 else f"agent{at}"
            role = roles["agent" if at else "admin"]
            db.session.add(User(email=f"{who}@example.com", name=f"Agent {at}", roles=[role], team=team))
            db.session.flush()  # ids in this order
        db.session.add_all(Line(number=f"+1202555014{at}", label=f"Line {at}") for at in range(crowd.LINES))
        db.session.commit()


@contextlib.contextmanager
def _server(port: int, database: str) -> Iterator[None]:
    """The server of production on this port, with the settings of the environment."""
    workers, threads = THREADS[database]
    command = [sys.executable, "-m", "gunicorn", "bench.wsgi:application", "-k", "gthread", "-w", workers]
    command += ["--threads", threads, "-b", f"127.0.0.1:{port}", "--no-control-socket", "--log-level", "error"]
    server = subprocess.Popen(command)
    try:
        wait_until(lambda: _answers(port), 20)
        yield
    finally:
        server.terminate()
        server.wait(10)


def _settings(database_url: str, port: int, folder: Path) -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_hex(32),
        "DATABASE_URL": database_url,
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",  # nobody there: webhooks must not mind
        "RECORDINGS_URL": f"file://{folder}/recordings",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "VOIP_PROVIDER": "sandbox",
        "SANDBOX_URL": f"http://127.0.0.1:{free_port()}",
        "TWILIO_SID": ACCOUNT,
        "TWILIO_TOKEN": TOKEN,
        "TWILIO_API_KEY_SID": "SK" + "b" * 32,
        "TWILIO_API_KEY_SECRET": secrets.token_hex(32),
        "TWILIO_APP_SID": "AP" + "b" * 32,
        "TWILIO_NUMBER": LINE,
    }


def _seed(app: Any) -> None:
    from flask_migrate import upgrade

    from voipcrm.accounts.models import Presence, Role, User
    from voipcrm.contacts.models import Person, PhoneNumber
    from voipcrm.core.db import db
    from voipcrm.routes.models import ringing
    from voipcrm.trunks.models import Line

    with app.app_context():
        upgrade()
        Role.ensure_built_in()
        db.session.flush()
        ada = User(
            email="ada@example.com", name="Ada", password_hash="x", roles=Role.query.filter_by(name="agent").all()
        )
        line = Line(number=LINE, label="Sales")
        persons = [Person(name=f"Priya {number}", numbers=[PhoneNumber(number=number)]) for number in CONTACTS]
        db.session.add_all([ada, line, *persons])
        db.session.flush()
        db.session.add_all([ringing(ada, line=line), ringing(ada, position=1)])
        Presence.report(ada.id, "available")
        db.session.commit()


@contextlib.contextmanager
def _postgres() -> Iterator[str]:
    """URL of an empty database in a cluster of its own on this machine, with the durability of production and by its
    Unix socket: over TCP a webhook takes some 5 % longer."""
    with tempfile.TemporaryDirectory(prefix="voipcrm-bench-pg-") as folder:
        cluster = Postgres(Path(folder), durable=True)
        try:
            cluster.create("bench")
            yield cluster.url_by_socket("bench")
        finally:
            cluster.stop()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/bare/"):
        return True
    return False
