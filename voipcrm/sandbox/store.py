"""What outlives a call and a restart: applications, numbers, caller IDs, keys. One JSON file, written whole."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from voipcrm.sandbox.settings import Settings

VOICE_PATH, STATUS_PATH = "/voip/webhook/twilio/voice", "/voip/webhook/twilio/status"


def new_sid(prefix: str) -> str:
    """A fresh Twilio SID: two letters and 32 hex digits."""
    return prefix + secrets.token_hex(16)


def now() -> datetime:
    """This moment, UTC, whole seconds as Twilio's REST shows them."""
    return datetime.now(UTC).replace(microsecond=0)


def _stamp() -> str:
    return now().isoformat()


@dataclass
class VoiceTarget:
    """Where calls are answered: shared by TwiML applications and numbers. Empty text means not set."""

    sid: str
    friendly_name: str = ""
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    voice_caller_id_lookup: bool = False
    date_created: str = field(default_factory=_stamp)
    date_updated: str = field(default_factory=_stamp)


@dataclass
class VoiceApplication(VoiceTarget):
    """A TwiML application (AP...)."""


@dataclass
class OwnedNumber(VoiceTarget):
    """An IncomingPhoneNumber (PN...). `voice_application_sid` wins over its own URLs."""

    phone_number: str = ""
    voice_application_sid: str = ""


@dataclass
class CallerId:
    """A verified OutgoingCallerId (PN...)."""

    sid: str
    phone_number: str
    friendly_name: str = ""
    date_created: str = field(default_factory=_stamp)
    date_updated: str = field(default_factory=_stamp)


@dataclass
class ApiKey:
    """A key (SK...). The secret is shown once, when it is made."""

    sid: str
    secret: str
    friendly_name: str = ""
    date_created: str = field(default_factory=_stamp)
    date_updated: str = field(default_factory=_stamp)


R = TypeVar("R", VoiceApplication, OwnedNumber, CallerId, ApiKey)


class Store:
    """The account's resources by SID. `save()` after each change."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.data_dir / "sandbox"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "resources.json"
        self.applications: dict[str, VoiceApplication] = {}
        self.numbers: dict[str, OwnedNumber] = {}
        self.caller_ids: dict[str, CallerId] = {}
        self.keys: dict[str, ApiKey] = {}
        self._base = settings.public_base_url
        self._load()
        self._furnish(settings)

    def _load(self) -> None:
        if not self.path.exists():
            return
        saved = json.loads(self.path.read_text("utf-8"))
        self.applications = _rows(VoiceApplication, saved.get("applications", []))
        self.numbers = _rows(OwnedNumber, saved.get("numbers", []))
        self.caller_ids = _rows(CallerId, saved.get("caller_ids", []))
        self.keys = _rows(ApiKey, saved.get("keys", []))
        old = saved.get("public_base_url", self._base)
        for target in [*self.applications.values(), *self.numbers.values()]:
            # The application moved to another port: what pointed at it follows.
            for name in ("voice_url", "voice_fallback_url", "status_callback"):
                address = getattr(target, name)
                if old != self._base and address.startswith(old + "/"):
                    setattr(target, name, self._base + address[len(old) :])

    def _furnish(self, settings: Settings) -> None:
        """The account as it would stand after Twilio's set-up: the application, the number, the key."""
        self.applications.setdefault(
            settings.application_sid,
            VoiceApplication(
                sid=settings.application_sid,
                friendly_name="voipcrm",
                voice_url=self._base + VOICE_PATH,
                status_callback=self._base + STATUS_PATH,
            ),
        )
        if self.number_owned(settings.number) is None:
            number = OwnedNumber(
                sid=new_sid("PN"),
                friendly_name=settings.number,
                phone_number=settings.number,
                voice_application_sid=settings.application_sid,
            )
            self.numbers[number.sid] = number
        self.keys[settings.api_key_sid] = ApiKey(
            sid=settings.api_key_sid, secret=settings.api_key_secret, friendly_name="voipcrm"
        )
        self.save()

    def save(self) -> None:
        """Temporary file and rename: a kill leaves the old or the new file, never half of one."""
        content = {
            "public_base_url": self._base,
            "applications": [asdict(row) for row in self.applications.values()],
            "numbers": [asdict(row) for row in self.numbers.values()],
            "caller_ids": [asdict(row) for row in self.caller_ids.values()],
            "keys": [asdict(row) for row in self.keys.values()],
        }
        draft = self.path.with_suffix(".part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds key secrets
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
        draft.replace(self.path)

    def number_owned(self, e164: str) -> OwnedNumber | None:
        """The owned number, or None."""
        return next((row for row in self.numbers.values() if row.phone_number == e164), None)

    def secret_of(self, key_sid: str) -> str | None:
        """The secret of an API key, for what it signed."""
        key = self.keys.get(key_sid)
        return key.secret if key else None

    def target_of(self, number: OwnedNumber) -> VoiceTarget:
        """Who answers for a number: its application when it has one, else itself."""
        return self.applications.get(number.voice_application_sid, number)

    def may_show(self, caller_id: str) -> bool:
        """Whether the account may present this number to the telephone network."""
        return self.number_owned(caller_id) is not None or any(
            row.phone_number == caller_id for row in self.caller_ids.values()
        )


def _rows(kind: type[R], saved: list[dict[str, Any]]) -> dict[str, R]:
    """Rows by SID; keys that this version does not know are dropped."""
    known = {item.name for item in fields(kind)}
    rows = [kind(**{name: value for name, value in row.items() if name in known}) for row in saved]
    return {row.sid: row for row in rows}
