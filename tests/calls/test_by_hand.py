"""Calls that somebody writes down: who may, what is refused, where they show, and how they go and come back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from contacts.people import contact

from voipcrm.accounts.audit import AuditEntry
from voipcrm.accounts.models import Role
from voipcrm.accounts.permissions import Can
from voipcrm.calls import by_hand, missed
from voipcrm.calls.by_hand import FACTS, UNDO_WITHIN, LoggedCall
from voipcrm.calls.missed import MissedCall
from voipcrm.calls.models import Call
from voipcrm.calls.notes import CallNote
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.house import house

from .call_rows import NOON, PRIYA, inbound, note_missed, outbound
from .test_exports import written
from .test_pages import keep, listed, text

__all__ = ["keep", "written"]

CREATE = "/calls/by-hand/create"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
LATELY = clock.now() - timedelta(hours=2)
TALKED = {
    "direction": "outbound",
    "number": "(312) 555-0100",
    "person": "0",
    "day": "2026-11-20",
    "at": "14:30",
    "outcome": "answered",
    "length": "5:30",
    "note": "Wants a quote.",
}


@pytest.fixture
def log(app, as_ada):
    """log(number=…): Ada logs a call; the address of what she wrote, /calls/by-hand/1."""

    def send(**more: Any) -> str:
        answer = as_ada.post(CREATE, data=TALKED | more)
        assert answer.status_code == 303, text(answer)
        return answer.headers["Location"]

    return send


@pytest.fixture
def calls(app):
    """calls(): all calls by id."""

    def read() -> list[Call]:
        with app.app_context():
            return list(db.session.scalars(Call.with_names(sa.select(Call)).order_by(Call.id)).unique())

    return read


def errors(page) -> list[str]:
    found = re.findall(r'<p class="field__error".*?<span>(.*?)</span></p>', page.text, re.DOTALL)
    return [one.replace("&#39;", "'") for one in found]


def page_of(browser, address: str):
    """The page of the call behind it."""
    return browser.get(browser.get(address).headers["Location"])


def test_what_was_written_down_is_a_call_of_the_writer_in_their_time(log, calls, app):
    with app.app_context():
        db.session.execute(sa.text("UPDATE users SET time_zone = 'America/New_York'"))
        db.session.commit()
    log()
    (call,) = calls()
    assert (call.direction, call.outcome, call.state, call.is_by_hand) == ("outbound", "answered", "ended", True)
    assert (call.peer_number, call.talk_seconds, call.user.name) == (PRIYA, 330, "Ada Ortiz")
    assert call.started_at == call.answered_at == datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
    assert call.ended_at == call.started_at + timedelta(seconds=330)


def test_it_is_in_the_history_the_file_the_dock_and_the_interface_as_logged_by_hand(log, written, as_ada, as_bo, calls):
    address = log()
    (call,) = calls()
    for browser in (as_ada, as_bo):  # Bo sees the team's
        assert listed(browser.get("/calls")) == [call.public_id]
        assert "Logged by hand" in browser.get("/calls").text
    assert "logged by hand" in as_ada.get("/phone/recent", headers=PARTIAL).text
    (row,) = as_ada.get("/api/voip/calls/history").json["calls"]
    assert row["by_hand"] is True
    page = page_of(as_ada, address)
    for words in ("Ada Ortiz logged the call by hand", "Outgoing call, logged by hand", "Wants a quote.", "5:30"):
        assert words in text(page)
    assert "call-recordings" not in page.text
    header, row = written(as_ada)
    assert dict(zip(header, row, strict=True))["Logged by hand"] == "yes"


def test_the_timeline_of_the_contact_has_it(log, app, cast, as_ada):
    with app.app_context():
        person_id = contact("Priya Raman", numbers=(PRIYA,)).id
    log()
    timeline = as_ada.get(f"/calls/with/{person_id}", headers=PARTIAL)
    assert "Logged by hand" in timeline.text
    assert "Wants a quote." in timeline.text
    form = as_ada.get(f"{CREATE}?contact={person_id}").text
    assert 'value="(312) 555-0100"' in form
    assert f'name="person" value="{person_id}" checked' in form


def test_a_contact_can_be_chosen_and_then_needs_no_number(log, calls, app, as_ada):
    with app.app_context():
        ida = contact("Ida Berg").id
        contact("Priya Raman", numbers=(PRIYA,))
    assert "Ida Berg" in as_ada.get(f"{CREATE}?q=berg", headers=PARTIAL).text
    log(person=str(ida), number="")
    log()
    without, matched = calls()
    assert (without.person.name, without.peer_number) == ("Ida Berg", None)
    assert matched.person.name == "Priya Raman"
    page = as_ada.get(f"/calls/{without.public_id}")
    assert "the call was logged with this contact" in text(page)
    assert "Not logged" in text(page)


def test_a_time_is_meant_in_the_writer_s_zone_across_a_clock_change(log, calls, app):
    with app.app_context():
        db.session.execute(sa.text("UPDATE users SET time_zone = 'Europe/Berlin'"))
        db.session.commit()
    log(day="2025-10-25", at="14:30")
    log(day="2025-10-26", at="14:30")
    assert [call.started_at.hour for call in calls()] == [12, 13]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"number": "", "person": "0"}, "Enter a number, or choose a contact."),
        ({"number": "12"}, None),
        ({"day": ""}, "Choose the day of the call."),
        ({"day": "1899-01-01"}, "Choose a day between 1990 and now."),
        ({"day": "2199-12-31"}, "That is still to come. Choose when the call was."),
        (
            {"day": f"{LATELY:%Y-%m-%d}", "at": f"{LATELY:%H:%M}", "length": "3:00:00"},
            "It would still go on. Enter when the call began.",
        ),
        ({"at": ""}, "Enter when the call began."),
        ({"at": "25:99"}, None),
        ({"length": ""}, "Enter how long you talked: 5 or 5:30."),
        ({"length": "0"}, "Enter how long you talked: 5 or 5:30."),
        ({"length": "five"}, "Enter minutes, or minutes and seconds: 5 or 5:30."),
        ({"length": "5:61"}, "Enter minutes, or minutes and seconds: 5 or 5:30."),
        ({"length": "9999"}, "Enter minutes, or minutes and seconds: 5 or 5:30."),
        ({"direction": "sideways"}, None),
        ({"direction": "internal"}, None),
        ({"outcome": "voicemail"}, None),
        (
            {"direction": "inbound", "outcome": "busy", "length": ""},
            "Busy is for calls that you made. Choose No answer.",
        ),
        ({"note": "x" * 10_001}, "Use at most 10,000 characters."),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(as_ada, calls, given, sentence):
    page = as_ada.post(CREATE, data=TALKED | given)
    assert page.status_code == 422
    found = errors(page)
    assert len(found) == 1
    assert sentence in (None, found[0])
    assert calls() == []
    if "note" not in given:
        assert "Wants a quote." in page.text, "what was typed stays"


@pytest.mark.parametrize(
    ("length", "seconds"),
    [("5", 300), ("5:30", 330), ("1:05:30", 3930), ("90", 5400), ("0:07", 7), ("24:00:00", 86400)],
)
def test_lengths(log, calls, length, seconds):
    log(length=length)
    assert calls()[0].talk_seconds == seconds


@pytest.mark.parametrize(
    ("direction", "outcome", "kept"),
    [("outbound", "unanswered", "no-answer"), ("outbound", "busy", "busy"), ("inbound", "unanswered", "missed")],
)
def test_a_call_that_was_not_answered_has_no_length(log, calls, direction, outcome, kept):
    log(direction=direction, outcome=outcome)
    (call,) = calls()
    assert (call.outcome, call.talk_seconds, call.answered_at) == (kept, 0, None)


def test_figures_do_not_count_it_and_lead_to_rows_without_it(log, keep, as_ada, cast):
    with time_machine.travel(datetime(2026, 11, 20, 21, tzinfo=UTC), tick=False):
        browser = as_ada.application.test_client().sign_in(cast.ada)
        browser.post(CREATE, data=TALKED)
        (real,) = keep(outbound(cast.ada.id, at=clock.now()))
        found = re.findall(
            r'<dt[^>]*>([^<]*)</dt><dd[^>]*><a href="([^"]*)">([^<]*)</a>',
            browser.get("/calls/summary", headers=PARTIAL).text,
        )
        shown = {words: (value, listed(browser.get(href.replace("&amp;", "&")))) for words, href, value in found}
    assert shown["Placed"] == ("1", [real])
    assert shown["Talk time"] == ("1:00", [real])


def test_the_filter_tells_them_apart(log, keep, as_ada, as_root, calls, cast):
    log()
    (real,) = keep(outbound(cast.ada.id, at=NOON))
    (by_hand,) = (call.public_id for call in calls() if call.is_by_hand)
    for browser in (as_ada, as_root):
        assert listed(browser.get("/calls?logged=yes")) == [by_hand]
        assert listed(browser.get("/calls?logged=no")) == [real]
        assert set(listed(browser.get("/calls?logged=maybe"))) == {by_hand, real}


def test_who_was_called_back_on_the_mobile_waits_no_more(log, keep, app, cast):
    long_ago = clock.now() - timedelta(hours=5)
    with app.app_context():
        call = inbound(rung=[cast.ada.id], outcome="missed", at=long_ago)
        db.session.add(call)
        db.session.commit()
        note_missed(call)
    at = clock.now() - timedelta(hours=1)
    log(day=at.date().isoformat(), at=f"{at:%H:%M}", length="1")
    with app.app_context():
        assert db.session.scalars(missed.waiting(sa.select(MissedCall))).all() == []


def test_it_is_no_call_placed_for_the_limit_of_an_hour(app, as_ada, cast, monkeypatch):
    monkeypatch.setattr(type(house), "dial_calls_per_hour", property(lambda _: 1))
    at = clock.now() - timedelta(minutes=5)
    data = TALKED | {"day": at.date().isoformat(), "at": f"{at:%H:%M}"}
    assert as_ada.post(CREATE, data=data).status_code == 303
    assert as_ada.post("/api/voip/calls/outbound", json={"to": "+13125550100"}).status_code == 201
    assert as_ada.post("/api/voip/calls/outbound", json={"to": "+13125550100"}).status_code == 422


def test_its_writer_changes_it_and_the_log_says_what(log, calls, app, as_ada):
    address = log()
    form = as_ada.get(f"{address}/edit").text
    assert 'value="5:30"' in form
    assert 'value="2026-11-20"' in form
    assert "Wants a quote" not in form, "notes are changed on the call's page"
    changed = TALKED | {"direction": "inbound", "length": "7", "at": "09:00"}
    assert as_ada.post(f"{address}/edit", data=changed).status_code == 303
    (call,) = calls()
    assert (call.direction, call.talk_seconds, call.started_at.hour) == ("inbound", 420, 9)
    assert "Ada Ortiz changed what was logged" in text(page_of(as_ada, address))
    assert as_ada.post(f"{address}/edit", data=changed | {"length": "none"}).status_code == 422
    with app.app_context():
        entries = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [one.verb for one in entries] == ["created", "changed"]
        assert (entries[1].before["talk_seconds"], entries[1].after["talk_seconds"]) == (330, 420)
        assert entries[1].kind_words == "Logged call"


def test_deleted_it_is_gone_and_comes_back_whole(log, calls, app, as_ada, as_bo):
    with app.app_context():
        contact("Priya Raman", numbers=(PRIYA,))
    address = log()
    (before,) = calls()
    as_bo.post(f"/calls/{before.public_id}/notes", data={"text": "I know them."})
    answer = as_ada.post(f"{address}/delete")
    assert answer.headers["Location"] == address
    assert calls() == []
    assert as_ada.get(f"/calls/{before.public_id}").status_code == 404
    assert as_ada.get(f"{address}/edit").status_code == 404
    assert "Undo" in as_ada.get(address).text
    assert as_ada.post(f"{address}/undo").status_code == 303
    (call,) = calls()
    for name in (*FACTS, "ended_at", "user_id"):
        assert getattr(call, name) == getattr(before, name)
    page = text(page_of(as_ada, address))
    assert "Wants a quote. Ada Ortiz" in page
    assert "I know them. Bo Becker" in page
    as_ada.post(f"{address}/undo")
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(CallNote.id))) == 2, "undone twice is undone once"
        assert [one.verb for one in db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))] == [
            "created", "deleted", "restored",
        ]  # fmt: skip


def test_it_comes_back_without_a_contact_that_is_gone(log, calls, app, as_ada):
    with app.app_context():
        person_id = contact("Priya Raman", numbers=(PRIYA,)).id
    address = log()
    as_ada.post(f"{address}/delete")
    as_ada.post(f"/contacts/persons/{person_id}/delete")
    assert as_ada.post(f"{address}/undo").status_code == 303
    (call,) = calls()
    assert (call.person_id, call.person_reason) == (None, "")


def test_after_a_day_it_is_gone_for_good(log, app, as_ada):
    address = log()
    as_ada.post(f"{address}/delete")
    with app.app_context():
        db.session.scalars(sa.select(LoggedCall)).one().deleted_at = clock.now() - UNDO_WITHIN
        db.session.commit()
    assert as_ada.post(f"{address}/undo").status_code == 404
    with app.app_context():
        by_hand.forget_deleted()
        assert db.session.scalars(sa.select(LoggedCall)).all() == []


def test_nobody_else_changes_it_and_a_real_call_is_nobody_s_to_change(log, keep, as_ada, as_bo, as_root, calls, cast):
    address = log()
    for browser in (as_bo, as_root):
        assert "by-hand" not in page_of_call(browser, calls)
        assert browser.get(address).status_code == 404
        assert browser.post(f"{address}/edit", data=TALKED).status_code == 404
        assert browser.post(f"{address}/delete").status_code == 404
    (real,) = keep(outbound(cast.ada.id))
    assert "by-hand" not in as_ada.get(f"/calls/{real}").text
    assert len(calls()) == 2


def page_of_call(browser, calls) -> str:
    return browser.get(f"/calls/{calls()[0].public_id}").text


def test_without_the_right_to_see_contacts_none_is_offered_or_taken(app, as_ada, calls):
    with app.app_context():
        person_id = contact("Priya Raman", numbers=(PRIYA,)).id
        db.session.scalars(sa.select(Role).where(Role.name == "agent")).one().permissions = [Can.VIEW_CALLS]
        db.session.commit()
    assert "Somebody else" not in as_ada.get(CREATE).text
    assert "Priya" not in as_ada.get(f"{CREATE}?q=priya", headers=PARTIAL).text
    assert as_ada.get(f"{CREATE}?contact={person_id}").status_code == 404
    assert as_ada.post(CREATE, data=TALKED | {"person": str(person_id)}).status_code == 404
    address = as_ada.post(CREATE, data=TALKED).headers["Location"]
    assert as_ada.post(f"{address}/edit", data=TALKED | {"person": str(calls()[0].person_id)}).status_code == 303
    assert calls()[0].person_id == person_id


def test_who_may_not_see_calls_logs_none(as_mallory):
    assert as_mallory.get(CREATE).status_code == 404
    assert as_mallory.post(CREATE, data=TALKED).status_code == 403
