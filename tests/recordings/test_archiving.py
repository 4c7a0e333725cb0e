"""A copy is whole and checked, or it is not there."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.storage import Storage
from voipcrm.recordings import archiving, claims, copying
from voipcrm.recordings.archiving import COPYING, DELAYS, archive
from voipcrm.telephony.errors import ProviderRefused, ProviderUnreachable

from .facts import NOON, files_in, sid
from .media_server import Answer
from .sounds import wav, whole

GOOD = Answer(wav())


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(archiving, "PATIENCE", timedelta(0))


def try_until(recording, moment):
    """Let sweeps come by every second that something is due, until then."""
    with time_machine.travel(recording.next_try_at, tick=False) as now:
        while recording.next_try_at is not None and recording.next_try_at <= moment:
            now.move_to(recording.next_try_at)
            archive(recording.id)
            db.session.refresh(recording)


def test_a_recording_is_copied_whole(house, folder, media, owed, call_of):
    call = call_of()
    recording = owed()
    archive(recording.id)
    db.session.refresh(recording)
    assert recording.state == "archived"
    assert recording.path == f"2026/11/{sid(1)}.wav"
    assert files_in(folder) == [recording.path]
    assert (folder / recording.path).read_bytes() == wav()
    assert recording.sha256 == hashlib.sha256(wav()).hexdigest()
    assert (recording.size_bytes, recording.channels, recording.duration_seconds) == (len(wav()), 2, 6)
    assert [len(row) for row in recording.peaks] == [600, 600]
    assert recording.next_try_at is None
    db.session.refresh(call)
    assert call.has_recording


def test_ringing_again_copies_nothing_again(house, media, owed):
    recording = owed()
    for _ in range(5):
        archive(recording.id)
    assert media.asked[sid(1)] == 1


def test_audio_that_is_not_there_at_first_is_asked_for_on_schedule(house, folder, media, owed):
    recording = owed(1, *[Answer(status=404)] * 6, GOOD)
    asked_at = recording.pending_at
    waits = []
    with time_machine.travel(asked_at, tick=False) as now:
        while recording.state == "pending" and len(waits) < 20:
            before = recording.next_try_at
            now.move_to(before)
            archive(recording.id)
            db.session.refresh(recording)
            if recording.next_try_at:
                waits.append(recording.next_try_at - before)
                assert recording.error == "The provider does not have the audio ready yet."
    assert waits == list(DELAYS[:6])
    assert media.asked[sid(1)] == 7
    assert (recording.state, recording.error) == ("archived", None)
    assert files_in(folder) == [recording.path]


def test_audio_that_never_comes_is_given_up_after_a_day_with_a_reason_and_can_be_retried(house, folder, media, owed):
    recording = owed(1, Answer(status=404))
    began = recording.pending_at
    try_until(recording, began + timedelta(hours=48))
    assert recording.state == "failed"
    assert recording.error == "The provider does not have the audio ready yet."
    assert files_in(folder) == []
    tries = media.asked[sid(1)]
    assert 12 <= tries <= 24
    assert recording.next_try_at is None
    media.answers[sid(1)] = [GOOD]
    archive(recording.id)
    assert media.asked[sid(1)] == tries
    recording.retry()
    db.session.commit()
    archive(recording.id)
    db.session.refresh(recording)
    assert recording.state == "archived"


def test_the_last_try_is_when_a_day_is_over(house, owed):
    recording = owed(1, Answer(status=404))
    began = recording.pending_at
    try_until(recording, began + timedelta(hours=23))
    assert recording.state == "pending"
    assert recording.next_try_at == began + timedelta(hours=24)


BAD = {
    "broken off at 60 %": (Answer(wav()[: len(wav()) * 6 // 10], announced=len(wav())), "broke off"),
    "cut, with the length of the cut": (Answer(wav()[: len(wav()) * 6 // 10]), "ends before its sound does"),
    "a whole file of half the time": (Answer(wav(3)), "3 of 6 seconds"),
    "a page instead": (Answer(b"<!doctype html><title>Sign in</title>" * 50), "no WAV file"),
    "nothing": (Answer(b""), "damaged"),
    "a head without sound": (Answer(whole(b"")), "damaged"),
    "shorter than a head": (Answer(b"RIFF"), "damaged"),
    "longer than announced by the head of HTTP": (Answer(wav(), announced=len(wav()) - 1000), "damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_the_whole_recording_is_never_archived(house, folder, owed, name):
    answer, reason = BAD[name]
    recording = owed(1, answer)
    archive(recording.id)
    db.session.refresh(recording)
    assert recording.state == "pending"
    assert reason in recording.error
    assert files_in(folder) == []


@pytest.mark.parametrize("name", BAD)
def test_after_a_bad_answer_a_good_one_is_taken(house, folder, owed, name):
    recording = owed(1, BAD[name][0], GOOD)
    try_until(recording, clock.now() + timedelta(hours=1))
    assert recording.state == "archived"
    assert files_in(folder) == [recording.path]


def test_two_seconds_of_difference_are_tolerated(house, owed):
    recording = owed(1, Answer(wav(8)))
    archive(recording.id)
    db.session.refresh(recording)
    assert (recording.state, recording.duration_seconds) == ("archived", 8)


def test_a_busy_provider_is_given_the_time_it_asks_for(house, owed):
    recording = owed(1, Answer(status=429, headers={"Retry-After": "90"}))
    with time_machine.travel(recording.next_try_at, tick=False):
        archive(recording.id)
        db.session.refresh(recording)
        assert recording.next_try_at == clock.now() + timedelta(seconds=90)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_provider_in_trouble_is_asked_again(house, owed, status):
    recording = owed(1, Answer(status=status), GOOD)
    try_until(recording, clock.now() + timedelta(minutes=1))
    assert recording.state == "archived"


def test_a_refused_key_loses_nothing(house, owed):
    recording = owed(1, Answer(status=401), GOOD)
    archive(recording.id)
    db.session.refresh(recording)
    assert recording.state == "pending"
    assert recording.next_try_at > clock.now() + timedelta(seconds=50)
    try_until(recording, clock.now() + timedelta(minutes=10))
    assert recording.state == "archived"


def test_a_copy_that_the_storage_changed_is_not_archived(house, folder, owed, monkeypatch):
    put = Storage.put

    def flipped(self, path, pieces):
        put(self, path, pieces)
        file = self.local_path(path)
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)

    monkeypatch.setattr(Storage, "put", flipped)
    recording = owed()
    archive(recording.id)
    db.session.refresh(recording)
    assert recording.state == "pending"
    assert "gives back" in recording.error
    assert files_in(folder) == []


def test_a_full_disk_pauses_with_a_reason_and_goes_on_by_itself(house, folder, media, owed, monkeypatch):
    recording = owed()
    began = recording.next_try_at
    with time_machine.travel(began, tick=False) as now:
        with monkeypatch.context() as patch:
            patch.setattr(Storage, "free_bytes", lambda _self: 600 * 1024**2)
            for hours in range(0, 50, 5):
                now.move_to(began + timedelta(hours=hours))
                archive(recording.id)
                db.session.refresh(recording)
                assert recording.next_try_at == clock.now() + timedelta(minutes=1)
        assert recording.state == "pending"
        assert "0.6 GB left" in recording.error
        assert files_in(folder) == []
        now.move_to(recording.next_try_at)
        archive(recording.id)
        db.session.refresh(recording)
    assert recording.state == "archived"


def test_after_a_long_trouble_of_ours_the_provider_still_has_its_day(house, media, owed, monkeypatch):
    recording = owed(1, Answer(status=404))
    with time_machine.travel(recording.next_try_at, tick=False) as now:
        with monkeypatch.context() as patch:
            patch.setattr(Storage, "free_bytes", lambda _self: 0)
            for _ in range(10):
                now.shift(timedelta(hours=3))
                archive(recording.id)
        well_at = clock.now()
        db.session.refresh(recording)
        try_until(recording, well_at + timedelta(hours=48))
        assert recording.state == "failed"
        assert media.asked[sid(1)] > 10


def test_a_worker_that_was_away_for_days_does_not_give_up_at_its_first_try(house, owed):
    recording = owed(1, Answer(status=404))
    with time_machine.travel(recording.next_try_at + timedelta(days=3), tick=False):
        archive(recording.id)
        db.session.refresh(recording)
        assert recording.state == "pending"


def test_room_is_asked_for_twice_the_file(house, monkeypatch):
    monkeypatch.setattr(Storage, "free_bytes", lambda _self: 3 * 1024**3)
    copying.check_room(1024**3)
    with pytest.raises(copying.StorageFull):
        copying.check_room(2 * 1024**3)


def test_a_storage_that_cannot_be_written_is_our_trouble_not_the_recordings(house, folder, owed):
    folder.mkdir()
    (folder / "incoming").write_text("in the way of the folder")
    recording = owed()
    archive(recording.id)
    db.session.refresh(recording)
    assert (recording.state, recording.error) == ("pending", "Our storage could not take the file.")
    (folder / "incoming").unlink()
    try_until(recording, clock.now() + timedelta(hours=1))
    assert recording.state == "archived"


def test_an_error_nobody_foresaw_is_raised_but_the_copy_stays_owed(house, owed, monkeypatch):
    monkeypatch.setattr(copying, "read_head", lambda _file: 1 / 0)
    recording = owed()
    with pytest.raises(ZeroDivisionError):
        archive(recording.id)
    db.session.refresh(recording)
    assert (recording.state, recording.error) == ("pending", "Something went wrong here. It was logged.")
    assert recording.next_try_at > clock.now()


def test_two_workers_never_copy_one_recording_at_once(house, folder, media, owed):
    recording = owed(1, Answer(wav(), piece_bytes=16_000, pause_seconds=0.05))
    errors = []

    def work():
        try:
            with house.app_context():
                archive(recording_id)
        except Exception as error:
            errors.append(error)

    recording_id = recording.id
    db.session.commit()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    db.session.refresh(recording)
    assert errors == []
    assert (recording.state, recording.tries) == ("archived", 1)
    assert (media.asked[sid(1)], media.most_busy) == (1, 1)


def test_a_claim_is_kept_alive_while_the_file_comes(house, owed, monkeypatch):
    monkeypatch.setattr(claims, "HEARTBEAT_SECONDS", 0.0)
    recording = owed()
    claim = COPYING.take(recording.id)
    beat = COPYING.heartbeat(claim)
    with time_machine.travel(clock.now() + timedelta(seconds=30), tick=False):
        beat()
        db.session.refresh(recording)
        assert recording.next_try_at == clock.now() + COPYING.lease
        db.session.commit()
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=False):
        assert COPYING.take(recording.id).tries == 2
        with pytest.raises(claims.ClaimLost):
            beat()


def test_whoever_lost_the_claim_leaves_no_trace(house, folder, owed, monkeypatch):
    recording = owed()
    monkeypatch.setattr(claims, "HEARTBEAT_SECONDS", 0.0)
    check_room = archiving.check_room

    def taken_by_another(size_bytes):
        check_room(size_bytes)
        with time_machine.travel(clock.now() + timedelta(minutes=5), tick=False):
            COPYING.take(recording.id)

    monkeypatch.setattr(archiving, "check_room", taken_by_another)
    archive(recording.id)
    db.session.refresh(recording)
    assert (recording.state, recording.tries, recording.error) == ("pending", 2, None)
    assert files_in(folder) == []


def test_a_worker_waits_for_a_try_that_is_seconds_away(house, owed, monkeypatch):
    monkeypatch.setattr(archiving, "PATIENCE", timedelta(seconds=5))
    monkeypatch.setattr(archiving, "COPYING", replace(COPYING, delays=(timedelta(seconds=0.3), *DELAYS[1:])))
    recording = owed(1, Answer(status=404), GOOD)
    assert archive(recording.id) == timedelta(seconds=0.3)
    assert archive(recording.id) is None
    db.session.refresh(recording)
    assert recording.state == "archived"


@pytest.mark.parametrize("problem", [ProviderUnreachable("away"), ProviderRefused(1, "no")])
def test_the_reason_is_the_providers_sentence(house, owed, monkeypatch, problem):
    def refuse(*_args, **_more):
        raise problem

    monkeypatch.setattr(archiving, "_fetch", refuse)
    recording = owed()
    archive(recording.id)
    db.session.refresh(recording)
    assert recording.error == problem.sentence


def test_files_are_sorted_by_the_month_of_the_call(house, owed):
    recording = owed(1, GOOD, started_at=NOON.replace(year=2025, month=3))
    archive(recording.id)
    db.session.refresh(recording)
    assert recording.path == f"2025/03/{sid(1)}.wav"
