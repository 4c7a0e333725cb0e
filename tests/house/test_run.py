"""bin/run: one command, everything up; one signal, everything gone; and nothing forgotten in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from servers import DATABASE
from services import ROOT, House, free_port, wait_until

from voipcrm.cli.run.environment import CannotStart, of_house, of_machine
from voipcrm.cli.run.folder import started_at

pytestmark = pytest.mark.timeout(400)
STOP_SECONDS = 15.0  # some 2 s alone; a worker that is waited for takes 25 and more


def refusal(folder: Path, **env: str) -> str:
    """What bin/run says when it cannot start; it must do so at once, in words, and with exit code 1."""
    command = [sys.executable, "-m", "voipcrm.cli.run"]
    env = {**os.environ, "DATA_DIR": str(folder), "PYTHONPATH": str(ROOT), "PORT": str(free_port())} | env
    done = subprocess.run(command, env=env, cwd=folder.parent, capture_output=True, text=True, timeout=90, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def family(folder: Path) -> list[int]:
    """Every process, of whatever parent, that has this data folder in its environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"DATA_DIR={folder}".encode() in path.read_bytes().split(b"\0") and started_at(int(path.parts[2])):
                found.append(int(path.parts[2]))
        except OSError:
            continue
    return found


@pytest.fixture
def start(new_database, request):
    """start(folder) runs a house with its own Valkey: on SQLite as a person gets it, else on PostgreSQL."""
    url = new_database(f"run-{request.node.name}") if DATABASE == "postgres" else None
    return lambda folder: House(folder, None, url)


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "data"
    for pid in family(tmp_path / "data"):
        os.kill(pid, signal.SIGKILL)


def test_a_first_start_says_where_and_who_and_a_second_finds_everything_as_it_was(start, folder):
    house = start(folder)
    said = house.tail().splitlines()
    assert said[0] == f"ready: {house.url}"
    assert [line.split()[:2] for line in said if "@example.com" in line] == [
        [f"{who}@example.com", "demo-phone"] for who in ("ada", "bo", "root")
    ]
    assert f"Simulate an incoming call: {house.sandbox_url}" in said
    assert requests.get(f"{house.url}/healthz", timeout=30).json() == {"status": "ok", "database": "ok", "queue": "ok"}
    assert {"+12025550140", "+12025550141"} <= {number["phone_number"] for number in house.control("state")["numbers"]}
    assert (folder / "settings.env").stat().st_mode & 0o777 == 0o600
    secrets = (folder / "settings.env").read_text()

    # A command started by hand finds the house, and what people change stays changed.
    flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TWILIO_", "VOIP_"))}
    env |= {"DATA_DIR": str(folder)}
    create = [*flask, "users", "create", "cy@example.com", "--name", "Cy Young", "--role", "agent"]
    subprocess.run(create, input="a fine password\n", text=True, env=env, cwd=ROOT, check=True, capture_output=True)
    change = "from voipcrm.contacts.models import *; db.session.delete(Person.query.first()); db.session.commit()"
    subprocess.run([*flask, "shell"], input=change, text=True, env=env, cwd=ROOT, check=True, capture_output=True)

    began = time.monotonic()
    assert house.stop(signal.SIGINT, 2 * STOP_SECONDS) == 0
    assert time.monotonic() - began < STOP_SECONDS
    assert family(folder) == []

    house = start(folder)
    count = "from voipcrm.contacts.models import *; print('persons', Person.query.count())"
    shown = subprocess.run(
        [*flask, "shell"], input=count, text=True, env=env, cwd=ROOT, check=True, capture_output=True
    )
    from voipcrm.cli.demo.cast import CONTACTS

    assert f"persons {len(CONTACTS) - 1}" in shown.stdout, "the demo is not laid out a second time"
    assert (folder / "settings.env").read_text() == secrets
    assert house.stop(signal.SIGHUP, 2 * STOP_SECONDS) == 0
    assert family(folder) == []


