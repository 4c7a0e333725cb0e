"""ZIP files of recordings: those that were asked for, whole, on record, for who asked and nobody else, for a day."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.accounts.models import User
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.storage import Storage
from voipcrm.recordings import bundles, bundling, erasing, jobs
from voipcrm.recordings.accesses import RecordingAccess
from voipcrm.recordings.bundles import Bundle
from voipcrm.recordings.models import Recording

from .facts import NOON, files_in, sid
from .sounds import wav
from .test_pages import LIST, keep  # noqa: F401 - a fixture

ZIPS = f"{LIST}/zips"


@pytest.fixture
def three(keep, provided, folder):  # noqa: F811
    """Ada's two calls with one number in one minute, and Bo's; each recording with its own sound."""
    import hashlib

    (folder / "2026").mkdir(parents=True)
    for number, who in ((1, "ada"), (2, "ada"), (3, "bo")):
        sound = wav(number)
        (folder / f"2026/{number}.wav").write_bytes(sound)
        keep(
            number,
            who=who,
            call={"started_at": NOON, "peer_number": "+13125550001"},
            path=f"2026/{number}.wav",
            size_bytes=len(sound),
            sha256=hashlib.sha256(sound).hexdigest(),
        )
    return provided


def ask(browser, **form) -> int:
    """Ask for a ZIP; its id."""
    answer = browser.post(ZIPS, data=form)
    assert answer.status_code == 303, answer.text
    return int(answer.location.rpartition("/")[2])


def make(app, bundle_id: int) -> None:
    with app.app_context():
        jobs.make_bundle(bundle_id)


def of(app, bundle_id: int) -> Bundle:
    with app.app_context():
        bundle = db.session.get(Bundle, bundle_id)
        db.session.expunge(bundle)
        return bundle


def unpacked(answer) -> dict[str, bytes]:
    assert answer.status_code == 200, answer.status_code
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_all_that_match_are_in_it_with_names_that_differ(three, as_root, folder):
    bundle_id = ask(as_root, direction="inbound")
    make(three, bundle_id)
    found = unpacked(as_root.get(f"{ZIPS}/{bundle_id}/file"))
    assert found == {
        "2026-11-23 12.00 (312) 555-0001.wav": wav(1),
        "2026-11-23 12.00 (312) 555-0001 (2).wav": wav(2),
        "2026-11-23 12.00 (312) 555-0001 (3).wav": wav(3),
    }
    assert [name for name in files_in(folder) if name.startswith("incoming")] == []


def test_the_ticked_ones_alone(three, as_root):
    bundle_id = ask(as_root, sid=[sid(3), sid(1), sid(9)], state="failed")
    make(three, bundle_id)
    assert sorted(unpacked(as_root.get(f"{ZIPS}/{bundle_id}/file")).values()) == sorted([wav(1), wav(3)])


def test_it_holds_only_what_one_may_see(three, as_bo, cast):
    with three.app_context():
        db.session.get(User, cast.bo.id).team_id = None
        db.session.commit()
    bundle_id = ask(as_bo, sid=[sid(1), sid(2), sid(3)])
    make(three, bundle_id)
    assert list(unpacked(as_bo.get(f"{ZIPS}/{bundle_id}/file")).values()) == [wav(3)]


def test_every_recording_in_it_is_on_record(three, as_root):
    bundle_id = ask(as_root)
    make(three, bundle_id)
    with three.app_context():
        rows = db.session.scalars(sa.select(RecordingAccess)).all()
        assert [(row.kind, row.user_name, row.ip) for row in rows] == [("zip", "Root Admin", "127.0.0.1")] * 3
        assert len({row.recording_id for row in rows}) == 3


def test_it_is_there_for_who_asked_and_nobody_else(three, as_root, as_bo, as_ada):
    bundle_id = ask(as_root)
    make(three, bundle_id)
    for browser in (as_bo, as_ada):
        for path in ("", "/file"):
            assert browser.get(f"{ZIPS}/{bundle_id}{path}").status_code == 404
        assert browser.post(f"{ZIPS}/{bundle_id}/discard").status_code in {403, 404}
    assert as_ada.get(ZIPS).status_code == 404
    assert "No ZIP files yet" in as_bo.get(ZIPS).text
    assert f"{ZIPS}/{bundle_id}" in as_root.get(ZIPS).text


def test_parts_of_it_may_be_fetched(three, as_root):
    bundle_id = ask(as_root)
    make(three, bundle_id)
    whole = as_root.get(f"{ZIPS}/{bundle_id}/file")
    assert 'attachment; filename="Recordings ' in whole.headers["Content-Disposition"]
    part = as_root.get(f"{ZIPS}/{bundle_id}/file", headers={"Range": "bytes=100-"})
    assert (part.status_code, part.data) == (206, whole.data[100:])


def test_how_far_it_is_can_be_seen_and_it_can_be_stopped(three, as_root, folder):
    bundle_id = ask(as_root)
    page = as_root.get(f"{ZIPS}/{bundle_id}").text
    assert "0 of 3 are in it" in page
    assert "every 1s" in page
    assert as_root.get(f"{ZIPS}/{bundle_id}/file").location == f"{ZIPS}/{bundle_id}"
    assert as_root.post(f"{ZIPS}/{bundle_id}/discard").status_code == 303
    make(three, bundle_id)
    assert of(three, bundle_id).state == "gone"
    assert [name for name in files_in(folder) if not name.startswith("2026")] == []


def test_after_a_day_it_is_gone(three, as_root, folder):
    bundle_id = ask(as_root)
    make(three, bundle_id)
    assert any(name.startswith("bundles/") for name in files_in(folder))
    with three.app_context():
        jobs.sweep_bundles()
        assert db.session.get(Bundle, bundle_id).state == "ready"
        with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1), tick=False):
            jobs.sweep_bundles()
    assert of(three, bundle_id).state == "gone"
    assert not any(name.startswith("bundles/") for name in files_in(folder))
    assert "kept for a day" in as_root.get(f"{ZIPS}/{bundle_id}").text
    assert as_root.get(f"{ZIPS}/{bundle_id}/file").status_code == 302


def test_when_a_recording_in_it_is_deleted_the_zip_goes_with_it(three, as_root, cast, folder):
    bundle_id = ask(as_root)
    make(three, bundle_id)
    with three.app_context():
        one = db.session.scalars(sa.select(Recording).where(Recording.sid == sid(2))).one()
        erasing.delete(one, by=db.session.get(User, cast.root.id), reason="Asked for.")
        db.session.commit()
        jobs.sweep_bundles()
    assert as_root.get(f"{ZIPS}/{bundle_id}/file").status_code == 302
    assert not any(name.startswith("bundles/") for name in files_in(folder))


@pytest.mark.parametrize("trouble", ["missing", "damaged"])
def test_what_cannot_be_put_in_is_told_inside(three, as_root, folder, trouble):
    file = folder / "2026/2.wav"
    file.unlink() if trouble == "missing" else file.write_bytes(wav(1))
    bundle_id = ask(as_root)
    make(three, bundle_id)
    found = unpacked(as_root.get(f"{ZIPS}/{bundle_id}/file"))
    assert trouble in found["Not in here.txt"].decode()
    assert "1 could not be put into it" in as_root.get(f"{ZIPS}/{bundle_id}").text
    with three.app_context():
        assert len(db.session.scalars(sa.select(RecordingAccess)).all()) == 2


def test_who_lost_the_right_meanwhile_gets_nothing(three, as_bo, cast):
    bundle_id = ask(as_bo)
    with three.app_context():
        db.session.get(User, cast.bo.id).roles = []
        db.session.commit()
    make(three, bundle_id)
    assert of(three, bundle_id).state == "failed"


def test_a_worker_that_died_is_replaced_and_the_third_death_is_the_last(three, as_root, folder):
    bundle_id = ask(as_root)
    for attempt in range(1, 5):
        with three.app_context(), time_machine.travel(clock.now() + attempt * timedelta(minutes=3), tick=False):
            assert bundling.stalled(limit=9) == [bundle_id]
            claim = bundling._take(bundle_id)
            assert (claim is None) == (attempt == 4)
            assert bundling._take(bundle_id) is None  # somebody is at it, or it is over
    assert "again and again" in of(three, bundle_id).reason
    assert as_root.get(f"{ZIPS}/{bundle_id}").status_code == 200


def test_a_storage_in_trouble_is_tried_again_and_leaves_nothing(three, as_root, folder, monkeypatch):
    bundle_id = ask(as_root)
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "publish", lambda *_: (_ for _ in ()).throw(OSError("no")))
        make(three, bundle_id)
    assert of(three, bundle_id).state == "making"
    assert [name for name in files_in(folder) if not name.startswith("2026")] == []
    with three.app_context():
        assert db.session.scalars(sa.select(RecordingAccess)).all() == []
    with time_machine.travel(clock.now() + timedelta(minutes=3), tick=True):
        make(three, bundle_id)
    assert of(three, bundle_id).state == "ready"


def test_who_takes_over_from_a_slow_one_is_the_only_one_to_offer(three, as_root, folder, monkeypatch):
    bundle_id = ask(as_root)
    publish = Storage.publish

    def overtaken(self, draft, path):
        publish(self, draft, path)
        with db.engine.begin() as other:
            other.execute(sa.update(Bundle).values(claim="another"))

    monkeypatch.setattr(Storage, "publish", overtaken)
    make(three, bundle_id)
    assert of(three, bundle_id).state == "making"
    assert [name for name in files_in(folder) if not name.startswith("2026")] == []


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("MOST_FILES", 2, "more than 2 recordings"),
        ("MOST_BYTES", 1000, "0.0 GB; a ZIP takes"),
        ("AT_A_TIME", 0, "are being made"),
    ],
)
def test_too_much_is_refused_in_words(three, as_root, monkeypatch, limit, value, words):
    monkeypatch.setattr(bundles, limit, value)
    answer = as_root.post(ZIPS, data={"direction": "inbound", "min": "0:01"})
    assert answer.status_code == 422
    assert words in answer.text
    assert f"{LIST}?direction=inbound&amp;min=1s" in answer.text


def test_nothing_is_refused_in_words(three, as_root):
    answer = as_root.post(ZIPS, data={"state": "failed"})
    assert (answer.status_code, "None of these is saved" in answer.text) == (422, True)


def test_the_list_offers_it_with_its_filters_to_who_may_download(three, as_root, as_ada):
    page = as_root.get(f"{LIST}?direction=inbound&min=0:01&q=312").text
    form = re.search(r'<form[^>]* id="zip".*?</form>', page, re.DOTALL).group()
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert {**sent, "csrf_token": ""} == {"csrf_token": "", "direction": "inbound", "min": "1s", "q": "312"}
    assert page.count('name="sid"') == 3
    assert 'id="zip"' not in as_ada.get(LIST).text
    assert 'name="sid"' not in as_ada.get(LIST).text


def test_a_zip_is_made_in_s3_too(three, as_root, s3, monkeypatch):
    import requests
    from s3_server import BUCKET, PREFIX, REGION

    from voipcrm.core.s3 import S3Storage

    class Settings:
        recordings_url, s3_endpoint, s3_region = f"s3://{BUCKET}/{PREFIX}", s3.url, REGION
        s3_access_key_id, s3_secret_access_key = "key-id", "key-secret"

    for number in (1, 2, 3):
        s3.client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/2026/{number}.wav", Body=wav(number))
    monkeypatch.setitem(three.extensions, "storage", S3Storage(Settings))
    bundle_id = ask(as_root)
    make(three, bundle_id)
    answer = requests.get(as_root.get(f"{ZIPS}/{bundle_id}/file").location, timeout=10)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(map(archive.read, archive.namelist())) == sorted(map(wav, (1, 2, 3)))
    assert len([key for key in s3.names() if key.startswith("bundles/")]) == 1
