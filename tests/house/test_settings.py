"""Settings: one list, told in full, refused loudly."""

from __future__ import annotations

from pathlib import Path

import pytest
import services

from voipcrm.cli.settings import example
from voipcrm.config import Settings, SettingsInvalid

ROOT = Path(__file__).resolve().parents[2]
GOOD = services.environment(Path("/tmp"), database_url="sqlite:////tmp/x.db", redis_url="redis://127.0.0.1:1/0")


@pytest.fixture
def environ(monkeypatch):
    """Sets exactly these settings and reads them."""

    def read(**changed: str | None) -> Settings:
        for name, value in (GOOD | changed).items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        return Settings.from_environ()

    return read


def test_the_example_is_what_the_code_reads():
    assert (ROOT / ".env.example").read_text() == example(), "run: bin/flask settings > .env.example"


@pytest.mark.parametrize(
    "name", [line[:-1] for line in example().splitlines() if line.endswith("=") and line[0] != "#"]
)
def test_a_missing_setting_is_refused_by_its_name(environ, name):
    for value in (None, "", "  "):
        with pytest.raises(SettingsInvalid, match=name):
            environ(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("PUBLIC_BASE_URL", "calls.example.com"),
        ("PUBLIC_BASE_URL", "https://calls.example.com/app"),
        ("RECORDINGS_URL", "recordings"),
        ("RECORDINGS_URL", "s3://"),
        ("RECORDINGS_URL", "s3://Bucket/x"),
        ("RECORDINGS_URL", "s3://bucket/a/../b"),
        ("S3_ACCESS_KEY_ID", None),
        ("S3_SECRET_ACCESS_KEY", None),
        ("S3_ENDPOINT_URL", "s3.example.com"),
        ("S3_ENDPOINT_URL", "https://s3.example.com/bucket"),
        ("S3_ENDPOINT_URL", "https://s3.example.com; script-src *"),
        ("S3_REGION", "eu central"),
        ("ACCEL_REDIRECT_PREFIX", "/kept/"),
        ("PROVIDER_COPY_DAYS", "-1"),
        ("PROVIDER_COPY_DAYS", "soon"),
        ("TWILIO_SID", "SK" + "1" * 32),
        ("TWILIO_API_KEY_SID", "SK123"),
        ("TWILIO_APP_SID", "AC" + "1" * 32),
        ("TWILIO_NUMBER", "555-0100"),
        ("VOIP_PROVIDER", "other"),
        ("DEFAULT_COUNTRY", "USA"),
        ("TOKEN_TTL", "90000"),
        ("TOKEN_TTL", "an hour"),
        ("RING_SECONDS", "1"),
    ],
)
def test_a_malformed_setting_is_refused_by_its_name(environ, name, value):
    in_bucket = {"RECORDINGS_URL": "s3://bucket/x", "S3_ACCESS_KEY_ID": "k", "S3_SECRET_ACCESS_KEY": "s"}
    of_bucket = in_bucket if name.startswith("S3_") or name == "ACCEL_REDIRECT_PREFIX" else {}
    with pytest.raises(SettingsInvalid, match=name):
        environ(**{**of_bucket, name: value})


def test_where_the_provider_keeps_its_copy_for_ever_nothing_is_set(environ):
    assert [environ(PROVIDER_COPY_DAYS=days).provider_copy_days for days in (None, "", "0", "30")] == [
        None,
        None,
        0,
        30,
    ]


def test_a_bucket_is_amazons_unless_another_address_is_given(environ):
    given = {"RECORDINGS_URL": "s3://bucket", "S3_ACCESS_KEY_ID": "k", "S3_SECRET_ACCESS_KEY": "s"}
    assert environ(**given, S3_REGION="eu-north-1").s3_endpoint == "https://s3.eu-north-1.amazonaws.com"
    assert (
        environ(**given, S3_ENDPOINT_URL="https://minio.example.com:9000/").s3_endpoint
        == "https://minio.example.com:9000"
    )


def test_secrets_may_come_from_files(environ, tmp_path):
    (tmp_path / "key").write_text("k" * 40)
    assert environ(SECRET_KEY=None, SECRET_KEY_FILE=str(tmp_path / "key")).secret_key == "k" * 40


def test_the_addresses_that_hosts_give_for_postgresql_are_understood(environ):
    for given in ("postgres://u:p@h/d", "postgresql://u:p@h/d"):
        assert environ(DATABASE_URL=given).database_url == "postgresql+psycopg://u:p@h/d"