def test_what_dies_is_started_again_and_a_killed_house_leaves_nothing(start, folder):
    house = start(folder)
    # One house a folder, one program a port.
    assert "is running already with the data folder" in refusal(folder)
    other = refusal(folder.with_name("other"), PORT=house.url.rpartition(":")[2])
    assert f"Port {house.url.rpartition(':')[2]} is taken" in other
    assert "PORT=" in other

    for name in ("worker", "web", "sandbox", "valkey"):
        dead = house.pid(name)
        os.kill(dead, signal.SIGKILL)
        wait_until(lambda dead=dead, name=name: house.pid(name) != dead, 60, house)
    healthy = {"status": "ok", "database": "ok", "queue": "ok"}
    wait_until(lambda: _health(house) == healthy, 60, house)

    house.kill()
    wait_until(lambda: not family(folder), STOP_SECONDS)
    house.start()
    wait_until(lambda: house.tail().count(f"ready: {house.url}") == 2, 120, house)
    assert house.stop(seconds=2 * STOP_SECONDS) == 0
    assert family(folder) == []


def test_a_process_that_cannot_live_ends_the_house_with_its_last_words(start, folder):
    house = start(folder)
    os.kill(house.pid("web"), signal.SIGKILL)
    blocker = socket.socket()
    blocker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    wait_until(lambda: _takes(blocker, int(house.url.rpartition(":")[2]), house), 60)
    assert house.popen.wait(120) == 1
    assert "The web process keeps failing" in house.tail()
    assert "in use" in house.tail(), "and why"
    blocker.close()
    assert family(folder) == []


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PORT": "http"}, "PORT must be a port number"),
        ({"PORT": "8123", "SANDBOX_PORT": "8123"}, "are the same"),
        ({"VOIP_PROVIDER": "skype"}, "VOIP_PROVIDER must be sandbox or twilio"),
        ({"VOIP_PROVIDER": "twilio"}, "PUBLIC_BASE_URL"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"DATA_DIR": "/proc/nowhere"}, "cannot be written"),
    ],
)
def test_what_stands_in_the_way_is_said_in_a_line(tmp_path, env, words):
    said = refusal(tmp_path / "data", **env)
    assert words in said
    assert said.count("\n") == 1


def test_the_environment_wins_over_the_env_file_and_that_over_what_was_made(tmp_path):
    (tmp_path / ".env").write_text("TWILIO_NUMBER=+12025550177\nDATA_DIR=mine\nBRAND_NAME=From file\n")
    env = of_machine({"BRAND_NAME": "From environment"}, tmp_path)
    assert env["DATA_DIR"] == str(tmp_path / "mine")
    complete = of_house(env, "redis://x")
    assert (complete["TWILIO_NUMBER"], complete["BRAND_NAME"]) == ("+12025550177", "From environment")
    assert complete["TWILIO_SID"].startswith("AC")
    assert of_house(env, "redis://x") == complete


def test_the_sandboxs_account_never_stands_in_for_a_real_one(tmp_path):
    of_house(of_machine({"DATA_DIR": str(tmp_path)}, tmp_path), "redis://x")
    live = of_house(of_machine({"DATA_DIR": str(tmp_path), "VOIP_PROVIDER": "twilio"}, tmp_path), "redis://x")
    assert not {"TWILIO_SID", "TWILIO_TOKEN", "TWILIO_API_KEY_SECRET", "SANDBOX_URL", "PUBLIC_BASE_URL"} & set(live)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match=r"settings\.env cannot be written"):
        of_house({"DATA_DIR": str(tmp_path / "file")}, "redis://x")


def test_an_old_python_is_told_what_is_needed(tmp_path):
    for name in ("sh", "dirname", "env"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    done = subprocess.run(
        [str(ROOT / "bin" / "run")], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr


def _health(house: House) -> dict | None:
    try:
        return requests.get(f"{house.url}/healthz", timeout=10).json()
    except (requests.RequestException, ValueError):
        return None


def _takes(blocker: socket.socket, port: int, house: House) -> bool:
    """Sit on the web process's port between two of its lives."""
    try:
        blocker.bind(("127.0.0.1", port))
        blocker.listen()
    except OSError:
        pid = house.pid("web") if "web" in json.loads((house.folder / "run.json").read_text())["children"] else None
        if pid:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                return False
        return False
    return True
