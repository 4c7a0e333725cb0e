"""Home: what waits for whom, and the set-up list as the house truly stands."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from calls.call_rows import inbound, note_missed, outbound
from calls.test_pages import statements
from cast import SALES
from contacts.people import contact
from redis import Redis
from rq import Worker
from trunks.made import trunk
from voicemail.conftest import leave, mailbox, provider

from admin.test_numbers import Account, account
from voipcrm.accounts.models import Role, User
from voipcrm.accounts.permissions import Can
from voipcrm.admin import setting_up, wiring
from voipcrm.calls.callbacks import callback
from voipcrm.contacts.notes import Task
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.queue import SCHEDULER_HERE
from voipcrm.core.storage import storage
from voipcrm.routes.models import InboundRoute
from voipcrm.telephony.errors import ProviderUnreachable
from voipcrm.trunks.models import Line
from voipcrm.voicemail.models import Voicemail

__all__ = ["account", "leave", "mailbox", "provider"]

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


def figures(page) -> dict[str, tuple[str, str]]:
    """The value and address of each number, by its words."""
    found = re.findall(r'<dt[^>]*>([^<]*)</dt><dd[^>]*><a href="([^"]*)">([^<]*)</a>', page.text)
    return {words: (value, href.replace("&amp;", "&")) for words, href, value in found}


def rows(client, href: str) -> int:
    """How many rows stand behind a number."""
    page = client.get(href).text
    return len(re.findall(r'id="my-task-|<tbody id=[^>]*data-state="', page))


@pytest.mark.parametrize(
    ("time_zone", "due"), [("Pacific/Honolulu", 1), ("Europe/Berlin", 2), ("Pacific/Kiritimati", 3)]
)
def test_tasks_are_due_by_the_viewers_day_and_the_number_leads_to_them(app, cast, time_zone, due):
    with app.app_context():
        db.session.get_one(User, cast.ada.id).time_zone = time_zone
        person = contact("Priya Raman")
        for day, owner in ((23, cast.ada), (24, cast.ada), (25, cast.ada), (26, cast.ada), (23, cast.bo)):
            due_on = datetime(2025, 11, day, tzinfo=UTC).date()
            db.session.add(Task(person_id=person.id, owner_id=owner.id, title=f"By the {day}th", due_on=due_on))
        db.session.commit()
    # 10:01 UTC of the 24th is still the 24th in Berlin, already the 25th on Kiritimati; Honolulu's 24th began at 10:00.
    hour, minute = (9, 59) if time_zone == "Pacific/Honolulu" else (10, 1)
    with time_machine.travel(datetime(2025, 11, 24, hour, minute, tzinfo=UTC), tick=False):
        as_ada = app.test_client().sign_in(cast.ada)
        value, href = figures(as_ada.get("/waiting", headers=PARTIAL))["Tasks due by today"]
        assert (value, rows(as_ada, href)) == (str(due), due)
        assert rows(as_ada, "/contacts/tasks") == 4


def test_a_task_done_among_those_due_leaves_that_list_and_says_so(as_ada, app, cast):
    with app.app_context():
        person = contact("Priya Raman")
        days = (datetime.now(UTC).date() + timedelta(days=more) for more in (-2, 9))
        tasks = [Task(person_id=person.id, owner_id=cast.ada.id, title="Ask", due_on=day) for day in days]
        db.session.add_all(tasks)
        db.session.commit()
        task_id = tasks[0].id
    part = as_ada.get("/contacts/tasks?due=yes", headers=PARTIAL).text
    action = re.findall(r'hx-post="([^"]+)"', part)
    assert len(action) == 1
    answer = as_ada.post(action[0].replace("&amp;", "&"), headers=PARTIAL)
    assert f"/tasks/{task_id}/done" in action[0]
    assert "Nothing is due" in answer.text
    assert answer.headers["HX-Trigger"] == "voipcrm:tasks-changed"
    assert rows(as_ada, "/contacts/tasks") == 1


def test_new_voicemail_is_counted_and_the_number_leads_to_it(as_ada, as_bo, app, mailbox, leave):
    mailbox("ada")
    for number in (1, 2, 3):
        leave(number)
    with app.app_context():
        heard, done, _ = db.session.scalars(sa.select(Voicemail).order_by(Voicemail.id))
        heard.hear(db.session.get_one(User, heard.mailbox.user_id))
        done.done_at = heard.heard_at
        db.session.commit()
    value, href = figures(as_ada.get("/waiting", headers=PARTIAL))["New voicemail"]
    assert (value, rows(as_ada, href), rows(as_ada, "/voicemail")) == ("1", 1, 2)
    value, href = figures(as_bo.get("/waiting", headers=PARTIAL))["New voicemail"]
    assert (value, rows(as_bo, href)) == ("0", 0)
    assert "No new messages" in as_bo.get(href).text


def test_missed_calls_to_return_are_counted_and_the_number_leads_to_them(as_ada, as_bo, app, cast):
    calls = [inbound(rung=[cast.ada.id], outcome="missed", number=f"+1312555010{n}", at=clock.now()) for n in (1, 2)]
    with app.app_context():
        db.session.add_all(calls)
        db.session.commit()
        note_missed(*calls)
    for browser, count in ((as_ada, 2), (as_bo, 2)):  # Bo sees the team's
        value, href = figures(browser.get("/waiting", headers=PARTIAL))["Missed calls to return"]
        assert (value, len(re.findall(r'id="missed-\d+"', browser.get(href).text))) == (str(count), count)
    with app.app_context():
        db.session.add(outbound(cast.ada.id, number="+13125550101", at=clock.now()))
        db.session.commit()
    assert figures(as_ada.get("/waiting", headers=PARTIAL))["Missed calls to return"][0] == "1"


def test_nobody_sees_a_number_whose_rows_they_may_not_open(app, as_ada, as_mallory):
    calls, contacts = {"Missed calls to return", "New voicemail"}, {"Tasks due by today"}
    assert set(figures(as_ada.get("/waiting", headers=PARTIAL))) == calls | contacts
    for held, words in ((Can.VIEW_CALLS, calls), (Can.VIEW_CONTACTS, contacts)):
        with app.app_context():
            db.session.scalars(sa.select(Role).where(Role.name == "agent")).one().permissions = [held]
            db.session.commit()
        assert set(figures(as_ada.get("/waiting", headers=PARTIAL))) == words
    home = as_mallory.get("/").text
    assert "/waiting" not in home
    assert "/set-up" not in home
    assert as_mallory.get("/set-up").status_code == 404


# The set-up list.


@pytest.fixture
def wired(account, app, cast) -> Account:
    """The provider's account, wired wholly for both lines."""
    with app.app_context():
        application = settings.twilio_app_sid
        account.application = {
            "voice_url": callback("voice") + wiring.VOICE,
            "status_url": callback("status") + wiring.REPORT,
        }
        for line in db.session.scalars(sa.select(Line).order_by(Line.id)):
            account.has(line.number, voice_application_sid=application)
            line.provider_sid = account.numbers[line.number]["sid"]
        db.session.commit()
    return account


