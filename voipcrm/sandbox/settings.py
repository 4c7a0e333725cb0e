"""What the sandbox reads from the environment; the names are the application's own, so one .env serves both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SID = {"TWILIO_SID": "AC", "TWILIO_API_KEY_SID": "SK", "TWILIO_APP_SID": "AP"}


class SettingsError(ValueError):
    """A variable is missing or malformed; the message names it and says what it should be."""


@dataclass(frozen=True)
class Settings:
    """
    account_sid, api_key_sid, application_sid: Twilio SIDs (two letters and 32 hex digits).
    auth_tokens: one or more; the first signs webhooks, all of them are accepted by REST (rotation).
    number: default caller ID, E.164. public_base_url: where the application answers, no trailing slash.
    port: TCP on 127.0.0.1. data_dir: recordings and resources live in its `sandbox` folder.
    """

    account_sid: str
    auth_tokens: tuple[str, ...]
    api_key_sid: str
    api_key_secret: str
    application_sid: str
    number: str
    public_base_url: str
    port: int
    data_dir: Path
    log_level: str = "warning"

    @property
    def base_url(self) -> str:
        """Where this process answers; recordings' URLs begin with it."""
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Raises SettingsError, also when the application is set up for the real network."""
        provider = environ.get("VOIP_PROVIDER", "sandbox").strip().lower()
        if provider != "sandbox":
            raise SettingsError(
                f"VOIP_PROVIDER is {provider!r}: the sandbox runs only beside sandbox, never in production"
            )
        for name, prefix in SID.items():
            if not re.fullmatch(prefix + "[0-9a-fA-F]{32}", _required(environ, name)):
                raise SettingsError(f"{name} must be {prefix} followed by 32 hexadecimal digits")
        tokens = tuple(token.strip() for token in _required(environ, "TWILIO_TOKEN").split(",") if token.strip())
        if not tokens:
            raise SettingsError("TWILIO_TOKEN holds no token")
        number = _required(environ, "TWILIO_NUMBER")
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
            raise SettingsError("TWILIO_NUMBER must be a number in E.164 format, such as +15550100000")
        secret = _required(environ, "TWILIO_API_KEY_SECRET")
        if len(secret) < 16:
            raise SettingsError("TWILIO_API_KEY_SECRET is shorter than 16 characters")
        base = environ.get("PUBLIC_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
        if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
            raise SettingsError("PUBLIC_BASE_URL must be an http or https address")
        log_level = environ.get("SANDBOX_LOG", "warning").lower()
        if log_level not in ("debug", "info", "warning", "error"):
            raise SettingsError("SANDBOX_LOG must be debug, info, warning or error")
        return cls(
            account_sid=environ["TWILIO_SID"].strip(),
            auth_tokens=tokens,
            api_key_sid=environ["TWILIO_API_KEY_SID"].strip(),
            api_key_secret=secret,
            application_sid=environ["TWILIO_APP_SID"].strip(),
            number=number,
            public_base_url=base,
            port=_port(environ.get("SANDBOX_PORT", "8070")),
            data_dir=Path(environ.get("DATA_DIR", "./var")).expanduser(),
            log_level=log_level,
        )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is missing")
    return value


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingsError("SANDBOX_PORT must be a port number from 1 to 65535")
    return int(text)
