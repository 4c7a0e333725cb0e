"""What the processes of a house on one machine read from the environment.

The environment wins over `.env` in the project folder, and that over `settings.env` in the data folder, which the
first start fills with random secrets. What follows from the rest (addresses, folders) is worked out each time.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[3]
SANDBOX_NUMBER = "+12025550140"  # the demo's first line; a number that the North American plan keeps for fiction
HEADER = """\
# Made by the first bin/run for this data folder: secrets of this installation and the account of the phone sandbox.
# The environment and .env win over it. Keep it with the data: without SECRET_KEY everybody has to sign in again.
"""


class CannotStart(Exception):
    """Something on this machine stands in the way. The message says what, and what to do, in one line."""


def of_machine(environ: Mapping[str, str], root: Path = ROOT) -> dict[str, str]:
    """The environment and `.env`, and where the data is: DATA_DIR as an absolute path.

    A relative DATA_DIR is meant from where the person stands, or from the project folder if it is written in .env."""
    written = {name: value for name, value in dotenv_values(root / ".env").items() if value}
    env = {**written, **{name: value for name, value in environ.items() if value}}
    folder = Path(environ["DATA_DIR"]).absolute() if environ.get("DATA_DIR") else root / written.get("DATA_DIR", "var")
    return env | {"DATA_DIR": str(folder.expanduser().resolve())}


def of_house(env: Mapping[str, str], redis_url: str) -> dict[str, str]:
    """All that the processes need: `env` (from `of_machine`), completed from settings.env and by what follows.

    Creates or completes settings.env. Raises CannotStart when it cannot be written."""
    kept = _kept_secrets(env)
    port, sandbox_port = port_of(env, "PORT", 8000), port_of(env, "SANDBOX_PORT", 8070)
    return {**_derived(env, port, sandbox_port, redis_url), **kept, **env, "PORT": port, "SANDBOX_PORT": sandbox_port}


def fill_in(environ: MutableMapping[str, str], root: Path = ROOT) -> None:
    """Let a command started by hand (`flask users create`) find the house that bin/run made, where there is one.

    Changes nothing without a settings.env, so a server set up by its environment alone stays strict."""
    env = of_machine(environ, root)
    folder = Path(env["DATA_DIR"])
    if not (folder / "settings.env").is_file():
        return
    for name, value in of_house({**_last_run(folder), **env}, _last_run(folder).get("REDIS_URL", "")).items():
        if value and not given(environ, name):
            environ[name] = value


def given(env: Mapping[str, str], name: str) -> bool:
    """Is the setting there, directly or as NAME_FILE?"""
    return bool(env.get(name) or env.get(f"{name}_FILE"))


def port_of(env: Mapping[str, str], name: str, default: int) -> str:
    text = env.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CannotStart(f"{name} must be a port number from 1 to 65535, not {text!r}.")
    return text


def _derived(env: Mapping[str, str], port: str, sandbox_port: str, redis_url: str) -> dict[str, str]:
    data = env["DATA_DIR"]
    derived = {
        "VOIP_PROVIDER": "sandbox",
        "DATABASE_URL": f"sqlite:///{data}/voipcrm.db",
        "REDIS_URL": redis_url,
        "RECORDINGS_URL": f"file://{data}/recordings",
        "FLASK_APP": "wsgi.py",
        # One web process on SQLite, so it gets the threads of two.
        "WEB_THREADS": "64" if env.get("DATABASE_URL", "sqlite").startswith("sqlite") else "32",
        "PYTHONUNBUFFERED": "1",
    }
    if env.get("VOIP_PROVIDER", "sandbox") == "sandbox":
        derived["PUBLIC_BASE_URL"] = f"http://127.0.0.1:{port}"
        derived["SANDBOX_URL"] = f"http://127.0.0.1:{sandbox_port}"
    return {name: value for name, value in derived.items() if not given(env, name)}


def _kept_secrets(env: Mapping[str, str]) -> dict[str, str]:
    """What settings.env holds, after adding what it lacks. The sandbox's account never stands in for a real one."""
    path = Path(env["DATA_DIR"]) / "settings.env"
    kept = {name: value for name, value in dotenv_values(path).items() if value}
    wanted = {"SECRET_KEY": secrets.token_hex(32)}
    if env.get("VOIP_PROVIDER", "sandbox") == "sandbox":
        wanted |= {
            "TWILIO_SID": "AC" + secrets.token_hex(16),
            "TWILIO_TOKEN": secrets.token_hex(16),
            "TWILIO_API_KEY_SID": "SK" + secrets.token_hex(16),
            "TWILIO_API_KEY_SECRET": secrets.token_hex(20),
            "TWILIO_APP_SID": "AP" + secrets.token_hex(16),
            "TWILIO_NUMBER": SANDBOX_NUMBER,
        }
    settings = {name: kept.get(name, value) for name, value in wanted.items()}
    missing = [f"{name}={value}\n" for name, value in settings.items() if name not in kept]
    if missing:
        _append_privately(path, ("" if path.exists() else HEADER) + "".join(missing))
    return {name: value for name, value in settings.items() if not given(env, name)}


def _append_privately(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
    except OSError as error:
        raise CannotStart(f"{path} cannot be written: {error.strerror}. Set DATA_DIR to a folder of yours.") from None


def _last_run(folder: Path) -> dict[str, str]:
    """Ports and addresses of the house that runs now, or ran last, with this data folder."""
    try:
        return json.loads((folder / "run.json").read_text())["environment"]
    except (OSError, ValueError, KeyError):
        return {}
