"""The data folder: one house at a time, and nothing of an earlier one left running."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from voipcrm.cli.run.environment import CannotStart

LOG_BYTES = 5 * 1024 * 1024  # a longer log of earlier starts is put aside as NAME.log.1
LEFTOVER_SECONDS = 3.0
PORT_SECONDS = 6.0  # how long the web processes of a killed house may take to notice


class Folder:
    """DATA_DIR while this process holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None
        self.had_leftovers = False

    def take(self) -> None:
        """Own the folder until this process ends, and end what a killed house left. Raises CannotStart."""
        try:
            (self.path / "log").mkdir(parents=True, exist_ok=True)
            self._lock = open(self.path / "run.lock", "a+")  # noqa: SIM115 - held open as long as we live
            (self.path / "log" / ".try").touch()
            (self.path / "log" / ".try").unlink()
        except OSError as error:
            raise CannotStart(
                f"The data folder {self.path} cannot be written: {error.strerror}. Set DATA_DIR to a folder of yours."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(
                f"bin/run is running already with the data folder {self.path}. Stop that one first."
            ) from None
        self._end_leftovers()

    def note(self, environment: dict[str, str], children: Iterable[int]) -> None:
        """Write down what runs, for the next start and for commands started by hand."""
        record = {"environment": environment, "children": [[pid, started_at(pid)] for pid in children]}
        new = self.path / "run.json.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(record, file)
        new.replace(self.path / "run.json")

    def log(self, name: str) -> Path:
        """The log of one process, put aside when it grew long."""
        path = self.path / "log" / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    def _end_leftovers(self) -> None:
        try:
            recorded = json.loads((self.path / "run.json").read_text())["children"]
        except (OSError, ValueError, KeyError):
            return
        self.had_leftovers = bool(recorded)
        alive = [pid for pid, began in recorded if began and started_at(pid) == began]
        for deadly, seconds in ((signal.SIGTERM, LEFTOVER_SECONDS), (signal.SIGKILL, 1.0)):
            for pid in alive:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, deadly)
            until = time.monotonic() + seconds
            while alive and time.monotonic() < until:
                time.sleep(0.05)
                alive = [pid for pid in alive if started_at(pid)]


def started_at(pid: int) -> str:
    """When that process began, as the system writes it, or empty: tells it from a later one with the same number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        state, *fields = stat.rpartition(")")[2].split()
        return "" if state == "Z" else fields[18]
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def check_port(name: str, port: int, *, wait_seconds: float = 0.0) -> None:
    """Raises CannotStart when something else listens on 127.0.0.1:port; gives a house that was killed time to go."""
    until = time.monotonic() + wait_seconds
    while not _is_free(port):
        if time.monotonic() >= until:
            raise CannotStart(
                f"Port {port} is taken by another program. Stop it, or choose another port: {name}={port + 1} bin/run"
            )
        time.sleep(0.1)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(f"Port {port} needs rights that you don't have. Choose one above 1023.") from None
        except OSError:
            return False
    return True
