"""Recordings in a bucket: copied, checked, heard, taken home and removed there, against a real S3 API."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa
import time_machine
from s3_server import BUCKET, PREFIX, REGION

from voipcrm.calls.models import Call
from voipcrm.core import clock, security
from voipcrm.core.db import db
from voipcrm.core.presigning import Key, presigned
from voipcrm.core.s3 import S3Storage
from voipcrm.core.storage import StorageUnusable
from voipcrm.recordings import archiving, erasing
from voipcrm.recordings.archiving import archive
from voipcrm.recordings.jobs import sweep
from voipcrm.recordings.models import Recording
from voipcrm.recordings.noting import note

from .facts import NOON, fact, sid
from .media_server import Answer
from .sounds import wav

ONE = f"/admin/voip/recordings/{sid(1)}"
SOUND = wav()
PATH = f"2026/11/{sid(1)}.wav"


@pytest.fixture
def bucket(app, s3, monkeypatch):
    """The app keeps its recordings in the bucket."""
    settings = dataclasses.replace(
        app.extensions["settings"],
        recordings_url=f"s3://{BUCKET}/{PREFIX}",
        s3_endpoint_url=s3.url,
        s3_region=REGION,
        s3_access_key_id="key-id",
        s3_secret_access_key="key-secret",
    )
    monkeypatch.setitem(app.extensions, "settings", settings)
    return settings


@pytest.fixture
def kept(provided, bucket, cast, media, monkeypatch):
    """One recording of Bo's, copied into the bucket."""
    monkeypatch.setitem(provided.extensions, "storage", S3Storage(bucket))
    media.answers[sid(1)] = [Answer(SOUND)]
    with provided.app_context():
        call = Call(public_id="call1", root_sid=sid(1, "CA"), direction="inbound", user_id=cast.bo.id, started_at=NOON)
        call.peer_number = "+13125550001"
        db.session.add(call)
        db.session.flush()
        noted = note(fact(1))
        db.session.commit()
        archive(noted.id)
    return provided


@pytest.fixture
def store(bucket):
    return S3Storage(bucket)


def test_a_copy_lies_in_the_bucket_whole_and_checked(kept, s3):
    assert s3.names() == [PATH]
    assert s3.body(PATH) == SOUND
    with kept.app_context():
        row = db.session.scalars(sa.select(Recording)).one()
        assert (row.state, row.path, row.size_bytes) == ("archived", PATH, len(SOUND))
        assert row.sha256 == hashlib.sha256(SOUND).hexdigest()
        assert len(row.peaks) == 2


def test_a_copy_that_the_bucket_changed_is_not_archived(kept, s3, media, monkeypatch):
    put = S3Storage.put

    def flipped(self, path, pieces):
        put(self, path, [b"RIFF\0\0\0\0WAVE" + b"".join(pieces)[12:-1] + b"!"])

    monkeypatch.setattr(S3Storage, "put", flipped)
    media.answers[sid(2)] = [Answer(SOUND)]
    with kept.app_context():
        noted = note(fact(2))
        db.session.commit()
        archive(noted.id)
        db.session.refresh(noted)
        assert (noted.state, "gives back" in noted.error) == ("pending", True)
    assert s3.names() == [PATH]


def test_large_files_go_in_parts_and_nothing_is_left_of_one_that_broke_off(store, s3):
    large = bytes(range(256)) * 60_000  # 15 MB: three parts
    pieces = [large[at : at + 65_536] for at in range(0, len(large), 65_536)]
    store.put("incoming/x", pieces)
    store.publish("incoming/x", "2026/11/x.wav")
    assert s3.names() == ["2026/11/x.wav"]
    assert s3.body("2026/11/x.wav") == large
    assert b"".join(store.pieces("2026/11/x.wav")) == large
    with store.open("2026/11/x.wav") as file:
        file.seek(len(large) - 10)
        assert bytes(file.read(10)) == large[-10:]

    def broken():
        yield from pieces
        raise ConnectionError("the provider hung up")

    with pytest.raises(ConnectionError):
        store.put("incoming/y", broken())
    assert s3.names() == ["2026/11/x.wav"]
    assert store.size_of("incoming/y") is None


def test_old_drafts_are_swept_and_young_ones_stay(store, s3):
    store.put("incoming/x", [b"half"])
    assert store.delete_drafts(before=clock.now() - timedelta(days=1)) == 0
    assert s3.names() == ["incoming/x"]
    assert store.delete_drafts(before=clock.now() + timedelta(days=1)) == 1
    assert s3.names() == []


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "", ".", "a//b", "a/./b", "a\\..\\b", "a\0b"])
def test_nothing_outside_the_prefix_is_touched(store, s3, path):
    for act in (store.delete, store.size_of, lambda path: store.address(path, seconds=60)):
        with pytest.raises(ValueError, match="leads out"):
            act(path)


