"""Recordings go when they are older than their line, or the house, keeps them; and nobody decides that without seeing
how many go."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.accounts.audit import AuditEntry
from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.house import HouseSettings, house
from voipcrm.recordings import holds, jobs, retention
from voipcrm.recordings.accesses import RecordingAccess
from voipcrm.recordings.models import Recording
from voipcrm.trunks.models import KEEP_FOR_EVER, Line

from .facts import files_in, sid
from .sounds import wav
from .test_pages import LIST, keep  # noqa: F401 - a fixture

PAGE = "/admin/voip/retention"
NOW = clock.now().replace(microsecond=0)


@pytest.fixture
def kept(keep, provided, cast, folder):  # noqa: F811
    """1: Sales, 10 days old; 2: Sales, 40 days; 3: Support, 40 days; 4: no line, 40 days; 5: Sales, failed, 40 days;
    6: Sales, waiting for its copy, 40 days."""
    folder.mkdir()
    sales, support = {"line_id": cast.sales_id}, {"line_id": cast.support_id}
    nobody = {"line_id": None, "direction": "internal", "other_user_id": cast.bo.id}
    cases = ((1, 10, sales), (2, 40, sales), (3, 40, support), (4, 40, nobody), (5, 40, sales), (6, 40, sales))
    for number, days, call in cases:
        (folder / f"{number}.wav").write_bytes(wav(0.1))
        state = {5: "failed", 6: "pending"}.get(number, "archived")
        keep(number, call={**call, "started_at": NOW - timedelta(days=days)}, path=f"{number}.wav", state=state)
    return provided


def decide(app, *, of_house=None, sales=None, support=None) -> None:
    with app.app_context():
        HouseSettings.to_change().keep_recordings_days = of_house
        for label, days in (("Sales line", sales), ("Support", support)):
            db.session.execute(sa.update(Line).where(Line.label == label).values(keep_days=days))
        db.session.commit()
        house.forget()


def gone(app) -> list[int]:
    """Numbers of the recordings that expired at the next sweep."""
    with app.app_context():
        jobs.expire_old()
        found = db.session.scalars(sa.select(Recording.sid).where(Recording.state == "expired"))
        return sorted(int(one[2:], 16) for one in found)


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ({}, []),
        ({"of_house": 30}, [2, 3, 4, 5]),
        ({"of_house": 5}, [1, 2, 3, 4, 5]),
        ({"sales": 30}, [2, 5]),
        ({"of_house": 30, "sales": KEEP_FOR_EVER}, [3, 4]),
        ({"of_house": 30, "sales": 60}, [3, 4]),
        ({"of_house": 60, "support": 39}, [3]),
        ({"of_house": KEEP_FOR_EVER, "support": 41}, []),
    ],
)
def test_what_is_older_than_its_line_or_else_the_house_keeps_it_goes(kept, decided, expected):
    decide(kept, **decided)
    assert gone(kept) == expected
    assert gone(kept) == expected


def test_expired_is_gone_in_both_places_and_on_record(kept, folder, media, as_root):
    decide(kept, support=30)
    assert gone(kept) == [3]
    with kept.app_context():
        jobs.sweep()
        row = db.session.scalars(sa.select(RecordingAccess)).one()
        assert (row.kind, row.user_id, row.ip) == ("expire", None, "")
        assert db.session.scalars(sa.select(Call.has_recording).where(Call.public_id == "call3")).all() == [False]
    assert "3.wav" not in files_in(folder)
    assert media.deleted == [sid(3)]
    page = as_root.get(f"{LIST}/{sid(3)}").text
    assert "Expired</span>" in page
    assert "Expired by its retention" in page


def test_what_is_held_stays_until_it_is_released(kept, cast):
    decide(kept, of_house=30)
    with kept.app_context():
        root = db.session.get(User, cast.root.id)
        one, three = (db.session.scalars(sa.select(Recording).where(Recording.sid == sid(n))).one() for n in (2, 3))
        held = holds.hold(one, whole_call=False, by=root, reason="Case 12")
        holds.hold(three, whole_call=True, by=root, reason="Case 13")
        db.session.commit()
        held_id = held.id
    assert gone(kept) == [4, 5]
    with kept.app_context():
        holds.release(db.session.get(type(held), held_id), by=db.session.get(User, cast.root.id))
        db.session.commit()
    assert gone(kept) == [2, 4, 5]


def test_many_go_a_batch_at_a_time(kept, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    decide(kept, of_house=30)
    assert gone(kept) == [2, 3, 4, 5]


def test_an_hour_later_the_next_goes(kept):
    decide(kept, of_house=11)
    assert 1 not in gone(kept)
    with time_machine.travel(NOW + timedelta(days=1, hours=1), tick=False):
        assert 1 in gone(kept)


def test_nothing_is_saved_before_a_person_saw_how_many_would_go(kept, as_root, cast):
    line = f"{PAGE}/lines/{cast.sales_id}"
    sent = {"keep": "days", "days": "30"}
    asked = as_root.post(line, data=sent)
    assert (asked.status_code, "2 recordings would go." in asked.text) == (200, True)
    with kept.app_context():
        assert db.session.get(Line, cast.sales_id).keep_days is None
    assert as_root.post(line, data={**sent, "sure": "yes"}).status_code == 303
    assert gone(kept) == [2, 5]
    with kept.app_context():
        entry = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (entry.subject_name, entry.before, entry.after) == (
            "Sales line", {"recordings kept": "as the house"}, {"recordings kept": "30 days"},
        )  # fmt: skip


def test_for_the_house_too(kept, as_root):
    asked = as_root.post(f"{PAGE}/house", data={"keep": "days", "days": "30"})
    assert "4 recordings would go." in asked.text
    assert as_root.post(f"{PAGE}/house", data={"keep": "days", "days": "30", "sure": "yes"}).status_code == 303
    assert "Recordings are kept 30 days" in as_root.get(PAGE).text
    assert gone(kept) == [2, 3, 4, 5]


def test_what_lets_nothing_go_is_saved_at_once(kept, as_root, cast):
    for sent in ({"keep": "ever"}, {"keep": "days", "days": "400"}, {"keep": "house"}):
        assert as_root.post(f"{PAGE}/lines/{cast.sales_id}", data=sent).status_code == 303
    assert as_root.post(f"{PAGE}/house", data={"keep": "ever"}).status_code == 303
    assert gone(kept) == []


def test_back_to_the_house_counts_what_the_house_would_let_go(kept, as_root, cast):
    decide(kept, of_house=30, sales=KEEP_FOR_EVER)
    asked = as_root.post(f"{PAGE}/lines/{cast.sales_id}", data={"keep": "house"})
    assert "2 recordings would go." in asked.text
    assert "for 30 days?" in asked.text


def test_more_than_can_be_counted_quickly_is_said_so(kept, as_root, monkeypatch):
    monkeypatch.setattr(retention, "COUNTED_AT_MOST", 2)
    assert "More than 2 recordings would go." in as_root.post(f"{PAGE}/house", data={"keep": "days", "days": "30"}).text


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"keep": "days"}, "Enter a number of days."),
        ({"keep": "days", "days": "0"}, "Enter a number from 1"),
        ({"keep": "days", "days": "-5"}, "Enter a number from 1"),
        ({"keep": "days", "days": "many"}, "Enter a number of days."),
        ({"keep": "days", "days": "99999999999999999999"}, "Enter a number from 1"),
        ({"keep": "never"}, "Not a valid choice"),
        ({}, "Not a valid choice"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(kept, as_root, cast, sent, words):
    for path in (f"{PAGE}/lines/{cast.sales_id}", f"{PAGE}/house"):
        answer = as_root.post(path, data={**sent, "sure": "yes"})
        assert (answer.status_code, words in answer.text) == (422, True), answer.text
    assert gone(kept) == []


def test_a_recordings_page_says_until_when_it_is_kept(kept, as_root, as_ada):
    decide(kept, sales=30)
    assert "Kept until" in as_ada.get(f"{LIST}/{sid(1)}").text
    assert "Kept until" not in as_ada.get(f"{LIST}/{sid(3)}").text
    lines = re.sub(r"\s+", " ", as_root.get(PAGE).text)
    assert "kept 30 days<" in lines
    assert "kept for ever, as the house" in lines


def test_only_admins_decide(kept, as_bo, cast):
    for path in (PAGE, f"{PAGE}/house", f"{PAGE}/lines/{cast.sales_id}"):
        assert as_bo.get(path).status_code == 404
    assert as_bo.post(f"{PAGE}/house", data={"keep": "days", "days": "1", "sure": "yes"}).status_code == 403
