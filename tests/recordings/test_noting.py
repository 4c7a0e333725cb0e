"""Whatever order the news of a recording comes in, and however often, it adds up to the same row."""

from __future__ import annotations

import threading
from itertools import permutations

import pytest
import sqlalchemy as sa

from voipcrm.calls.models import Call
from voipcrm.core.db import db
from voipcrm.recordings.models import Recording
from voipcrm.recordings.noting import adopt_orphans, note

from .facts import NOON, fact, sid


def told(*facts, call_id=None):
    for one in facts:
        noted = note(one, call_id=call_id)
        db.session.commit()
    return noted


def as_seen(recording):
    return (recording.state, recording.error, recording.call_id, recording.duration_seconds, recording.started_at)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_every_order_of_began_ready_and_ready_again_gives_the_same_row(house, call_of, order):
    call = call_of()
    facts = [fact(status="in-progress"), fact(), fact()]
    recording = told(*(facts[i] for i in order))
    assert as_seen(recording) == ("pending", None, call.id, 6, NOON)
    assert recording.is_owed
    assert db.session.scalar(sa.select(sa.func.count(Recording.id))) == 1


def test_a_running_recording_is_not_owed_and_its_call_has_none_yet(house, call_of):
    call = call_of()
    recording = told(fact(status="in-progress"))
    assert recording.state == "recording"
    assert not recording.is_owed
    assert not call.has_recording


def test_a_finished_one_shows_on_its_call_at_once(house, call_of):
    call = call_of()
    told(fact())
    db.session.refresh(call)
    assert call.has_recording


def test_completed_beats_absent_in_either_order(house):
    assert told(fact(1), fact(1, "absent")).state == "pending"
    assert told(fact(2, "absent"), fact(2)).state == "pending"
    assert db.session.scalars(sa.select(Recording.error)).all() == [None, None]


def test_absent_says_why(house):
    recording = told(fact(status="absent", error_code=1))
    assert recording.state == "absent"
    assert "before there was anything to hear" in recording.error
    assert "error 1" in recording.error
    assert not recording.is_owed


@pytest.mark.parametrize("state", ["archived", "failed", "deleted"])
def test_what_was_decided_here_is_not_undone_by_the_provider(house, state):
    recording = told(fact())
    recording.state, recording.next_try_at = state, None
    db.session.commit()
    for status in ("completed", "in-progress", "absent", "failed", "nonsense"):
        assert told(fact(status=status)).state == state
    assert not recording.is_owed


def test_an_unknown_status_makes_a_row_but_no_work(house):
    recording = told(fact(status="sideways"))
    assert recording.state == "recording"
    assert not recording.is_owed


def test_before_its_call_is_known_it_waits_and_is_adopted_later(house, call_of):
    recording = told(fact())
    assert recording.call_id is None
    call = call_of()
    adopt_orphans()
    db.session.commit()
    assert recording.call_id == call.id
    db.session.refresh(call)
    assert call.has_recording


def test_a_recording_of_a_conference_belongs_to_the_call_that_its_address_named(house, call_of):
    call = call_of()
    recording = told(fact(2, call_sid=None, conference_sid=sid(9, "CF")), call_id=call.id)
    assert recording.call_id == call.id


def test_twenty_deliveries_at_once_make_one_row(house, call_of):
    call_of()
    errors = []
    start = threading.Barrier(20)

    def deliver():
        try:
            with house.app_context():
                start.wait(10)
                note(fact())
                db.session.commit()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=deliver) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert db.session.scalars(sa.select(Recording.state)).all() == ["pending"]
    assert db.session.scalars(sa.select(Call.has_recording)).all() == [True]