@pytest.fixture
def state(app, cast):
    """state("Trunks"): (state, text) of a point as Root sees it now."""

    def look(title: str) -> tuple[str, str]:
        with app.test_request_context():
            found = setting_up.points(db.session.get_one(User, cast.root.id))
            return next((one.state, one.text) for one in found if one.title == title)

    return look


def test_the_provider_is_asked_whether_calls_come_here(state, wired):
    assert state("Phone provider")[0] == "good"
    wired.numbers[SALES]["voice_application_sid"] = None
    assert state("Phone provider") == ("warn", "1 thing to wire before all calls come here.")
    wired.is_away = True
    assert state("Phone provider") == ("bad", str(ProviderUnreachable("The phone provider does not answer.").sentence))


def test_numbers_and_routes(state, wired, app):
    assert state("Numbers") == ("good", "2 numbers.")
    assert state("Inbound routes")[0] == "good"
    with app.app_context():
        for route in db.session.scalars(sa.select(InboundRoute).where(InboundRoute.line_id.is_(None))):
            db.session.delete(route)
        db.session.commit()
    assert state("Inbound routes")[0] == "warn"
    assert "1 problem. First: No route takes calls" in state("Inbound routes")[1]
    with app.app_context():
        for route in db.session.scalars(sa.select(InboundRoute)):
            db.session.delete(route)
        db.session.execute(sa.update(Line).values(retired_at=datetime.now(UTC)))
        db.session.commit()
    assert state("Numbers")[0] == state("Inbound routes")[0] == "warn"


