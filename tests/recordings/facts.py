"""What the provider says, and what there is to look at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from voipcrm.telephony.facts import RecordingStatus

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def sid(number: int, kind: str = "RE") -> str:
    return f"{kind}{number:032x}"


def fact(number: int = 1, status: str = "completed", **more: Any) -> RecordingStatus:
    """What the provider says of recording `number`, made of leg `number`."""
    values: dict[str, Any] = {
        "recording_sid": sid(number),
        "call_sid": sid(number, "CA"),
        "conference_sid": None,
        "status": status,
        "duration_seconds": 6 if status == "completed" else None,
        "channels": 2,
        "started_at": NOON,
        "source": "DialVerb",
        "error_code": None,
    }
    return RecordingStatus(**{**values, **more})


def files_in(folder: Path) -> list[str]:
    """Every file of a storage, drafts included."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
