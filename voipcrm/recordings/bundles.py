"""ZIP files of recordings: asked for by a person, made by a job (bundling.py), there for a day, for them alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from voipcrm.accounts.models import User
from voipcrm.core import clock
from voipcrm.core.db import Model, Record, db, touched
from voipcrm.core.pages import zone
from voipcrm.recordings.models import Recording

STATES = ("making", "ready", "failed", "gone")
KEPT_FOR = timedelta(hours=24)
MOST_FILES = 1_000
MOST_BYTES = 2 * 1024**3
AT_A_TIME = 3  # that one person may have in the making


class CannotBundle(Exception):
    """Why not, as a sentence for the person."""


class Bundle(Record):
    """One ZIP file. making: a job is at it, or owed. gone: taken back, given up or its day is over; see `reason`."""

    __tablename__ = "recording_bundles"
    __table_args__ = (
        sa.Index("ix_recording_bundles_by_at", "by_id", "created_at", "id"),
        sa.Index("ix_recording_bundles_state", "state", "reached_at"),
    )

    by_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    ip: Mapped[str] = mapped_column(default="")  # from where it was asked for
    zone: Mapped[str]  # of who asked: the file names tell time in it
    state: Mapped[str] = mapped_column(default="making")  # STATES
    reason: Mapped[str] = mapped_column(default="")
    total: Mapped[int]  # recordings
    processed: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)  # recordings that could not be put into it; it says which
    tries: Mapped[int] = mapped_column(default=0)
    claim: Mapped[str] = mapped_column(default="")  # of the job that is at it
    reached_at: Mapped[datetime] = mapped_column(default=clock.now)  # when something last moved
    path: Mapped[str | None]  # inside the storage
    size_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    expires_at: Mapped[datetime | None]

    @property
    def percent(self) -> int:
        return min(self.processed * 100 // self.total, 100) if self.total else 0

    @property
    def file_name(self) -> str:
        return f"Recordings {self.created_at.astimezone(zone(self.zone)):%Y-%m-%d %H.%M}.zip"

    @staticmethod
    def of(user: User) -> sa.Select[Bundle]:
        """Their own, and nobody else's."""
        return sa.select(Bundle).where(Bundle.by_id == user.id)

    def end(self, state: str, reason: str) -> None:
        """failed or gone; a job that is at it notices, and a sweep removes the file."""
        self.state, self.reason, self.claim, self.reached_at = state, reason, "", clock.now()


class BundleItem(Model):
    """A recording of a bundle."""

    __tablename__ = "recording_bundle_items"

    bundle_id: Mapped[int] = mapped_column(sa.ForeignKey("recording_bundles.id", ondelete="CASCADE"), primary_key=True)
    recording_id: Mapped[int] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True, index=True)


def ask_for(query: sa.Select[Recording], *, by: User, zone: str, ip: str) -> Bundle:
    """Owe a ZIP of those recordings of `query` that are saved. The caller commits and rings. Raises CannotBundle."""
    saved = query.where(Recording.state == "archived", Recording.path.is_not(None))
    found = db.session.execute(
        saved.with_only_columns(Recording.id, Recording.size_bytes).order_by(Recording.started_at).limit(MOST_FILES + 1)
    ).all()
    size = sum(size_bytes or 0 for _, size_bytes in found)
    if not found:
        raise CannotBundle("None of these is saved, so there is nothing to download.")
    if len(found) > MOST_FILES:
        raise CannotBundle(f"These are more than {MOST_FILES:,} recordings. Choose a shorter time, or tick some rows.")
    if size > MOST_BYTES:
        raise CannotBundle(
            f"These are {size / 1024**3:.1f} GB; a ZIP takes {MOST_BYTES // 1024**3} GB at most. "
            "Choose a shorter time, or tick some rows."
        )
    making = sa.select(sa.func.count()).select_from(Bundle).where(Bundle.by_id == by.id, Bundle.state == "making")
    if (db.session.scalar(making) or 0) >= AT_A_TIME:
        raise CannotBundle(f"{AT_A_TIME} of your ZIPs are being made. Wait until one is ready.")
    bundle = Bundle(by_id=by.id, zone=zone, ip=ip, total=len(found))
    db.session.add(bundle)
    db.session.flush()
    db.session.execute(
        sa.insert(BundleItem), [{"bundle_id": bundle.id, "recording_id": recording_id} for recording_id, _ in found]
    )
    return bundle


def take_back(recording_ids: list[int]) -> None:
    """Recordings go: so do the ZIPs that hold them. The caller commits."""
    holding = sa.select(BundleItem.bundle_id).where(BundleItem.recording_id.in_(recording_ids))
    reason = "A recording in it was deleted meanwhile. Ask for a new ZIP."
    over = {"state": "gone", "reason": reason, "claim": "", "reached_at": clock.now()}
    touched(sa.update(Bundle).where(Bundle.id.in_(holding), Bundle.state.in_(("making", "ready"))).values(over))
