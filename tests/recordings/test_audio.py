"""Sending the audio: parts of it, names for it, and never with the last threads."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
from functools import partial
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Person, PhoneNumber
from voipcrm.core.db import db
from voipcrm.recordings.archiving import archive
from voipcrm.recordings.models import Recording

from .facts import NOON, fact, sid
from .media_server import Answer
from .sounds import wav

SOUND = wav()
ONE = f"/admin/voip/recordings/{sid(1)}"
AUDIO, DOWNLOAD = f"{ONE}/audio", f"{ONE}/download"


@pytest.fixture
def kept(provided, cast, media):
    """One archived recording of a call that Bo took."""
    from voipcrm.recordings.noting import note

    media.answers[sid(1)] = [Answer(SOUND)]
    with provided.app_context():
        person = Person(name='Zoë "Zo" O/Hara\u202e', numbers=[PhoneNumber(number="+13125550001")])
        call = Call(
            public_id="call1", root_sid=sid(1, "CA"), direction="inbound", user_id=cast.bo.id, person=person,
            peer_number="+13125550001", started_at=NOON,
        )  # fmt: skip
        db.session.add(call)
        db.session.flush()
        noted = note(fact(1))
        db.session.commit()
        archive(noted.id)
    return provided


@pytest.fixture
def as_bo(kept, cast, as_bo):
    """Bo, who pressed play: AUDIO is then what his player asks for."""
    ticket = as_bo.post(f"{ONE}/plays").location.partition("?")[2]

    def listening(path, **more):
        return as_bo.open(f"{path}?{ticket}" if path == AUDIO else path, **more)

    return SimpleNamespace(get=listening, head=partial(listening, method="HEAD"), open=listening)


@pytest.fixture
def budget(kept, monkeypatch):
    """Room for two downloads at a time."""
    settings = dataclasses.replace(kept.extensions["settings"], web_threads=4)
    monkeypatch.setitem(kept.extensions, "settings", settings)
    kept.extensions.pop("recordings_budget", None)
    yield
    kept.extensions.pop("recordings_budget", None)


def test_the_whole_of_it(kept, as_bo):
    answer = as_bo.get(AUDIO)
    assert (answer.status_code, answer.data) == (200, SOUND)
    assert answer.content_type == "audio/wav"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["ETag"] == f'"{hashlib.sha256(SOUND).hexdigest()}"'
    assert int(answer.headers["Content-Length"]) == len(SOUND)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-", 0, len(SOUND)),
        ("bytes=0-0", 0, 1),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=190000-", 190_000, len(SOUND)),
        ("bytes=-44", len(SOUND) - 44, len(SOUND)),
        ("bytes=100-99999999", 100, len(SOUND)),
    ],
)
def test_a_part_of_it(kept, as_bo, asked, start, end):
    answer = as_bo.get(AUDIO, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.data == SOUND[start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(SOUND)}"
    assert int(answer.headers["Content-Length"]) == end - start


def test_a_part_that_is_not_there(kept, as_bo):
    answer = as_bo.get(AUDIO, headers={"Range": "bytes=99999999-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(SOUND)}")


def test_only_the_head(kept, as_bo):
    answer = as_bo.head(AUDIO)
    assert (answer.status_code, answer.data, int(answer.headers["Content-Length"])) == (200, b"", len(SOUND))


def test_what_the_browser_has_is_not_sent_again(kept, as_bo):
    etag = as_bo.get(AUDIO).headers["ETag"]
    answer = as_bo.get(AUDIO, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data) == (304, b"")
    changed = as_bo.get(AUDIO, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (changed.status_code, len(changed.data)) == (200, len(SOUND))


def test_a_download_has_a_name_that_people_and_disks_can_read(kept, as_bo, cast):
    with kept.app_context():
        db.session.get(User, cast.bo.id).time_zone = "Europe/Berlin"
        db.session.commit()
    answer = as_bo.get(DOWNLOAD, follow_redirects=True)
    assert answer.data == SOUND
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="2026-11-23 13.00 Zo_ Zo O Hara.wav";')
    assert disposition.endswith("filename*=UTF-8''2026-11-23%2013.00%20Zo%C3%AB%20Zo%20O%20Hara.wav")


@pytest.mark.parametrize("state", ["recording", "pending", "failed", "absent", "deleted"])
def test_only_what_is_archived_is_sent(kept, as_bo, state):
    with kept.app_context():
        db.session.execute(sa.update(Recording).values(state=state))
        db.session.commit()
    assert as_bo.get(AUDIO).status_code == as_bo.get(DOWNLOAD).status_code == 404


def test_a_file_that_is_gone_is_not_there_and_costs_no_place(kept, folder, as_bo, budget):
    for file in folder.rglob("*.wav"):
        file.unlink()
    assert [as_bo.get(AUDIO).status_code for _ in range(5)] == [404] * 5


@pytest.mark.parametrize("path", ["../secret.wav", "/etc/passwd", "2026/../../secret.wav", ""])
def test_nothing_outside_the_storage_is_ever_sent(kept, folder, as_bo, path):
    (folder.parent / "secret.wav").write_bytes(SOUND)
    with kept.app_context():
        db.session.execute(sa.update(Recording).values(path=path))
        db.session.commit()
    assert as_bo.get(AUDIO).status_code in {404, 500}


def test_stalled_downloads_leave_threads_for_everybody_else(kept, as_bo, budget):
    stalled = [as_bo.get(AUDIO, buffered=False) for _ in range(2)]
    refused = as_bo.get(AUDIO)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    stalled.pop().close()
    assert as_bo.get(AUDIO).status_code == 200
    del stalled
    gc.collect()


@pytest.mark.parametrize(
    "headers", [{}, {"Range": "bytes=0-9"}, {"Range": "bytes=99999999-"}, {"If-None-Match": "*"}], ids=str
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_kind_of_answer_gives_its_place_back(kept, as_bo, budget, method, headers):
    for _ in range(5):
        assert as_bo.open(AUDIO, method=method, headers=headers).status_code != 503
    stalled = [as_bo.get(AUDIO, buffered=False) for _ in range(2)]
    assert [one.status_code for one in stalled] == [200, 200]
    for one in stalled:
        one.close()


def test_behind_nginx_the_file_does_not_pass_through_us(kept, as_bo, monkeypatch):
    settings = dataclasses.replace(kept.extensions["settings"], accel_redirect_prefix="/kept/")
    monkeypatch.setitem(kept.extensions, "settings", settings)
    answer = as_bo.get(DOWNLOAD, follow_redirects=True)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["X-Accel-Redirect"] == f"/kept/2026/11/{sid(1)}.wav"
    assert answer.headers["Content-Type"] == "audio/wav"
    assert "attachment" in answer.headers["Content-Disposition"]
