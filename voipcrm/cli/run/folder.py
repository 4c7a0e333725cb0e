"""The data folder: one house at a time, and nothing of an earlier one left running."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
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

    def note(self, environment: dict[str, str], children: Mapping[str, int]) -> None:
        """Write down what runs, for the next start and for commands started by hand."""
        record = {
            "environment": environment,
            "children": {name: [pid, started_at(pid)] for name, pid in children.items()},
        }
        self.write_privately("run.json", json.dumps(record))

    def write_privately(self, name: str, text: str) -> Path:
        """A file that only this user can read, written whole or not at all."""
        path, new = self.path / name, self.path / f"{name}.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        new.replace(path)
        return path

    def log(self, name: str) -> Path:
        """The log of one process, put aside when it grew long."""
        path = self.path / "log" / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    def _end_leftovers(self) -> None:
        try:
            recorded = json.loads((self.path / "run.json").read_text())["children"].values()
        except (OSError, ValueError, KeyError, AttributeError):
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
