"""What an admin decided reaches every process, and costs a provider's request nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from voipcrm import create_app
from voipcrm.config import Settings
from voipcrm.core import house as rooms
from voipcrm.core.db import db
from voipcrm.core.house import HouseSettings, house


@pytest.fixture
def other_process(app, environment, monkeypatch):
    """The same house as another process knows it."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    other = create_app(Settings.from_environ())
    yield other
    with other.app_context():
        db.engine.dispose()


@pytest.fixture
def looks(monkeypatch):
    """How often any process read the row."""
    seen = []
    read = rooms._ROW.first
    monkeypatch.setattr(rooms._ROW, "first", lambda *given: seen.append(1) or read(*given))
    return seen


@pytest.fixture
def asks_each_time(monkeypatch):
    monkeypatch.setattr(rooms, "LOOK_AGAIN_SECONDS", 0.0)


def name_it(app, name: str) -> None:
    with app.app_context():
        HouseSettings.to_change().brand_name = name
        db.session.commit()
        house.forget()


def test_a_change_reaches_another_process_with_its_next_page(app, cast, other_process, asks_each_time):
    name_it(app, "Northwind")
    assert "Northwind</title>" in other_process.test_client().get("/sign-in").text
    name_it(app, "Southwind")
    assert "Southwind</title>" in other_process.test_client().get("/sign-in").text


def test_pages_in_quick_succession_look_once(app, cast, client, looks):
    for _ in range(5):
        client.get("/sign-in")
    assert len(looks) == 1


def test_an_old_knowledge_is_renewed_before_a_page_is_shown(app, cast, client, looks, monkeypatch):
    client.get("/sign-in")
    seconds = rooms.time.monotonic()
    for later, times in ((rooms.LOOK_AGAIN_SECONDS - 0.5, 1), (rooms.LOOK_AGAIN_SECONDS + 0.5, 2)):
        monkeypatch.setattr(rooms.time, "monotonic", lambda later=later: seconds + later)
        client.get("/sign-in")
        assert len(looks) == times


def test_a_provider_request_is_answered_before_anybody_looks(app, signed_post, looks, asks_each_time):
    with app.app_context():
        assert house.default_country == "US"
    before = len(looks)
    form = {"CallSid": "CA" + "5" * 32, "CallStatus": "ringing"}
    answer = signed_post("/voip/webhook/twilio/status", form)
    assert (answer.status_code, len(looks)) == (204, before)
    answer.close()  # as the server does once everything is sent
    assert len(looks) == before + 1


def test_while_the_database_is_away_what_was_known_holds(app, cast, client, asks_each_time):
    name_it(app, "Northwind")
    assert "Northwind" in client.get("/sign-in").text
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE house_settings RENAME TO away"))
    try:
        assert "Northwind" in client.get("/sign-in").text
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE away RENAME TO house_settings"))
