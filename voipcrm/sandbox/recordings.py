"""Recordings: begun, paused, stopped, processed, told to the application, and kept on disk through a restart."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from voipcrm.sandbox.media.recorder import PauseBehavior, Recorder
from voipcrm.sandbox.status_callbacks import rfc2822
from voipcrm.sandbox.store import new_sid
from voipcrm.sandbox.tasks import Tasks
from voipcrm.sandbox.webhooks import Webhooks

log = logging.getLogger(__name__)

PROCESSING_SECONDS = 0.3
SHORTEST_SECONDS = 0.1
PRICE_PER_MINUTE = 0.0025


@dataclass(frozen=True)
class Teller:
    """Who hears of a recording: address, method, the subset of in-progress, completed, absent, and fixed fields."""

    address: str = ""
    method: str = "POST"
    events: tuple[str, ...] = ("completed",)


@dataclass
class Recording:
    """
    One Recording resource. `status` is in-progress, paused, stopped, processing, completed or absent; `duration`
    whole seconds, -1 while it runs; times are ISO 8601 UTC. A conference's recording has no call_sid.
    """

    sid: str
    account_sid: str
    call_sid: str | None
    conference_sid: str | None
    channels: int
    source: str
    status: str = "in-progress"
    duration: int = -1
    error_code: int | None = None
    track: str = "both"
    start_time: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    date_updated: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    deleted: bool = False

    @property
    def is_running(self) -> bool:
        """Still takes audio, or would if resumed."""
        return self.status in ("in-progress", "paused")

    @property
    def price(self) -> float | None:
        """US dollars, negative; None until completed."""
        return -round(PRICE_PER_MINUTE * (self.duration // 60 + 1), 5) if self.status == "completed" else None


class Recordings:
    """All of the account, by SID. Sound as `<sid>.wav` and what is known of it as `<sid>.json` in one folder."""

    def __init__(self, folder: Path, base_url: str, account_sid: str, webhooks: Webhooks, tasks: Tasks) -> None:
        self.folder = folder
        self.base_url = base_url
        self.account_sid = account_sid
        self.webhooks = webhooks
        self.tasks = tasks
        self.rows: dict[str, Recording] = {}
        self.running: dict[str, ActiveRecording] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._load()

    def begin(
        self,
        *,
        call_sid: str | None,
        conference_sid: str | None = None,
        channels: int,
        source: str,
        teller: Teller,
        trim: bool = False,
    ) -> ActiveRecording:
        """A new recorder that nobody feeds yet. `channels` is 1 or 2."""
        row = Recording(
            sid=new_sid("RE"),
            account_sid=self.account_sid,
            call_sid=call_sid,
            conference_sid=conference_sid,
            channels=channels,
            source=source,
        )
        recorder = Recorder(self.wav(row.sid), 2 if channels == 2 else 1, trim=trim)
        active = ActiveRecording(self, row, recorder, teller)
        self.rows[row.sid] = row
        self.running[row.sid] = active
        self.save(row)
        active.tell("in-progress")
        return active

    def wav(self, sid: str) -> Path:
        """Where the sound is once the recording is completed."""
        return self.folder / f"{sid}.wav"

    def url(self, sid: str) -> str:
        """The RecordingUrl: without an extension, as Twilio sends it."""
        return f"{self.base_url}/2010-04-01/Accounts/{self.account_sid}/Recordings/{sid}"

    def find(self, sid: str) -> Recording | None:
        """A recording that is not deleted."""
        row = self.rows.get(sid)
        return None if row is None or row.deleted else row

    def delete(self, row: Recording) -> None:
        """The sound goes, the row stays as deleted."""
        self.wav(row.sid).unlink(missing_ok=True)
        row.deleted = True
        self.save(row)

    def save(self, row: Recording) -> None:
        """Rename after writing: a kill leaves a whole file."""
        row.date_updated = datetime.now(UTC).isoformat()
        path = self.folder / f"{row.sid}.json"
        draft = path.with_suffix(".json.part")
        draft.write_text(json.dumps(asdict(row)), "utf-8")
        draft.replace(path)

    def finish_all(self) -> None:
        """At exit: what runs is closed and kept, without a callback."""
        for active in list(self.running.values()):
            active.close_at_exit()

    def _load(self) -> None:
        known = {item.name for item in fields(Recording)}
        for path in sorted(self.folder.glob("RE*.json")):
            try:
                saved: dict[str, Any] = json.loads(path.read_text("utf-8"))
                row = Recording(**{name: value for name, value in saved.items() if name in known})
            except (ValueError, TypeError):
                log.warning("%s is not readable and was left out", path.name)
                continue
            if row.status not in ("completed", "absent"):
                # The process was killed during this recording: whole if the recorder closed it, else gone.
                row.status, row.error_code = ("completed", None) if self.wav(row.sid).exists() else ("absent", 1)
                row.duration = max(row.duration, 0)
                self.save(row)
            self.rows[row.sid] = row
        for part in self.folder.glob("*.part"):
            part.unlink(missing_ok=True)


class ActiveRecording:
    """A recording that runs: its recorder, and who is told."""

    def __init__(self, all_: Recordings, row: Recording, recorder: Recorder, teller: Teller) -> None:
        self.all = all_
        self.row = row
        self.recorder = recorder
        self.teller = teller
        self.on_stop: list[Callable[[], None]] = []  # what feeds it lets go

    def pause(self, behavior: PauseBehavior = "silence") -> None:
        """Until `resume`; nothing happens when it is over."""
        if self.row.is_running:
            self.recorder.pause(behavior)
            self._become("paused")

    def resume(self) -> None:
        """Nothing happens when it is over."""
        if self.row.is_running:
            self.recorder.resume()
            self._become("in-progress")

    def stop(self) -> Recording:
        """Ends it; the file is ready a moment later. A second call changes nothing."""
        if self.row.is_running:
            self._close()
            self._become("processing")
            self.all.tasks.start(self._process(), name=f"processing {self.row.sid}")
        return self.row

    def close_at_exit(self) -> None:
        """Like `stop`, for a process that has no moment left."""
        if self.row.is_running:
            self._close()
        self._settle()

    def fields(self) -> dict[str, str]:
        """RecordingUrl, RecordingSid and RecordingDuration as an `action` request carries them."""
        return {
            "RecordingUrl": self.all.url(self.row.sid),
            "RecordingSid": self.row.sid,
            "RecordingDuration": str(max(self.row.duration, 0)),
        }

    def tell(self, event: str) -> None:
        """The recordingStatusCallback, if it asked for this event."""
        if event not in self.teller.events:
            return
        row = self.row
        whose = {"ConferenceSid": row.conference_sid} if row.conference_sid else {"CallSid": row.call_sid}
        fields = self.fields() | {
            "AccountSid": row.account_sid,
            "RecordingStatus": event,
            "RecordingChannels": str(row.channels),
            "RecordingStartTime": rfc2822(datetime.fromisoformat(row.start_time).replace(microsecond=0)),
            "RecordingSource": row.source,
            "RecordingTrack": row.track,
            "ErrorCode": str(row.error_code or 0),
        }
        if event == "in-progress":
            del fields["RecordingDuration"]
        self.all.webhooks.notify(
            self.teller.address,
            fields | whose,
            purpose=f"recording {event}",
            order_key=row.sid,
            method=self.teller.method,
        )

    def _close(self) -> None:
        for let_go in self.on_stop:
            let_go()
        seconds = self.recorder.close()
        self.row.duration = round(seconds)
        if seconds < SHORTEST_SECONDS:
            self.row.duration, self.row.error_code = 0, 1
        self.all.running.pop(self.row.sid, None)

    async def _process(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(PROCESSING_SECONDS)
        self._settle()
        self.tell(self.row.status)

    def _settle(self) -> None:
        if self.row.error_code:
            self.all.wav(self.row.sid).unlink(missing_ok=True)
            self._become("absent")
        else:
            self._become("completed")

    def _become(self, status: str) -> None:
        self.row.status = status
        self.all.save(self.row)


def teller(address: str, events: Sequence[str], method: str = "POST") -> Teller:
    """Unknown events are dropped; none left means completed."""
    known = tuple(event for event in events if event in ("in-progress", "completed", "absent"))
    return Teller(address, method, known or ("completed",))
