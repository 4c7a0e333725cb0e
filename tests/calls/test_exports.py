"""Exports of the history: what is in the file, who may have it, and what becomes of it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.calls import exporting, jobs
from voipcrm.calls.exports import KEPT_FOR, CallExport
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Person
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.storage import storage

from .call_rows import after, inbound, internal, outbound


@pytest.fixture
def keep(app, cast):
    def write(*calls: Call) -> None:
        with app.app_context():
            db.session.add_all(calls)
            db.session.commit()

    return write


@pytest.fixture
def written(app):
    """written(browser, query): the rows of a finished export, its header first."""

    def read(browser, query: str = "") -> list[list[str]]:
        assert browser.post(f"/calls/exports?{query}").status_code == 303
        one = newest(app)
        with app.app_context():
            jobs.write_export(one)
        answer = browser.get(f"/calls/exports/{one}/file")
        assert answer.status_code == 200
        text = answer.data.decode()
        answer.close()
        assert text.startswith("\ufeff")
        return list(csv.reader(io.StringIO(text[1:])))

    return read


def newest(app) -> int:
    with app.app_context():
        return db.session.scalars(sa.select(CallExport.id).order_by(CallExport.id.desc())).first()


def exports(app) -> list[CallExport]:
    with app.app_context():
        return list(db.session.scalars(sa.select(CallExport).order_by(CallExport.id)))


def test_the_file_has_the_calls_of_the_filters_in_the_viewer_s_time(keep, written, as_ada, app, cast):
    with app.app_context():
        db.session.execute(sa.text("UPDATE users SET time_zone = 'Asia/Tokyo'"))
        db.session.commit()
    keep(
        outbound(cast.ada.id, person=Person(name="=cmd()"), line_id=cast.sales_id, has_recording=True),
        outbound(cast.ada.id, outcome="busy", at=after(60)),
        internal(cast.ada.id, cast.bo.id, at=after(120)),
        outbound(cast.bo.id),
    )
    header, *rows = written(as_ada, "direction=outbound&outcome=&page=x")
    assert header[0] == "When (Asia/Tokyo)"
    assert [row[0] for row in rows] == ["2026-11-23 21:01:00", "2026-11-23 21:00:00"]
    talked = dict(zip(header, rows[1], strict=True))
    assert talked["Contact"] == "'=cmd()"
    assert talked["Number"] == "'+13125550100"
    assert (talked["Line"], talked["Handled by"], talked["Talk seconds"]) == ("Sales line", "Ada Ortiz", "60")
    assert (talked["Outcome"], talked["Recorded"]) == ("answered", "yes")


def test_a_day_is_the_viewer_s_day_across_a_clock_change(keep, written, as_ada, app, cast):
    with app.app_context():
        db.session.execute(sa.text("UPDATE users SET time_zone = 'Europe/Berlin'"))
        db.session.commit()
    midnight = after(-12 * 3600)  # of the 23rd in UTC; summer time ended on 25 October
    autumn = midnight.replace(month=10, day=25)
    keep(*(outbound(cast.ada.id, at=autumn + timedelta(hours=hours)) for hours in (-3, -1.5, 0, 22.5, 23.5)))
    _, *rows = written(as_ada, "since=2026-10-25&until=2026-10-25")
    assert [row[0] for row in rows] == ["2026-10-25 23:30:00", "2026-10-25 02:00:00", "2026-10-25 00:30:00"]


def test_batches_meet_without_a_gap_or_a_double(keep, written, as_ada, cast, monkeypatch):
    monkeypatch.setattr(exporting, "BATCH", 7)
    keep(*(outbound(cast.ada.id, at=after(n // 5)) for n in range(50)))
    _, *rows = written(as_ada)
    assert len({row[1] for row in rows}) == len(rows) == 50
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)


def test_it_shows_how_far_it_is_and_can_be_canceled(keep, as_ada, app, cast):
    keep(outbound(cast.ada.id))
    assert "Export these calls" in as_ada.get("/calls").text
    as_ada.post("/calls/exports")
    one = newest(app)
    page = as_ada.get("/calls/exports")
    assert "<progress" in page.text
    assert "every 1s" in page.text
    assert as_ada.get(f"/calls/exports/{one}/file").status_code == 404
    as_ada.post("/calls/exports")
    assert len(exports(app)) == 1, "one at a time"
    as_ada.post(f"/calls/exports/{one}/cancel")
    with app.app_context():
        jobs.write_export(one)
    assert [(row.state, row.path) for row in exports(app)] == [("canceled", None)]
    assert "Canceled" in as_ada.get("/calls/exports").text


def test_a_job_whose_export_was_canceled_meanwhile_leaves_nothing(keep, as_ada, app, cast, monkeypatch):
    keep(outbound(cast.ada.id))
    as_ada.post("/calls/exports")
    cells = exporting._cells

    def canceled_meanwhile(*given):
        db.session.execute(sa.update(CallExport).values(state="canceled", claim=""))
        db.session.commit()
        return cells(*given)

    monkeypatch.setattr(exporting, "_cells", canceled_meanwhile)
    with app.app_context():
        jobs.write_export(newest(app))
        folder = storage().folder
    assert [row.state for row in exports(app)] == ["canceled"]
    assert list(folder.rglob("call-export-*")) == []


def test_nobody_else_has_it_and_after_a_day_nobody(keep, written, as_ada, as_bo, as_root, as_mallory, app, cast):
    keep(inbound(rung=[cast.ada.id], by=cast.ada.id))
    written(as_ada)
    (one,) = exports(app)
    for other in (as_bo, as_root, as_mallory):
        assert other.get(f"/calls/exports/{one.id}/file").status_code == 404
        assert other.post(f"/calls/exports/{one.id}/cancel").status_code in {403, 404}
    with app.app_context():
        file = storage().local_path(one.path)
    assert file.exists()
    with time_machine.travel(clock.now() + KEPT_FOR + timedelta(minutes=1)):
        assert as_ada.get(f"/calls/exports/{one.id}/file").status_code in {302, 404}
    with time_machine.travel(clock.now() + 2 * KEPT_FOR + timedelta(minutes=1)), app.app_context():
        exporting.forget_old()
    assert exports(app) == []
    assert not file.exists()


def test_one_whose_worker_died_is_rung_for_again(keep, written, as_ada, app, cast):
    keep(outbound(cast.ada.id))
    as_ada.post("/calls/exports")
    queue = app.extensions["bell"].redis
    queue.flushdb()
    with app.app_context():
        jobs.ring_for_exports()
    assert queue.keys("rq:job:*") == []
    with time_machine.travel(clock.now() + timedelta(minutes=3)), app.app_context():
        jobs.ring_for_exports()
    assert len(queue.keys("rq:job:*")) == 1


def test_the_list_can_begin_with_the_oldest(keep, as_ada, cast):
    keep(outbound(cast.ada.id, at=after(60), number="+13125550101"), outbound(cast.ada.id, number="+13125550102"))
    newest_first, oldest_first = as_ada.get("/calls?direction=outbound").text, as_ada.get("/calls?sort=oldest").text
    assert newest_first.index("555-0101") < newest_first.index("555-0102")
    assert oldest_first.index("555-0102") < oldest_first.index("555-0101")
    assert 'href="/calls?direction=outbound&amp;sort=oldest"' in newest_first
    assert 'aria-sort="ascending"' in oldest_first
    assert "every" not in oldest_first.partition('id="calls"')[2].partition("</div>")[0], "what is new is not on it"
