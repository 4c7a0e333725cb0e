"""Where files are kept. obstore is not safe across a fork, so the store is opened on first use, in the process that
uses it, and a use in another process opens its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, cast

from flask import Flask, current_app

from voipcrm.config import Settings

DRAFTS = "incoming"  # files on their way in; whatever stands elsewhere is whole
PART_BYTES = 5 * 1024 * 1024
PARTS_AT_ONCE = 2  # with PART_BYTES: memory stays flat however long the file is


class StorageUnusable(Exception):
    """Nothing can be kept there. The message names the setting and says what is wrong with it."""


class Storage:
    """A folder of our own, spoken to through obstore as S3 is (core/s3.py). Paths are relative, with /."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open_store: Any = None
        self._pid = 0

    @property
    def store(self) -> Any:
        """The obstore store of this process."""
        if self._open_store is None:
            self._open_store, self._pid = self._make_store(), os.getpid()
        if self._pid != os.getpid():
            raise RuntimeError("the storage was opened before a fork; open it only inside a request or a job")
        return self._open_store

    def _make_store(self) -> Any:
        from obstore.store import LocalStore

        return LocalStore(self.folder, mkdir=True)

    def put(self, path: str, pieces: Iterable[bytes]) -> None:
        """Write the pieces as they come; nothing is kept if one of them raises, and that error comes out here."""
        import obstore

        obstore.put(self.store, path, iter(pieces), chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)

    @contextmanager
    def writing(self, path: str) -> Iterator[Callable[[bytes], object]]:
        """A function that writes on and on; the file is there once the block ends well, and not at all if it raises."""
        import obstore

        writer = obstore.open_writer(self.store, path, buffer_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        yield writer.write
        writer.close()

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Read a file from any place in it. Raises FileNotFoundError."""
        import obstore

        reader = obstore.open_reader(self.store, path)
        try:
            yield cast(BinaryIO, reader)
        finally:
            reader.close()

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file from beginning to end. Raises FileNotFoundError."""
        import obstore

        for piece in obstore.get(self.store, path).stream(min_chunk_size=1024 * 1024):
            yield bytes(piece)

    def publish(self, draft: str, path: str) -> None:
        """Give a finished draft its name, replacing what had it. Once this returns it survives a power cut."""
        source, target = self.local_path(draft), self.local_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(source)
        source.replace(target)
        # A rename and a new folder are entries of the folder above, which is only safe once that is on the disk.
        for folder in (target.parent, *target.parent.parents):
            _sync(folder)
            if folder == self.folder:
                break

    def size_of(self, path: str) -> int | None:
        """Length of a file in bytes; None if it is not there."""
        file = self.local_path(path)
        return file.stat().st_size if file.is_file() else None

    def delete(self, path: str) -> None:
        """Remove a file; one that is not there is no error."""
        self.local_path(path).unlink(missing_ok=True)

    def delete_drafts(self, *, before: datetime) -> int:
        """Remove what a killed process left half written, if untouched since `before`; returns how many files."""
        folder, count = self.folder / DRAFTS, 0
        # Not through obstore: its listing leaves out its own unfinished parts.
        for file in folder.iterdir() if folder.is_dir() else ():
            try:
                if file.is_file() and file.stat().st_mtime < before.timestamp():
                    file.unlink()
                    count += 1
            except FileNotFoundError:
                continue  # finished or removed meanwhile
        return count

    def free_bytes(self) -> int | None:
        """Room left on the disk; None where there is no end of it."""
        folder = self.folder
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free

    def address(self, path: str, *, seconds: int, method: str = "GET", **response: str) -> str | None:
        """Where a browser fetches the file by itself, for so many seconds; None: we have to send it."""
        return None

    def check(self) -> None:
        """Write, read and remove a small file. Raises StorageUnusable."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._try_out()
        except OSError as problem:
            raise StorageUnusable(
                f"Recordings cannot be kept: RECORDINGS_URL names {self.folder}, which cannot be written"
                f" ({problem.strerror or problem})."
            ) from problem

    def _try_out(self) -> None:
        draft = f"{DRAFTS}/check.{token_hex(4)}"
        self.put(draft, [b"voipcrm"])
        try:
            if b"".join(self.pieces(draft)) != b"voipcrm":
                raise OSError("what it gives back is not what was written")
        finally:
            self.delete(draft)

    def local_path(self, path: str) -> Path:
        """The file itself. Raises ValueError for a path that leads out of the storage."""
        root = self.folder.resolve()
        file = (root / path).resolve()
        if not file.is_relative_to(root) or file == root:
            raise ValueError("this path leads out of the storage")
        return file


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def storage() -> Storage:
    return current_app.extensions["storage"]


def init_app(app: Flask, settings: Settings) -> None:
    from voipcrm.core.s3 import S3Storage  # which is made of this one

    is_s3 = settings.recordings_are_in_s3
    app.extensions["storage"] = S3Storage(settings) if is_s3 else Storage(settings.recordings_folder)
