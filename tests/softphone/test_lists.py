"""The lists in the dock: colleagues, contacts, and one's own last calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from contacts.people import contact

from voipcrm.accounts.models import PRESENCE_EXPIRES, Presence, Role, User
from voipcrm.calls.models import Call, Leg
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.softphone import lists

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def ada(context, cast):
    return db.session.get_one(User, cast.ada.id)


def presence(user_id: int, state: str, *, ago: timedelta = timedelta()) -> None:
    db.session.merge(Presence(user_id=user_id, state=state, seen_at=clock.now() - ago))
    db.session.commit()


def placed(minutes_ago: int, *, rang: int | None = None, **columns: object) -> Call:
    """An ended call that began so long ago; `rang` is the user whose browser rang."""
    known = {"direction": "outbound", "state": "ended", "outcome": "answered", "peer_number": "+14155550142"}
    call = Call(**(known | columns), started_at=clock.now() - timedelta(minutes=minutes_ago))
    if rang is not None:
        call.legs.append(Leg(sid=f"CA{minutes_ago}", user_id=rang))
    db.session.add(call)
    db.session.commit()
    return call


def test_colleagues_who_take_calls_are_listed_with_those_at_the_phone_first(ada, cast):
    presence(cast.root.id, "available")
    presence(cast.bo.id, "busy")
    assert [(one.name, one.presence) for one in lists.colleagues(ada, "")] == [
        ("Root Admin", "available"),
        ("Bo Becker", "busy"),
    ]  # not Ada herself, and not Mallory, who takes no calls


@pytest.mark.parametrize(
    ("state", "ago", "shown"),
    [
        ("available", timedelta(), "available"),
        ("away", timedelta(), "away"),
        ("available", PRESENCE_EXPIRES + timedelta(seconds=1), "offline"),
        ("offline", timedelta(), "offline"),
    ],
)
def test_presence_is_worth_as_much_as_its_last_heartbeat(ada, cast, state, ago, shown):
    presence(cast.bo.id, state, ago=ago)
    assert {one.name: one.presence for one in lists.colleagues(ada, "")} == {
        "Bo Becker": shown,
        "Root Admin": "offline",
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [("bo", ["Bo Becker"]), ("BECK", ["Bo Becker"]), ("root@", ["Root Admin"]), ("zz", []), ("415", [])],
)
def test_colleagues_are_found_as_contacts_are(ada, query, names):
    assert [one.name for one in lists.colleagues(ada, query)] == names


def test_whoever_left_is_no_colleague(ada, cast):
    bo = db.session.get_one(User, cast.bo.id)
    bo.deactivated_at = clock.now()
    db.session.commit()
    assert [one.name for one in lists.colleagues(ada, "")] == ["Root Admin"]


def test_contacts_have_a_row_for_each_number_and_none_without(ada):
    priya = contact("Priya Raman", "Acme", numbers=("+14155550142", "+4930901820"))
    priya.numbers[1].label = "mobile"
    contact("Jonas Weber", "Weber AG", numbers=("+442079460958",))
    contact("No Number", "Acme")
    rows = [(one.name, one.number, one.detail, one.contact_id == priya.id) for one in lists.contacts(ada, "")]
    assert rows == [
        ("Jonas Weber", "+442079460958", "+44 20 7946 0958 · Weber AG", False),
        ("Priya Raman", "+14155550142", "(415) 555-0142", True),
        ("Priya Raman", "+4930901820", "+49 30 901820 · Mobile", True),
    ]
    assert [one.name for one in lists.contacts(ada, "acme 0142")] == ["Priya Raman"] * 2


def test_without_the_right_to_see_contacts_only_colleagues_are_listed(app, ada, cast):
    contact("Priya Raman", numbers=("+14155550142",))
    role = Role(name="caller", permissions=["voip.calls.make"])
    mallory = db.session.get_one(User, cast.mallory.id)
    mallory.roles.append(role)
    db.session.commit()
    page = app.test_client().sign_in(cast.mallory).get("/phone/contacts", headers=PARTIAL)
    assert (page.status_code, "Priya" in page.text, "Bo Becker" in page.text) == (200, False, True)


def test_rows_carry_what_the_phone_needs_to_dial(as_ada, ada, cast):
    priya = contact("Priya Raman", numbers=("+14155550142",))
    page = as_ada.get("/phone/contacts", headers=PARTIAL).text
    assert f'data-user="{cast.bo.id}" data-name="Bo Becker"' in page
    assert f'data-call="+14155550142" data-contact="{priya.id}" data-name="Priya Raman"' in page
    assert "<html" not in page


def test_recent_calls_are_ones_own_newest_first(ada, cast):
    priya = contact("Priya Raman", numbers=("+14155550142",))
    placed(1, user_id=cast.ada.id, person_id=priya.id)
    placed(2, user_id=cast.bo.id)
    placed(3, direction="inbound", user_id=cast.ada.id, peer_number="+442079460958")
    placed(4, direction="inbound", outcome="missed", rang=cast.ada.id, peer_number=None, peer_text="Anonymous")
    placed(5, direction="inbound", outcome="missed", rang=cast.bo.id)
    placed(6, direction="inbound", outcome="answered", user_id=cast.bo.id, rang=cast.ada.id)
    placed(7, direction="internal", user_id=cast.bo.id, other_user_id=cast.ada.id, peer_number=None)
    placed(8, direction="internal", user_id=cast.ada.id, other_user_id=cast.bo.id, peer_number=None, outcome="busy")
    placed(9, user_id=cast.ada.id, state="in-progress", outcome=None)
    rows = [(one.name, one.number, one.user_id, one.direction, one.outcome) for one in lists.recent_calls(ada)]
    assert rows == [
        ("Priya Raman", "+14155550142", None, "outbound", "answered"),
        ("", "+442079460958", None, "inbound", "answered"),
        ("", None, None, "inbound", "missed"),
        ("Bo Becker", None, cast.bo.id, "inbound", "answered"),
        ("Bo Becker", None, cast.bo.id, "outbound", "busy"),
    ]


def test_only_the_newest_calls_are_listed(ada, cast):
    for minutes in range(lists.MOST_CALLS + 3, 0, -1):
        placed(minutes, user_id=cast.ada.id, peer_number=f"+1415555{minutes:04}")
    numbers = [one.number for one in lists.recent_calls(ada)]
    assert numbers == [f"+1415555{minutes:04}" for minutes in range(1, lists.MOST_CALLS + 1)]


def test_recent_rows_call_back(as_ada, ada, cast):
    placed(1, user_id=cast.ada.id)
    placed(2, direction="internal", user_id=cast.bo.id, other_user_id=cast.ada.id, peer_number=None)
    placed(3, direction="inbound", outcome="missed", rang=cast.ada.id, peer_number=None)
    page = as_ada.get("/phone/recent", headers=PARTIAL).text
    assert page.count("<li") == 3
    assert page.count("data-call=") == 1
    assert 'data-call="+14155550142"' in page
    assert f'data-user="{cast.bo.id}"' in page
    assert "Unknown caller" in page


def test_the_lists_cost_the_same_however_long_they_are(app, as_ada, cast):
    with app.app_context():
        engine = db.engine
        for at in range(30):
            contact(f"Ann {at}", numbers=(f"+1415555{at:04}", f"+1415556{at:04}"))
            placed(at + 1, user_id=cast.ada.id)
    for address, most in (("/phone/contacts", 5), ("/phone/contacts?q=ann", 5), ("/phone/recent", 2)):
        seen: list[str] = []

        def note(_connection, _cursor, statement, *_rest, seen=seen):
            seen.append(statement)

        sa.event.listen(engine, "before_cursor_execute", note)
        as_ada.get(address, headers=PARTIAL)
        sa.event.remove(engine, "before_cursor_execute", note)
        assert sum(one.startswith("SELECT") for one in seen) == most, address