def test_people_are_alone_invited_or_there(state, wired, app, cast, as_root):
    assert state("People") == ("good", "4 people can sign in.")
    with app.app_context():
        db.session.add(User(email="new@example.com", name="New One"))
        db.session.commit()
    assert state("People") == ("warn", "1 person was invited and has not chosen a password yet.")
    part = as_root.get("/set-up", headers=PARTIAL).text
    assert 'href="/settings/users?state=invited"' in part
    assert "New One" in as_root.get("/settings/users?state=invited").text
    with app.app_context():
        db.session.execute(sa.delete(User).where(User.email == "new@example.com"))
        db.session.execute(sa.update(User).where(User.id != cast.root.id).values(deactivated_at=datetime.now(UTC)))
        db.session.commit()
    assert state("People") == ("warn", "You are alone here.")


def test_without_routes_the_list_leads_to_the_form_of_the_first(app, wired, as_root):
    with app.app_context():
        for route in db.session.scalars(sa.select(InboundRoute)):
            db.session.delete(route)
        db.session.commit()
    link = re.search(r'href="([^"]*)">\s*Add a route', as_root.get("/set-up").text)
    assert link
    assert "Add route" in as_root.get(link[1]).text
    assert link[1].endswith("/create")


def test_a_trunk_that_failed_its_test_is_named(state, wired, app):
    assert state("Trunks")[0] == "good"
    with app.app_context():
        one, off = trunk("Berlin SIP"), trunk("Old", active=False)
        off.check_good = False
        db.session.commit()
        trunk_id = one.id
    assert state("Trunks") == ("warn", "Not tested yet: Berlin SIP.")
    for good, expected in ((False, "bad"), (True, "good")):
        with app.app_context():
            db.session.execute(
                sa.text("UPDATE trunks SET check_good = :good WHERE id = :id"), {"good": good, "id": trunk_id}
            )
            db.session.commit()
        assert state("Trunks")[0] == expected


def test_a_storage_that_cannot_be_written_is_named(state, wired, app, monkeypatch, tmp_path):
    assert state("Recordings’ storage")[0] == "good"
    (tmp_path / "file").write_text("in the way")
    with app.app_context():
        monkeypatch.setattr(storage(), "folder", tmp_path / "file")
        monkeypatch.setattr(storage(), "_open_store", None)
    found, text = state("Recordings’ storage")
    assert found == "bad"
    assert "RECORDINGS_URL" in text


def test_worker_and_scheduler_are_known_by_their_signs_of_life(state, wired, app, redis_server):
    redis: Redis = app.extensions["bell"].redis
    title = "Worker and scheduler"
    assert state(title) == ("bad", "Recordings, mail and imports wait. Start flask worker and flask scheduler.")
    worker = Worker(["default"], connection=redis)
    worker.register_birth()
    assert state(title) == ("bad", "Recordings, mail and imports wait. Start flask scheduler.")
    redis.set(SCHEDULER_HERE, "here")
    assert state(title) == ("good", "Both are at work.")
    with time_machine.travel(datetime.now(UTC) + setting_up.WORKER_SILENT + timedelta(minutes=1), tick=False):
        assert state(title) == ("bad", "Recordings, mail and imports wait. Start flask worker.")
    redis_server.stop()
    try:
        found, text = state(title)
        assert (found, text[:21]) == ("bad", "Redis does not answer")
    finally:
        redis_server.start()


def test_each_sees_the_points_they_may_mend_and_every_link_opens(app, wired, as_ada, as_root):
    page = as_root.get("/set-up")
    links = set(re.findall(r'<a class="button[^"]*" href="([^"]+)"', page.text))
    assert links == {"/admin/voip/numbers/", "/settings/users", "/admin/voip/routes/", "/admin/voip/trunks/"}
    assert {as_root.get(link).status_code for link in links} == {200}
    assert 'hx-get="/set-up"' in as_root.get("/").text
    assert as_ada.get("/set-up").status_code == 404
    with app.app_context():
        db.session.scalars(sa.select(Role).where(Role.name == "agent")).one().permissions = [Can.ADMIN_TRUNKS]
        db.session.commit()
    assert re.findall(r'set-up__title">([^<]+?) <', as_ada.get("/set-up").text) == ["Trunks"]


def test_the_list_costs_the_same_however_much_there_is(app, wired, as_root):
    few = statements(app, as_root, "/set-up", PARTIAL)
    with app.app_context():
        for at in range(12):
            trunk(f"Trunk {at}")
            db.session.add(User(email=f"{at}@example.com", name=f"New {at}"))
            db.session.add(Line(number=f"+120255502{at:02}", label=f"Line {at}"))
        db.session.commit()
    many = statements(app, as_root, "/set-up", PARTIAL)
    assert len(many) == len(few) <= 16
    assert len([one for one in statements(app, as_root, "/waiting", PARTIAL) if "voicemails" in one]) == 1