def test_the_player_is_sent_to_the_bucket_and_gets_parts_from_it(kept, as_bo, s3):
    source = as_bo.post(f"{ONE}/plays").location
    answer = as_bo.get(source, headers={"Range": "bytes=0-"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
    assert answer.location.startswith(f"{s3.url}/{BUCKET}/{PREFIX}/{PATH}?")
    whole = requests.get(answer.location, timeout=10)
    assert (whole.content, whole.headers["Content-Type"]) == (SOUND, "audio/wav")
    assert whole.headers["Content-Disposition"] == "inline"
    part = requests.get(answer.location, headers={"Range": "bytes=1000-1999"}, timeout=10)
    assert (part.status_code, part.content) == (206, SOUND[1000:2000])
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(SOUND)}"
    tail = requests.get(answer.location, headers={"Range": "bytes=-44"}, timeout=10)
    assert tail.content == SOUND[-44:]
    beyond = requests.get(answer.location, headers={"Range": "bytes=99999999-"}, timeout=10)
    assert beyond.status_code == 416


def test_a_download_has_its_readable_name(kept, as_bo):
    to_bucket = as_bo.get(as_bo.get(f"{ONE}/download").location).location
    answer = requests.get(to_bucket, timeout=10)
    assert answer.content == SOUND
    assert answer.headers["Content-Disposition"].startswith(
        'attachment; filename="2026-11-23 12.00 (312) 555-0001.wav";'
    )
    assert 60 <= int(parse_qs(urlsplit(to_bucket).query)["X-Amz-Expires"][0]) <= 900


def test_deleting_empties_the_bucket(kept, s3, media, as_root):
    assert as_root.post(f"{ONE}/delete", data={"reason": "Asked for."}).status_code == 303
    with kept.app_context():
        sweep()
    assert (s3.names(), media.deleted) == ([], [sid(1)])


def test_the_providers_copy_goes_only_while_ours_is_in_the_bucket(kept, s3, media):
    with kept.app_context():
        row = db.session.scalars(sa.select(Recording)).one()
        row.erase_at = clock.now()
        db.session.commit()
        s3.client.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/{PATH}")
        erasing.erase(row.id)
    assert media.deleted == []


def test_a_bucket_that_is_away_loses_nothing(kept, s3, media, bucket, monkeypatch):
    media.answers[sid(2)] = [Answer(SOUND)]
    monkeypatch.setattr(archiving, "PATIENCE", timedelta(0))
    with kept.app_context():
        noted = note(fact(2))
        db.session.commit()
        with monkeypatch.context() as patch:
            away = dataclasses.replace(bucket, s3_endpoint_url="http://127.0.0.1:1")
            patch.setattr("voipcrm.core.s3.RETRIES", {"max_retries": 0})
            patch.setitem(kept.extensions, "storage", S3Storage(away))
            archive(noted.id)
        db.session.refresh(noted)
        assert (noted.state, noted.error) == ("pending", "Our storage could not take the file.")
        with time_machine.travel(noted.next_try_at, tick=True):
            archive(noted.id)
        db.session.refresh(noted)
        assert noted.state == "archived"


def test_the_policy_lets_players_reach_the_bucket_and_nothing_else(bucket, s3):
    rules = dict(rule.split(" ", 1) for rule in security.content_security_policy(bucket).split("; "))
    assert rules["media-src"] == f"'self' mediastream: blob: {s3.url}"
    assert [name for name, value in rules.items() if s3.url in value] == ["media-src"]


def test_the_policy_of_a_folder_names_nobody(app):
    assert not re.search(
        "amazonaws|media-src [^;]*https?:", security.content_security_policy(app.extensions["settings"])
    )


SIGNED = {
    "plain": ("2026/11/RE1.wav", {}),
    "a name of many kinds": ("bundles/a b+c&d=é~*.zip", {"content_disposition": 'attachment; filename="Zoë (1)+.wav"'}),
    "two headers": ("x", {"content_type": "audio/wav", "cache_control": "private, no-cache"}),
}


@pytest.mark.parametrize("case", SIGNED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_our_addresses_are_those_that_amazons_library_makes(s3, case, method):
    path, response = SIGNED[case]
    key = Key("key-id", "key-secret", REGION)
    with time_machine.travel(NOON, tick=False):
        ours = presigned(f"{s3.url}/{BUCKET}/{path}", key, at=clock.now(), seconds=300, method=method, **response)
        said = {"Response" + "".join(part.title() for part in name.split("_")): text for name, text in response.items()}
        theirs = s3.client.generate_presigned_url(
            f"{method.lower()}_object", Params={"Bucket": BUCKET, "Key": path, **said}, ExpiresIn=300
        )
    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(theirs).query)
    assert urlsplit(ours).path == urlsplit(theirs).path


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({}, None),
        ({"recordings_url": "s3://nowhere/x"}, "RECORDINGS_URL names the bucket nowhere"),
        ({"s3_endpoint_url": "http://127.0.0.1:1"}, "S3_ENDPOINT_URL"),
    ],
)
def test_what_is_wrong_is_named_at_the_start(bucket, app, wrong, named, monkeypatch):
    monkeypatch.setattr("voipcrm.core.s3.RETRIES", {"max_retries": 0})
    monkeypatch.setitem(app.extensions, "storage", S3Storage(dataclasses.replace(bucket, **wrong)))
    result = app.test_cli_runner().invoke(args=["storage", "check"])
    assert result.exit_code == (1 if named else 0), result.output
    assert named is None or named in result.output


def test_each_error_of_s3_names_its_setting(store):
    for code, setting in {
        "InvalidAccessKeyId": "S3_ACCESS_KEY_ID",
        "SignatureDoesNotMatch": "S3_SECRET_ACCESS_KEY",
        "AccessDenied": "S3_ACCESS_KEY_ID",
        "AuthorizationHeaderMalformed": "S3_REGION",
    }.items():
        assert setting in store._meaning(OSError(f"<Code>{code}</Code>"))


def test_a_folder_that_cannot_be_written_is_named_at_the_start(app, tmp_path, monkeypatch):
    from voipcrm.core.storage import Storage

    (tmp_path / "file").write_text("in the way")
    storage = Storage(tmp_path / "file" / "recordings")
    with pytest.raises(StorageUnusable, match=r"RECORDINGS_URL names .*file/recordings"):
        storage.check()
    monkeypatch.setitem(app.extensions, "storage", storage)
    assert app.test_cli_runner().invoke(args=["release"]).exit_code == 1
    good = Storage(tmp_path / "good")
    good.check()
    assert list((tmp_path / "good" / "incoming").iterdir()) == []
