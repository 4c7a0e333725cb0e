"""Every play, download and deletion is on record: once each, with who, when and from where."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.accounts.models import Role, User
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.recordings.accesses import RecordingAccess
from voipcrm.recordings.models import Recording

from .facts import sid
from .sounds import wav
from .test_pages import LIST, PART, keep  # noqa: F401 - a fixture

ONE = f"{LIST}/{sid(1)}"
LOG = f"{LIST}/accesses"


@pytest.fixture
def file(folder):
    folder.mkdir()
    (folder / "x.wav").write_bytes(wav())


def log(app) -> list[tuple[str, str]]:
    """(what, who) as it happened."""
    with app.app_context():
        rows = db.session.scalars(sa.select(RecordingAccess).order_by(RecordingAccess.id))
        return [(row.kind, row.user_name) for row in rows]


def source_of(page) -> str:
    return re.search(r'<recording-player[^>]* src="([^"]+)"', page.text).group(1).replace("&amp;", "&")


def test_a_play_is_one_row_however_many_parts_the_player_asks_for(provided, keep, file, as_ada):  # noqa: F811
    keep(1)
    source = source_of(as_ada.post(f"{ONE}/plays", headers=PART))
    for asked in ("bytes=0-", "bytes=1000-1999", "bytes=-44", "bytes=0-9"):
        assert as_ada.get(source, headers={"Range": asked}).status_code == 206
    assert log(provided) == [("play", "Ada Ortiz")]
    as_ada.post(f"{ONE}/plays", headers=PART)
    assert len(log(provided)) == 2


def test_a_download_is_one_row_and_goes_on_where_it_broke_off(provided, keep, file, as_bo):  # noqa: F811
    keep(1)
    answer = as_bo.get(f"{ONE}/download")
    assert answer.status_code == 302
    whole = as_bo.get(answer.location)
    rest = as_bo.get(answer.location, headers={"Range": "bytes=1000-"})
    assert (whole.data, rest.data) == (wav(), wav()[1000:])
    assert "attachment" in whole.headers["Content-Disposition"]
    assert log(provided) == [("download", "Bo Becker")]


def test_without_a_script_play_leads_to_the_sound(provided, keep, file, as_ada):  # noqa: F811
    keep(1)
    answer = as_ada.post(f"{ONE}/plays")
    assert answer.status_code == 303
    assert as_ada.get(answer.location).data == wav()


@pytest.mark.parametrize("given", ["", "x", "of another person", "of another recording", "of yesterday"])
def test_without_a_ticket_of_ones_own_there_is_no_sound(provided, keep, file, as_ada, as_bo, given):  # noqa: F811
    keep(1)
    keep(2)
    mine = as_ada.post(f"{ONE}/plays").location.partition("ticket=")[2]
    text = {
        "of another person": as_bo.post(f"{ONE}/plays").location.partition("ticket=")[2],
        "of another recording": as_ada.post(f"{LIST}/{sid(2)}/plays").location.partition("ticket=")[2],
        "of yesterday": mine,
    }.get(given, given)
    with time_machine.travel(clock.now() + timedelta(hours=11 if given == "of yesterday" else 0), tick=False):
        answer = as_ada.get(f"{ONE}/audio", query_string={"ticket": text})
        assert (answer.status_code, answer.location) == (302, ONE)


def test_a_ticket_is_worth_nothing_once_the_right_is_gone(provided, keep, file, as_bo, cast):  # noqa: F811
    keep(1, who="bo")
    download = as_bo.get(f"{ONE}/download").location
    with provided.app_context():
        bo = db.session.get(User, cast.bo.id)
        bo.roles = [role for role in db.session.query(Role) if role.name == "agent"]
        db.session.commit()
    assert as_bo.get(download).location == ONE
    with provided.app_context():
        db.session.get(User, cast.bo.id).roles = []
        db.session.commit()
    assert as_bo.get(download).status_code == 404


@pytest.mark.parametrize("state", ["pending", "failed", "deleted", "expired"])
def test_what_cannot_be_heard_is_no_access(provided, keep, as_bo, state):  # noqa: F811
    keep(1, state=state)
    as_bo.post(f"{ONE}/plays", headers=PART)
    assert as_bo.post(f"{ONE}/plays").location == ONE
    assert as_bo.get(f"{ONE}/download").status_code == 404
    assert log(provided) == []


def test_admins_read_who_had_access_and_nobody_else_does(provided, keep, file, as_ada, as_bo, as_root):  # noqa: F811
    keep(1)
    as_ada.post(f"{ONE}/plays", headers={**PART, "X-Forwarded-For": "8.8.8.8"})
    as_bo.get(f"{ONE}/download")
    page = as_root.get(LOG, headers=PART).text
    assert page.index("Downloaded") < page.index("Played")
    assert "127.0.0.1" in page
    assert "8.8.8.8" not in page
    assert "Played by Ada Ortiz" in as_root.get(ONE).text
    assert "Played by" not in as_bo.get(ONE).text
    assert as_bo.get(LOG).status_code == 404


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("kind=play", ["Played"]),
        ("kind=download", ["Downloaded"]),
        ("person={bo}", ["Downloaded"]),
        ("person={bo}&kind=play", []),
        ("since=2026-11-24", ["Downloaded"]),
        ("until=2026-11-23", ["Played"]),
        ("kind=nonsense&since=x&person=-1&page=%21", ["Downloaded", "Played"]),
    ],
)
def test_the_log_is_filtered(provided, keep, file, as_ada, as_bo, as_root, cast, asked, found):  # noqa: F811
    keep(1)
    as_ada.post(f"{ONE}/plays")
    as_bo.get(f"{ONE}/download")
    with provided.app_context():
        for row, day in zip(db.session.scalars(sa.select(RecordingAccess)), (23, 24), strict=True):
            row.created_at = row.created_at.replace(year=2026, month=11, day=day, hour=12)
        db.session.commit()
    page = as_root.get(f"{LOG}?{asked.format(bo=cast.bo.id)}", headers=PART).text
    assert re.findall(r"<div>(Played|Downloaded):", page) == found
    assert ("Nothing matches" in page) == (not found)


def test_an_empty_log_says_what_it_is_for(provided, as_root):
    assert "Whoever plays" in as_root.get(LOG).text


def test_a_long_log_has_pages_and_as_few_statements(provided, keep, as_root, cast):  # noqa: F811
    keep(1)
    with provided.app_context():
        one = db.session.scalars(sa.select(Recording.id)).one()
        db.session.add_all(RecordingAccess(recording_id=one, kind="play", user_id=cast.ada.id) for _ in range(55))
        db.session.commit()
    first = as_root.get(LOG).text
    assert first.count("Played:") == 50
    older = re.search(r'rel="next" href="([^"]+)"', first).group(1).replace("&amp;", "&")
    assert as_root.get(older).text.count("Played:") == 5


def test_a_download_is_written_down_though_others_write_meanwhile(provided, keep, file, as_bo, monkeypatch):  # noqa: F811
    """On SQLite a transaction that read first could not write any more."""
    keep(1)
    from voipcrm.recordings import views

    seen = views.visible

    def while_others_write(sid):
        recording = seen(sid)
        with db.engine.connect() as other:
            other.exec_driver_sql("UPDATE users SET seen_at = NULL")
            other.commit()
        return recording

    monkeypatch.setattr(views, "visible", while_others_write)
    assert as_bo.get(f"{ONE}/download").status_code == 302
    assert log(provided) == [("download", "Bo Becker")]
