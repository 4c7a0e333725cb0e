"""Making ZIP files: streamed from the storage into a draft in it, so that neither memory nor disk of the worker holds
one. A job that dies leaves a draft, which the sweep of drafts removes, and another one begins anew."""

from __future__ import annotations

import hashlib
import secrets
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import sqlalchemy as sa
import structlog
from obstore.exceptions import BaseError as StoreError

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.core import clock
from voipcrm.core.db import db, touched
from voipcrm.core.house import house
from voipcrm.core.pages import zone
from voipcrm.core.storage import DRAFTS, storage
from voipcrm.recordings import accesses, copying, naming
from voipcrm.recordings.bundles import KEPT_FOR, Bundle, BundleItem
from voipcrm.recordings.models import Recording

log = structlog.get_logger(__name__)
STALLED = timedelta(minutes=2)  # longer than the storage may take over one piece
BEAT_SECONDS = 1.0
MOST_TRIES = 3
LEFT_OUT = "Not in here.txt"


class Lost(Exception):
    """Another job took it over, or nobody wants it any more."""


def make(bundle_id: int) -> None:
    """Make the ZIP if that is owed and nobody is at it."""
    claim = _take(bundle_id)
    if claim is None:
        return
    draft, path = f"{DRAFTS}/{claim}.zip", f"bundles/{claim}.zip"
    try:
        _write_and_offer(bundle_id, claim, draft, path)
    except Lost:
        log.info("bundle_lost", bundle=bundle_id)
    except (OSError, StoreError, copying.StorageFull) as problem:
        log.warning("bundle_put_off", bundle=bundle_id, reason=repr(problem)[:300])
        db.session.rollback()  # the sweep tries again, some times
    else:
        return
    for left in (draft, path):
        with suppress(OSError, StoreError):  # what cannot be removed now, a sweep removes
            storage().delete(left)


def _take(bundle_id: int) -> str | None:
    claim = secrets.token_hex(12)
    free = sa.or_(Bundle.claim == "", Bundle.reached_at < clock.now() - STALLED)
    mine = sa.update(Bundle).where(Bundle.id == bundle_id, Bundle.state == "making", free)
    fresh = {"claim": claim, "reached_at": clock.now(), "processed": 0, "left_out": 0, "tries": Bundle.tries + 1}
    taken = touched(mine.where(Bundle.tries < MOST_TRIES).values(fresh))
    if not taken:
        why = "It could not be made, our storage or the worker failed again and again. Ask for it anew."
        touched(mine.values(state="failed", reason=why, claim=""))
    db.session.commit()
    return claim if taken else None


def _write_and_offer(bundle_id: int, claim: str, draft: str, path: str) -> None:
    bundle = db.session.get_one(Bundle, bundle_id, populate_existing=True)
    user = db.session.get_one(User, bundle.by_id)
    in_order = BundleItem.recording_id == Recording.id
    ids = list(
        db.session.scalars(
            sa.select(Recording.id)
            .join(BundleItem, in_order)
            .where(BundleItem.bundle_id == bundle_id)
            .order_by(Recording.started_at, Recording.id)
        )
    )
    size = db.session.scalar(sa.select(sa.func.sum(Recording.size_bytes)).where(Recording.id.in_(ids))) or 0
    zone_name = bundle.zone
    db.session.commit()
    copying.check_room(size)
    beat = _heartbeat(bundle_id, claim)
    with storage().writing(draft) as write:
        put_in, left_out, size_bytes = _zip(write, ids, user.id, zone_name, beat)
    if not put_in:
        _end(
            bundle_id, claim, {"state": "failed", "reason": "None of these recordings is there any more.", "claim": ""}
        )
        raise Lost
    storage().publish(draft, path)
    ready = {
        "state": "ready",
        "claim": "",
        "path": path,
        "size_bytes": size_bytes,
        "processed": len(ids),
        "left_out": left_out,
        "expires_at": clock.now() + KEPT_FOR,
        "reached_at": clock.now(),
    }
    _end(bundle_id, claim, ready, put_in=put_in)


def _end(bundle_id: int, claim: str, values: dict[str, object], *, put_in: list[int] | None = None) -> None:
    if touched(sa.update(Bundle).where(Bundle.id == bundle_id, Bundle.claim == claim).values(values)) == 0:
        db.session.rollback()
        raise Lost
    bundle = db.session.get_one(Bundle, bundle_id, populate_existing=True)
    by = db.session.get_one(User, bundle.by_id)
    for recording_id in put_in or ():  # written down before it is offered
        accesses.note("zip", recording_id, by=by, ip=bundle.ip)
    db.session.commit()


