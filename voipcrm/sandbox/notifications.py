"""What Twilio's debugger would show: errors and warnings of webhooks and TwiML, newest first on the control page."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger(__name__)

MESSAGES = {
    11200: "HTTP retrieval failure",
    11205: "HTTP connection failure",
    11206: "HTTP protocol violation",
    11210: "HTTP bad host name",
    11750: "TwiML response body too large",
    12100: "Document parse failure",
    12200: "Schema validation warning",
    12300: "Invalid Content-Type",
    13214: "Dial: Invalid callerId value",
    13223: "Dial: Invalid phone number format",
    13320: "Dial->Conference: Conference full",
    13325: "Dial->Conference: Invalid conference name",
    16025: "Conference participant label already exists",
    21218: "Invalid ApplicationSid",
}


@dataclass(frozen=True)
class Notification:
    """`level` is error or warning; `code` a Twilio error code."""

    at: str
    level: str
    code: int
    message: str
    call_sid: str
    url: str


class Notifications:
    """The last 500, in the order they came."""

    def __init__(self) -> None:
        self.recent: deque[Notification] = deque(maxlen=500)

    def add(self, code: int, detail: str = "", *, call_sid: str = "", url: str = "", level: str = "error") -> None:
        """Keeps and logs it; never raises."""
        message = MESSAGES.get(code, "Error") + (f": {detail}" if detail else "")
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.recent.append(Notification(at, level, code, message, call_sid, url))
        log.warning("%s %s %s %s", code, message, call_sid, url)

    def as_json(self) -> list[dict[str, Any]]:
        """Newest first."""
        return [asdict(item) for item in reversed(self.recent)]
