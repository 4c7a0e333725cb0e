"""Where files are kept. obstore is not safe across a fork, so the store is opened on first use, in the process that
uses it, and a use in another process opens its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flask import Flask, current_app


class Storage:
    """A folder of our own, spoken to through obstore so that S3 can take its place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store: Any = None
        self._pid = 0

    @property
    def store(self) -> Any:
        """The obstore store of this process."""
        if self._store is None:
            from obstore.store import LocalStore

            self._store, self._pid = LocalStore(self.folder, mkdir=True), os.getpid()
        if self._pid != os.getpid():
            raise RuntimeError("the storage was opened before a fork; open it only inside a request or a job")
        return self._store


def storage() -> Storage:
    return current_app.extensions["storage"]


def init_app(app: Flask, folder: Path) -> None:
    app.extensions["storage"] = Storage(folder)