def _zip(
    write: Callable[[bytes], object], ids: list[int], user_id: int, zone_name: str, beat: Callable[[int, int], None]
) -> tuple[list[int], int, int]:
    """Ids of the recordings that are in it, how many are not, and its size in bytes."""
    file = _Stream(write)
    put_in: list[int] = []
    names: set[str] = set()
    left_out: list[str] = []
    # Compressed at its quickest: a stream of stored files is something that not every program can open.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for done, recording_id in enumerate(ids):
            beat(done, len(left_out))
            name, path, sha256 = _look(recording_id, user_id, zone_name)
            if path is None:
                left_out.append(f"{name}: it was deleted, or you may not download it any more.")
                continue
            name = _unique(name, names)
            problem = _add(archive, name, path, sha256, lambda done=done: beat(done, len(left_out)))
            if problem:
                left_out.append(f"{name}: {problem}")
            else:
                put_in.append(recording_id)
        if left_out:
            archive.writestr(LEFT_OUT, "\r\n".join(left_out) + "\r\n")
    return put_in, len(left_out), file.size_bytes


def _look(recording_id: int, user_id: int, zone_name: str) -> tuple[str, str | None, str | None]:
    """Its file name, and path and digest if this person may still download it."""
    user = db.session.get_one(User, user_id)
    query = Recording.visible_to(user).where(Recording.id == recording_id)
    recording = db.session.scalars(Recording.with_names(query)).unique().one_or_none()
    if recording is None:
        known = f"Recording {recording_id}"
        may = False
    else:
        known = naming.file_name(recording, zone(zone_name), house.default_country)
        may = recording.is_playable and user.may(Can.DOWNLOAD_RECORDINGS)
    found = (known, recording.path if recording and may else None, recording.sha256 if recording else None)
    db.session.commit()  # nothing stays open while the file is read
    return found


def _unique(name: str, names: set[str]) -> str:
    """The name, or with a number behind it where another file has it; also where only the case differs."""
    stem, dot, ending = name.rpartition(".")
    chosen, number = name, 1
    while chosen.casefold() in names:
        number += 1
        chosen = f"{stem} ({number}){dot}{ending}"
    names.add(chosen.casefold())
    return chosen


def _add(archive: zipfile.ZipFile, name: str, path: str, sha256: str | None, beat: Callable[[], None]) -> str | None:
    """Put one file in; a sentence if it is not there or not what was saved."""
    try:
        pieces = storage().pieces(path)
        piece = next(pieces, b"")
    except FileNotFoundError:
        log.error("own_copy_missing", path=path)
        return "its file is missing in the storage."
    digest = hashlib.sha256()
    with archive.open(name, "w") as file:
        while piece:
            digest.update(piece)
            file.write(piece)
            beat()
            piece = next(pieces, b"")
    if sha256 and digest.hexdigest() != sha256:
        log.error("own_copy_damaged", path=path)
        return "the file in here is not what was saved, it is damaged."
    return None


class _Stream:
    """What zipfile writes to when it cannot go back."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self.size_bytes = 0

    def write(self, data: bytes, /) -> int:
        self._write(bytes(data))
        self.size_bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """What it writes to keeps no line back."""

    def close(self) -> None:
        """Whoever opened what it writes to closes it."""


def _heartbeat(bundle_id: int, claim: str) -> Callable[[int, int], None]:
    """A function to call often with how many are done and how many left out. Raises Lost."""
    beaten_at = 0.0

    def beat(processed: int, left_out: int) -> None:
        nonlocal beaten_at
        if time.monotonic() - beaten_at < BEAT_SECONDS:
            return
        beaten_at = time.monotonic()
        mine = sa.update(Bundle).where(Bundle.id == bundle_id, Bundle.claim == claim)
        is_ours = touched(mine.values(processed=processed, left_out=left_out, reached_at=clock.now())) == 1
        db.session.commit()
        if not is_ours:
            raise Lost

    return beat


def stalled(*, limit: int) -> list[int]:
    """Ids of bundles that nobody is at: nobody heard, or the worker died."""
    query = sa.select(Bundle.id).where(Bundle.state == "making", Bundle.reached_at < clock.now() - STALLED)
    found = list(db.session.scalars(query.order_by(Bundle.reached_at).limit(limit)))
    db.session.commit()
    return found


def remove_old() -> None:
    """End those whose day is over, and remove the files of all that ended."""
    over = {"state": "gone", "reason": "It was kept for a day.", "reached_at": clock.now()}
    touched(sa.update(Bundle).where(Bundle.state == "ready", Bundle.expires_at <= clock.now()).values(over))
    db.session.commit()
    ended = sa.select(Bundle.id, Bundle.path).where(Bundle.state.in_(("gone", "failed")), Bundle.path.is_not(None))
    found = db.session.execute(ended.limit(100)).all()
    db.session.commit()
    for bundle_id, path in found:
        try:
            storage().delete(path or "")
        except (OSError, StoreError) as problem:
            log.warning("storage_failed", bundle=bundle_id, reason=repr(problem)[:300])
            continue
        touched(sa.update(Bundle).where(Bundle.id == bundle_id).values(path=None))
        db.session.commit()
