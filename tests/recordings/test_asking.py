"""Messages get lost. What the provider never told, it is asked for."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.recordings import archiving, asking, jobs
from voipcrm.recordings.models import Recording
from voipcrm.recordings.noting import note
from voipcrm.telephony.client import Provider
from voipcrm.telephony.errors import ProviderUnreachable

from .facts import fact, files_in, sid
from .media_server import Answer
from .sounds import wav

LATER = timedelta(minutes=3)


@pytest.fixture
def running(house):
    """A recording of which only the beginning was told."""

    def make(number=1, **more):
        recording = note(fact(number, "in-progress", started_at=clock.now(), **more))
        db.session.commit()
        return recording

    return make


def as_listed(number, status="completed", **more):
    began = format_datetime(datetime.now(UTC))
    return {
        "sid": sid(number),
        "account_sid": "AC" + "1" * 32,
        "call_sid": sid(number, "CA"),
        "conference_sid": None,
        "status": status,
        "duration": "6" if status == "completed" else "-1",
        "channels": 2,
        "source": "DialVerb",
        "start_time": began,
        "date_created": began,
        "date_updated": began,
        "error_code": None,
        "price": None,
        "price_unit": "USD",
        "uri": "/",
    } | more


def states():
    return dict(db.session.execute(sa.select(Recording.sid, Recording.state)).all())


def test_the_end_that_was_never_told_is_found_after_the_call(house, folder, media, running, call_of):
    call_of()
    running()
    media.facts[sid(1)] = as_listed(1)
    media.answers[sid(1)] = [Answer(wav())]
    jobs.sweep()
    assert states() == {sid(1): "recording"}
    with time_machine.travel(clock.now() + LATER, tick=False):
        jobs.sweep()
    assert states() == {sid(1): "archived"}
    assert len(files_in(folder)) == 1


def test_while_the_call_goes_on_nobody_asks(house, running, call_of):
    call_of(state="in-progress", outcome=None)
    running()
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=False):
        assert asking.due(limit=10) == []
    with time_machine.travel(clock.now() + timedelta(hours=5), tick=False):  # no call may last so long
        assert len(asking.due(limit=10)) == 1


@pytest.mark.parametrize(
    ("status", "state"), [("absent", "absent"), ("processing", "recording"), ("in-progress", "recording")]
)
def test_the_answer_is_noted(house, media, running, status, state):
    recording = running()
    media.facts[sid(1)] = as_listed(1, status)
    asking.ask(recording.id)
    db.session.refresh(recording)
    assert recording.state == state
    if state == "recording":
        assert recording.next_try_at > clock.now() + timedelta(seconds=50)


def test_a_recording_that_the_provider_does_not_know_is_absent(house, running):
    recording = running()
    asking.ask(recording.id)
    db.session.refresh(recording)
    assert (recording.state, recording.error) == ("absent", "The provider has no such recording.")


def test_a_provider_that_never_says_is_not_asked_for_ever(house, media, running):
    recording = running()
    media.facts[sid(1)] = as_listed(1, "in-progress")
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        asking.ask(recording.id)
        db.session.refresh(recording)
    assert recording.state == "failed"
    assert "never said" in recording.error


def test_a_recording_of_which_nothing_was_ever_told_is_found_in_the_list(house, media, call_of):
    call_id = call_of(1).id
    media.facts |= {sid(1): as_listed(1), sid(2): as_listed(2, "in-progress"), sid(3): as_listed(3, "absent")}
    jobs.reconcile()
    found = db.session.execute(sa.select(Recording.sid, Recording.state, Recording.call_id)).all()
    assert sorted(found) == [(sid(1), "pending", call_id), (sid(3), "absent", None)]


def test_the_list_changes_nothing_that_we_know(house, media, owed):
    recording = owed(1)
    archiving.archive(recording.id)
    columns = sa.select(Recording.state, Recording.path, Recording.archived_at)
    before = db.session.execute(columns).all()
    media.facts[sid(1)] = as_listed(1)
    jobs.reconcile()
    assert db.session.execute(columns).all() == before
    assert media.asked[sid(1)] == 1


def test_one_recordings_trouble_is_not_that_of_the_others(house, owed, running, monkeypatch):
    def away(*_args):
        raise ProviderUnreachable("away")

    def broken(claim, draft):
        if claim.sid == sid(1):
            raise ZeroDivisionError
        return fetch(claim, draft)

    fetch = archiving._fetch
    monkeypatch.setattr(Provider, "fetch_recording", away)
    monkeypatch.setattr(archiving, "_fetch", broken)
    running(7)
    owed(1)
    owed(2)
    with time_machine.travel(clock.now() + LATER, tick=False):
        jobs.sweep()
    assert states() == {sid(1): "pending", sid(2): "archived", sid(7): "recording"}


def test_drafts_of_the_dead_go_after_a_day(house, folder, owed):
    storage = house.extensions["storage"]
    storage.put("incoming/old", [b"half"])
    (folder / "incoming" / "older#1").write_bytes(b"half")
    storage.put("2026/11/kept.wav", [b"whole"])
    made_at = clock.now().timestamp()  # by the clock of the test, which may show another day than the disk's
    for name in files_in(folder):
        os.utime(folder / name, (made_at, made_at))
    jobs.sweep()
    assert len(files_in(folder)) == 3
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        jobs.sweep()
    assert files_in(folder) == ["2026/11/kept.wav"]
