"""Every setting of voipcrm, read once from the environment, typed, and refused loudly when it is missing or malformed.

Each field names its environment variable; `.env.example` lists them all with unit and default, and a test
compares the two.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from environs import EnvError, FileAwareEnv


class SettingsInvalid(Exception):
    """A setting is missing or malformed. The message names it and says what to write; the process must not start."""


def _setting(env: str, about: str, *, default: Any = MISSING, secret: bool = False) -> Any:
    metadata = {"env": env, "about": about, "secret": secret}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the operator decided. Attributes are in the units their names show."""

    secret_key: str = _setting("SECRET_KEY", "signs sessions and forms; at least 32 random characters", secret=True)
    database_url: str = _setting("DATABASE_URL", "sqlite:///… or postgresql://…")
    redis_url: str = _setting("REDIS_URL", "Redis 5+ or Valkey 7.2+ for jobs, redis://…")
    recordings_url: str = _setting(
        "RECORDINGS_URL", "where recordings are kept: file:///absolute/folder or s3://bucket/prefix"
    )
    s3_endpoint_url: str = _setting(
        "S3_ENDPOINT_URL",
        "address of another maker's S3, https://fra1.digitaloceanspaces.com; empty: Amazon's. Browsers fetch from it",
        default="",
    )
    s3_region: str = _setting("S3_REGION", "region of the bucket", default="us-east-1")
    s3_access_key_id: str = _setting(
        "S3_ACCESS_KEY_ID", "key that may read, write, list and delete in the bucket; needed with s3://", default=""
    )
    s3_secret_access_key: str = _setting("S3_SECRET_ACCESS_KEY", "that key's secret", default="", secret=True)
    public_base_url: str = _setting(
        "PUBLIC_BASE_URL", "the address the phone provider calls; webhook signatures are checked against it"
    )

    provider: Literal["sandbox", "twilio"] = _setting("VOIP_PROVIDER", "sandbox or twilio", default="sandbox")
    twilio_sid: str = _setting("TWILIO_SID", "account SID, AC…")
    twilio_tokens: tuple[str, ...] = _setting(
        "TWILIO_TOKEN", "auth token for webhook signatures; while rotating, both, with a comma between", secret=True
    )
    twilio_api_key_sid: str = _setting("TWILIO_API_KEY_SID", "API key SID, SK…")
    twilio_api_key_secret: str = _setting("TWILIO_API_KEY_SECRET", "that key's secret", secret=True)
    twilio_app_sid: str = _setting("TWILIO_APP_SID", "TwiML application SID, AP…")
    twilio_number: str = _setting("TWILIO_NUMBER", "default caller ID, a number of yours in E.164, +15551230000")
    sandbox_url: str = _setting(
        "SANDBOX_URL", "address of the phone sandbox; used only with VOIP_PROVIDER=sandbox", default=""
    )

    brand_name: str = _setting("BRAND_NAME", "name shown in the app", default="voipcrm")
    default_country: str = _setting(
        "DEFAULT_COUNTRY", "country of numbers typed without a prefix, ISO 3166", default="US"
    )
    default_time_zone: str = _setting("DEFAULT_TIME_ZONE", "time zone of new people, IANA name", default="UTC")
    dial_countries: tuple[str, ...] = _setting(
        "DIAL_COUNTRIES", "countries that may be dialled, ISO 3166 with commas; empty: the default country", default=()
    )
    dial_calls_per_hour: int = _setting(
        "DIAL_CALLS_PER_HOUR", "outgoing calls one person may place in an hour", default=60
    )
    call_time_limit_seconds: int = _setting("CALL_TIME_LIMIT", "longest call, seconds", default=14_400)
    ring_seconds: int = _setting("RING_SECONDS", "how long an incoming call rings, seconds", default=25)
    voicemail_seconds: int = _setting("VOICEMAIL_SECONDS", "longest message in a mailbox, seconds", default=180)
    token_ttl_seconds: int = _setting("TOKEN_TTL", "life of a softphone token, seconds, at most 86400", default=3_600)
    session_hours: int = _setting("SESSION_HOURS", "a sign-in lasts this long, hours", default=12)
    web_threads: int = _setting(
        "WEB_THREADS", "threads of one web process; downloads may hold all but two of them", default=32
    )
    trusted_proxies: int = _setting(
        "TRUSTED_PROXIES",
        "proxies in front of us, each of which adds to X-Forwarded-For; 0: that header is never believed",
        default=0,
    )
    accel_redirect_prefix: str = _setting(
        "ACCEL_REDIRECT_PREFIX",
        "internal location of nginx that serves the recordings' folder, /recordings/; empty: the app sends them itself",
        default="",
    )
    provider_copy_days: int | None = _setting(
        "PROVIDER_COPY_DAYS",
        "the provider's copy of a recording is deleted so many days after ours was saved; empty: it stays there",
        default=None,
    )
    recording_channels: tuple[str, ...] = _setting(
        "RECORDING_CHANNELS",
        "whose voice is in the first and second channel of a recording: parent,child or child,parent leg of the call",
        default=("parent", "child"),
    )
    smtp_url: str = _setting(
        "SMTP_URL",
        "mail server, smtp://user:password@host:587 (encrypts where the server offers it) or smtps://…; empty: no mail",
        default="",
        secret=True,
    )
    mail_from: str = _setting("MAIL_FROM", "sender of our mail, calls@example.com; needed with SMTP_URL", default="")
    log_level: str = _setting("LOG_LEVEL", "debug, info, warning or error", default="warning")

    def __post_init__(self) -> None:
        _check(
            len(self.secret_key) >= 32,
            "SECRET_KEY",
            "needs at least 32 characters; make one with `openssl rand -hex 32`",
        )
        _check(
            urlsplit(self.redis_url).scheme in {"redis", "rediss"}, "REDIS_URL", "must begin with redis:// or rediss://"
        )
        public = urlsplit(self.public_base_url)
        _check(
            public.scheme in {"http", "https"}
            and bool(public.netloc)
            and public.path in {"", "/"}
            and not public.query,
            "PUBLIC_BASE_URL",
            "must be an address like https://calls.example.com, without a path",
        )
        self._check_storage()
        self._check_provider()
        self._check_mail()
        for code in (self.default_country, *self.dial_countries):
            _check(
                re.fullmatch("[A-Z]{2}", code) is not None, "DEFAULT_COUNTRY or DIAL_COUNTRIES", "takes codes like US"
            )
        _check(0 <= self.trusted_proxies <= 10, "TRUSTED_PROXIES", "must be 0 to 10")
        _check(5 <= self.voicemail_seconds <= 3600, "VOICEMAIL_SECONDS", "must be between 5 and 3600")
        _check(self.web_threads >= 3, "WEB_THREADS", "must be at least 3")
        prefix = self.accel_redirect_prefix
        _check(
            not prefix or (prefix.startswith("/") and prefix.endswith("/")),
            "ACCEL_REDIRECT_PREFIX",
            "must be empty, or begin and end with /",
        )
        _check(
            sorted(self.recording_channels) == ["child", "parent"],
            "RECORDING_CHANNELS",
            "must be parent,child or child,parent",
        )
        _check(
            self.provider_copy_days is None or 0 <= self.provider_copy_days <= 3650,
            "PROVIDER_COPY_DAYS",
            "must be empty or 0 to 3650 days",
        )
        _check(1 <= self.token_ttl_seconds <= 86_400, "TOKEN_TTL", "must be 1 to 86400 seconds")
        _check(5 <= self.ring_seconds <= 600, "RING_SECONDS", "must be 5 to 600 seconds")
        _check(1 <= self.call_time_limit_seconds <= 86_400, "CALL_TIME_LIMIT", "must be 1 to 86400 seconds")

    def _check_provider(self) -> None:
        for name, value, prefix in (
            ("TWILIO_SID", self.twilio_sid, "AC"),
            ("TWILIO_API_KEY_SID", self.twilio_api_key_sid, "SK"),
            ("TWILIO_APP_SID", self.twilio_app_sid, "AP"),
        ):
            _check(
                re.fullmatch(prefix + "[0-9a-fA-F]{32}", value) is not None,
                name,
                f"must be {prefix} and 32 hex characters",
            )
        _check(bool(self.twilio_tokens) and all(self.twilio_tokens), "TWILIO_TOKEN", "must not be empty")
        _check(re.fullmatch(r"\+[1-9]\d{6,14}", self.twilio_number) is not None, "TWILIO_NUMBER", "must be E.164")
        if self.provider == "sandbox":
            _check(bool(self.sandbox_url), "SANDBOX_URL", "is needed with VOIP_PROVIDER=sandbox")

    def _check_mail(self) -> None:
        if not self.smtp_url:
            return
        smtp = urlsplit(self.smtp_url)
        _check(
            smtp.scheme in {"smtp", "smtps"} and bool(smtp.hostname) and _has_good_port(smtp),
            "SMTP_URL",
            "must be like smtp://user:password@mail.example.com:587",
        )
        _check(
            re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", self.mail_from) is not None,
            "MAIL_FROM",
            "must be an e-mail address when SMTP_URL is set",
        )

    def _check_storage(self) -> None:
        kept = urlsplit(self.recordings_url)
        is_bucket = kept.scheme == "s3" and re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", kept.netloc) is not None
        is_bucket = is_bucket and re.fullmatch(r"(/[\w.-]+)*/?", kept.path) is not None and ".." not in kept.path
        _check(
            self.recordings_url.startswith("file:///") or (is_bucket and not kept.query),
            "RECORDINGS_URL",
            "must be an absolute folder, file:///var/lib/voipcrm/recordings, or a bucket, s3://bucket/prefix",
        )
        endpoint = urlsplit(self.s3_endpoint_url)
        _check(
            not self.s3_endpoint_url
            or (
                endpoint.scheme in {"http", "https"}
                and re.fullmatch(r"[\w.-]+(:\d+)?", endpoint.netloc) is not None
                and endpoint.path in {"", "/"}
                and not endpoint.query
            ),
            "S3_ENDPOINT_URL",
            "must be an address like https://fra1.digitaloceanspaces.com, without the bucket",
        )
        _check(re.fullmatch(r"[a-z0-9-]+", self.s3_region) is not None, "S3_REGION", "must be like eu-central-1")
        if is_bucket:
            _check(bool(self.s3_access_key_id), "S3_ACCESS_KEY_ID", "is needed when RECORDINGS_URL is a bucket")
            _check(bool(self.s3_secret_access_key), "S3_SECRET_ACCESS_KEY", "is needed when RECORDINGS_URL is a bucket")
            _check(
                not self.accel_redirect_prefix, "ACCEL_REDIRECT_PREFIX", "must be empty when RECORDINGS_URL is a bucket"
            )

    @property
    def recordings_are_in_s3(self) -> bool:
        return self.recordings_url.startswith("s3://")

    @property
    def s3_endpoint(self) -> str:
        """Scheme and host of the bucket's S3, without a slash at the end."""
        return (self.s3_endpoint_url or f"https://s3.{self.s3_region}.amazonaws.com").rstrip("/")

    @property
    def is_sandbox(self) -> bool:
        return self.provider == "sandbox"

    @property
    def is_secure(self) -> bool:
        """People reach us over HTTPS, so cookies may insist on it."""
        return self.public_base_url.startswith("https://")

    @property
    def signalling_url(self) -> str:
        """The sandbox's Voice SDK socket, or empty when the SDK shall talk to Twilio."""
        if not self.is_sandbox:
            return ""
        return self.sandbox_url.replace("http", "ws", 1).rstrip("/") + "/signal"

    @property
    def sends_mail(self) -> bool:
        return bool(self.smtp_url)

    @property
    def recordings_folder(self) -> Path:
        return Path(urlsplit(self.recordings_url).path)

    @classmethod
    def from_environ(cls) -> Settings:
        """Read and check all settings; NAME_FILE may point to a file that holds NAME (container secrets).

        Raises SettingsInvalid naming the first that is wrong."""
        env = FileAwareEnv()
        values: dict[str, Any] = {}
        for one in fields(cls):
            name = one.metadata["env"]
            try:
                values[one.name] = _read(env, name, str(one.type), one.default)
            except EnvError as error:
                raise SettingsInvalid(f"{name}: {error}. It is {one.metadata['about']}.") from None
        return cls(**values)


def _read(env: FileAwareEnv, name: str, kind: str, default: Any) -> Any:
    given = {} if default is MISSING else {"default": default}
    if kind == "int":
        return env.int(name, **given)
    if kind == "int | None":
        return env.int(name) if env.str(name, "").strip() else None
    if kind.startswith("tuple"):
        return tuple(part.strip() for part in env.list(name, **given) if part.strip())
    value = env.str(name, **given).strip()
    if kind.startswith("Literal"):
        _check(value in {"sandbox", "twilio"}, name, "must be sandbox or twilio")
    if not value and default is MISSING:
        raise EnvError("it is empty")
    if name == "DATABASE_URL":
        return _with_driver(value)
    return value.rstrip("/") if name in {"PUBLIC_BASE_URL", "SANDBOX_URL"} else value


def _with_driver(url: str) -> str:
    """Hosts write postgres:// or postgresql://; we speak to it with psycopg 3."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)


def _has_good_port(url: SplitResult) -> bool:
    try:
        return url.port is None or url.port > 0
    except ValueError:
        return False


def _check(good: bool, name: str, problem: str) -> None:
    if not good:
        raise SettingsInvalid(f"{name} {problem}.")
