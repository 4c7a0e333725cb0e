"""A day is the viewer's day: what they ask for, what they read and what they take away, across a change of the clocks.

Which day a moment belongs to is worked out here with zoneinfo alone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Person
from voipcrm.contacts.notes import Task
from voipcrm.core.db import db
from voipcrm.recordings.models import Recording
from whole.crawling import PARTIAL
from whole.rows import make

DAYS = [
    ("Pacific/Auckland", date(2026, 4, 5)),  # 25 hours: from 3:00 back to 2:00
    ("Pacific/Auckland", date(2026, 9, 27)),  # 23 hours
    ("America/New_York", date(2026, 3, 8)),  # 23 hours
    ("America/New_York", date(2026, 11, 1)),  # 25 hours
    ("Asia/Kolkata", date(2026, 3, 29)),  # 24 hours, and half an hour off
]
LATER = datetime(2026, 11, 20, 12, tzinfo=UTC)


def around(zone: ZoneInfo, day: date) -> list[datetime]:
    """Moments just before, at, within and just after that day, and each half hour of its night."""
    begins = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).astimezone(UTC)
    second = timedelta(seconds=1)
    return [begins - second, begins, *(begins + timedelta(minutes=30 * at) for at in range(1, 8)), ends - second, ends]


@pytest.fixture(params=DAYS, ids=lambda one: f"{one[0]} {one[1]}")
def night(request, app, cast):
    """(zone, day, {call's public id: (recording's sid, moment)}): Ada lives in that zone and talked all night."""
    name, day = request.param
    zone = ZoneInfo(name)
    with app.app_context():
        db.session.execute(sa.update(User).where(User.id == cast.ada.id).values(time_zone=name))
        ada = db.session.get_one(User, cast.ada.id)
        rows = {}
        for moment in around(zone, day):
            call = make(Call, ada)
            call.started_at = moment
            recording = make(Recording, ada, call_id=call.id, started_at=moment)
            rows[call.public_id] = (recording.sid, moment)
        db.session.commit()
    with time_machine.travel(LATER, tick=True):
        yield zone, day, rows


@pytest.fixture
def ada(app, cast, night):
    """Signed in at the time that it is there."""
    return app.test_client().sign_in(cast.ada)


def test_the_history_shows_the_viewers_day(ada, night):
    zone, day, rows = night
    page = ada.get(f"/calls?since={day}&until={day}").text
    expected = {one for one, (_, moment) in rows.items() if moment.astimezone(zone).date() == day}
    assert {one for one in rows if f"/calls/{one}" in page} == expected
    assert 0 < len(expected) < len(rows)


def test_recordings_show_the_viewers_day(ada, night):
    zone, day, rows = night
    page = ada.get(f"/admin/voip/recordings?from={day}&to={day}").text
    expected = {sid for sid, moment in rows.values() if moment.astimezone(zone).date() == day}
    assert {sid for sid, _ in rows.values() if f"recording-{sid}" in page} == expected
    assert 0 < len(expected) < len(rows)


def test_each_moment_reads_in_the_viewers_time(ada, night):
    zone, _, rows = night
    page = ada.get("/calls").text
    told = dict(re.findall(r'<time datetime="([^"]+)" title="([^"]+)">', page))
    for _, moment in rows.values():
        local = moment.astimezone(zone)
        assert told[moment.isoformat()] == local.strftime("%A, %-d %B %Y, %H:%M:%S %Z")


def test_a_downloaded_recording_is_named_by_the_viewers_time(app, cast, night):
    zone, _, rows = night
    with app.app_context():
        db.session.execute(sa.update(User).where(User.id == cast.bo.id).values(time_zone=zone.key))
        db.session.commit()
    bo = app.test_client().sign_in(cast.bo)  # agents may not download
    for sid, moment in rows.values():
        answer = bo.get(f"/admin/voip/recordings/{sid}/download", follow_redirects=True)
        assert f"{moment.astimezone(zone):%Y-%m-%d %H.%M}" in unquote(answer.headers["Content-Disposition"])


def test_a_task_is_due_when_the_owners_day_begins(app, cast, night):
    zone, day, _ = night
    with app.app_context():
        ada = db.session.get_one(User, cast.ada.id)
        make(Task, ada, title="Ring back", due_on=day, person_id=make(Person, ada).id)
        db.session.commit()
    begins = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).astimezone(UTC)
    second = timedelta(seconds=1)
    for moment, words in (
        (begins - second, "Tomorrow"),
        (begins, "Today"),
        (ends - second, "Today"),
        (ends, "Overdue"),
    ):
        with time_machine.travel(moment, tick=False):
            assert words in app.test_client().sign_in(cast.ada).get("/contacts/tasks", headers=PARTIAL).text
