"""Copies by a real worker process, on a real queue: killed, left alone, rung twenty times."""

from __future__ import annotations

import hashlib

import pytest
import services
import sqlalchemy as sa
from services import wait_until

from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.queue import later
from voipcrm.recordings import jobs
from voipcrm.recordings.models import Recording

from .facts import files_in, sid
from .media_server import Answer
from .sounds import wav

SLOW = {"piece_bytes": 8_000, "pause_seconds": 0.05}


@pytest.fixture
def start_worker(environment, media, folder, tmp_path):
    """A function that starts a worker whose provider is the media server."""
    started = []
    env = environment | {"SANDBOX_URL": media.url, "RECORDINGS_URL": f"file://{folder}"}

    def start():
        started.append(services.Worker(env, tmp_path))
        return started[-1]

    yield start
    for worker in started:
        worker.stop(seconds=3)


def state_of(recording_id):
    found = db.session.execute(sa.select(Recording.state, Recording.tries).where(Recording.id == recording_id)).one()
    db.session.commit()
    return found


def run_out(recording_id):
    """As if the dead worker's claim had run out, which takes 45 seconds."""
    db.session.execute(sa.update(Recording).where(Recording.id == recording_id).values(next_try_at=clock.now()))
    db.session.commit()


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_worker_killed_in_the_middle_of_a_copy_leaves_nothing_half_and_the_next_makes_it_whole(
    house, folder, media, owed, start_worker, part
):
    sound = wav(20)
    recording_id = owed(1, Answer(sound, **SLOW), Answer(sound), duration_seconds=20).id
    db.session.commit()
    worker = start_worker()
    later(jobs.archive, recording_id)
    wait_until(lambda: media.sent_bytes > part * len(sound), 30, worker)
    worker.kill()
    wait_until(lambda: media.busy == 0, 10)  # its child, which did the copying, is gone with it
    assert state_of(recording_id) == ("pending", 1)
    assert [name for name in files_in(folder) if name.endswith(".wav")] == []

    run_out(recording_id)
    worker = start_worker()
    later(jobs.sweep)
    wait_until(lambda: state_of(recording_id).state == "archived", 30, worker)
    path = f"2026/11/{sid(1)}.wav"
    assert hashlib.sha256((folder / path).read_bytes()).digest() == hashlib.sha256(sound).digest()
    assert state_of(recording_id).tries == 2


def test_rung_for_often_it_is_copied_once_and_late_audio_is_waited_for(house, folder, media, owed, start_worker):
    recording_id = owed(1, Answer(status=404), Answer(wav())).id
    db.session.commit()
    for _ in range(20):
        later(jobs.archive, recording_id)
    worker = start_worker()
    wait_until(lambda: state_of(recording_id).state == "archived", 30, worker)
    assert media.asked[sid(1)] == 2
    assert files_in(folder) == [f"2026/11/{sid(1)}.wav"]


def test_what_nobody_rang_for_is_found_by_the_sweep(house, media, owed, start_worker):
    ids = [owed(number).id for number in range(1, 6)]
    db.session.commit()
    worker = start_worker()
    later(jobs.sweep)
    wait_until(lambda: all(state_of(one).state == "archived" for one in ids), 30, worker)
    assert sum(media.asked.values()) == 5
