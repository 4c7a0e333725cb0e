"""Who sees which recordings, what each row says, and what the filters find."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Person, PhoneNumber
from voipcrm.core.db import db
from voipcrm.recordings.models import Recording

from .facts import NOON, sid

LIST = "/admin/voip/recordings"
PART = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def keep(provided, cast):
    """Write a recording with its call; returns nothing that needs a session."""

    def write(number=1, *, who="ada", state="archived", call=None, **more):
        values = {
            "direction": "inbound",
            "state": "ended",
            "outcome": "answered",
            "started_at": NOON + timedelta(minutes=number),
            "user_id": getattr(cast, who).id,
            "line_id": cast.sales_id,
            "peer_number": f"+1312555{number:04}",
            "recording": "on",
        } | (call or {})
        row = {"channels": 2, "duration_seconds": 378, "started_at": values["started_at"], "path": "x.wav"} | more
        with provided.app_context():
            one = Call(public_id=f"call{number}", root_sid=sid(number, "CA"), **values)
            db.session.add(Recording(sid=sid(number), call=one, state=state, **row))
            db.session.commit()

    return write


def shown(page) -> list[int]:
    """Numbers of the recordings on a page, as they stand."""
    return [int(found, 16) for found in re.findall(r'<tbody id="recording-RE0*([0-9a-f]+)"', page.text)]


def test_the_newest_stand_first_and_each_sees_those_of_the_calls_they_may_see(keep, as_ada, as_bo, as_root):
    keep(1, who="ada")
    keep(2, who="bo")
    keep(3, who="root")
    assert shown(as_ada.get(LIST)) == [1]
    assert shown(as_bo.get(LIST)) == [2, 1]  # his team
    assert shown(as_root.get(LIST)) == [3, 2, 1]


def test_what_one_may_not_see_is_not_there(keep, as_ada):
    keep(2, who="bo", state="failed")
    for path in ("", "/audio", "/delete"):
        assert as_ada.get(f"{LIST}/{sid(2)}{path}").status_code == 404
    assert as_ada.post(f"{LIST}/{sid(2)}/plays").status_code == 404
    assert as_ada.get(f"{LIST}/of-call/call2").status_code == 404
    assert as_ada.post(f"{LIST}/{sid(2)}/retry").status_code == 404


@pytest.mark.parametrize("path", ["", f"/{sid(1)}", f"/{sid(1)}/audio", f"/{sid(1)}/download"])
def test_an_outsider_sees_nothing_of_it(keep, as_mallory, path):
    keep(1)
    assert as_mallory.get(LIST + path).status_code == 404


def test_an_agent_may_listen_but_not_take_it_home(keep, as_ada):
    keep(1)
    page = as_ada.get(LIST)
    assert "/plays" in page.text
    assert "/download" not in page.text
    assert as_ada.get(f"{LIST}/{sid(1)}/download").status_code == 404


def test_one_without_a_known_call_is_shown_to_those_who_see_every_call(provided, as_root, as_bo):
    with provided.app_context():
        db.session.add(Recording(sid=sid(1), state="failed", error="Broken."))
        db.session.commit()
    assert shown(as_root.get(LIST)) == [1]
    assert "Unknown call" in as_root.get(LIST).text
    assert shown(as_bo.get(LIST)) == []


WORDS = {
    "recording": "Recording",
    "pending": "Processing",
    "failed": "Not saved",
    "absent": "Not recorded",
    "deleted": "Deleted",
    "expired": "Expired",
}


@pytest.mark.parametrize("state", WORDS)
def test_each_state_is_told_in_words_and_without_a_player(keep, as_ada, state):
    keep(1, state=state, error="The reason.")
    page = as_ada.get(f"{LIST}/{sid(1)}", headers=PART).text
    assert f"{WORDS[state]}</span>" in page
    assert "/plays" not in page
    assert ("The reason." in page) == (state in {"failed", "absent", "deleted", "expired"})


def test_what_waits_asks_for_itself_and_what_is_settled_does_not(keep, as_ada):
    for number, state in enumerate(["recording", "pending", "archived", "failed"], 1):
        keep(number, state=state)
    polled = [number for number in range(1, 5) if "every 4s" in as_ada.get(f"{LIST}/{sid(number)}").text]
    assert polled == [1, 2]


def test_after_some_tries_the_reason_for_waiting_is_told(keep, as_ada):
    keep(1, state="pending", error="The storage is nearly full.", tries=5)
    page = as_ada.get(f"{LIST}/{sid(1)}").text
    assert "The storage is nearly full." in page
    assert "every 20s" in page


def test_a_failed_one_can_be_tried_again(keep, provided, as_ada):
    keep(1, state="failed", error="Broken.", tries=9)
    answer = as_ada.post(f"{LIST}/{sid(1)}/retry", headers={"HX-Request": "true"})
    assert "Processing" in answer.text
    with provided.app_context():
        row = db.session.scalars(sa.select(Recording)).one()
        assert (row.state, row.tries, row.error, row.is_owed) == ("pending", 0, None, True)


def test_without_a_script_trying_again_leads_back_to_the_list(keep, as_ada):
    keep(1, state="failed")
    answer = as_ada.post(f"{LIST}/{sid(1)}/retry")
    assert (answer.status_code, answer.location) == (303, LIST)


@pytest.mark.parametrize("state", ["archived", "pending", "absent", "deleted"])
def test_what_did_not_fail_is_not_tried_again(keep, provided, as_ada, state):
    keep(1, state=state)
    as_ada.post(f"{LIST}/{sid(1)}/retry")
    with provided.app_context():
        assert db.session.scalars(sa.select(Recording.state)).all() == [state]


def test_the_list_alone_is_what_a_filter_asks_for(keep, as_ada):
    keep(1)
    part = as_ada.get(LIST, headers=PART)
    assert shown(part) == [1]
    assert "<html" not in part.text


def test_pages_go_on_where_the_last_one_ended(keep, as_ada):
    for number in range(1, 56):
        keep(number)
    first = as_ada.get(LIST)
    assert shown(first) == list(range(55, 5, -1))
    older = re.search(r'rel="next" href="([^"]+)"', first.text).group(1).replace("&amp;", "&")
    assert shown(as_ada.get(older)) == [5, 4, 3, 2, 1]


@pytest.fixture
def three(keep, provided, cast):
    """Ada talked with Priya on the 23rd, Bo called a number on the 24th, Root called Ada on the 25th."""
    keep(1)
    outbound = {"direction": "outbound", "line_id": cast.support_id, "started_at": NOON + timedelta(days=1)}
    keep(2, who="bo", call=outbound, state="failed", duration_seconds=90)
    internal = {"direction": "internal", "line_id": None, "peer_number": None, "other_user_id": cast.ada.id}
    keep(3, who="root", call=internal | {"started_at": NOON + timedelta(days=2)})
    with provided.app_context():
        priya = Person(name="Priya Raman", numbers=[PhoneNumber(number="+13125550001")])
        db.session.add(priya)
        db.session.flush()
        db.session.execute(sa.update(Call).where(Call.public_id == "call1").values(person_id=priya.id))
        db.session.commit()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=raman", [1]),
        ("q=priya%20raman", [1]),
        ("q=%2B1 312 555 0002", [2]),
        ("q=(312) 555", [2, 1]),
        ("q=nobody", []),
        ("q=%25", []),
        ("from=2026-11-24", [3, 2]),
        ("to=2026-11-24", [2, 1]),
        ("from=2026-11-24&to=2026-11-24", [2]),
        ("line={sales}", [1]),
        ("person={ada}", [3, 1]),
        ("person={bo}", [2]),
        ("direction=internal", [3]),
        ("direction=outbound&state=failed", [2]),
        ("direction=outbound&state=archived", []),
        ("state=archived", [3, 1]),
        ("number=312 555", [2, 1]),
        ("number=%2B13125550002", [2]),
        ("number=312&q=priya", [1]),
        ("min=6:18", [3, 1]),
        ("min=6:19", []),
        ("max=90s", [2]),
        ("max=1,5", [2]),
        ("min=0:01:30&max=1:30", [2]),
        ("min=1:31&direction=outbound", []),
        ("min=soon&max=-1&number=12", [3, 2, 1]),
        # What makes no sense counts as not asked.
        ("from=yesterday&to=9999-99-99&line=x&person=-1&direction=up&state=best&page=%21", [3, 2, 1]),
        ("from=0001-01-01&to=9999-12-31&person=99999999999999999999", [3, 2, 1]),
    ],
)
def test_filters_find(three, as_root, cast, asked, found):
    query = asked.format(sales=cast.sales_id, ada=cast.ada.id, bo=cast.bo.id)
    assert shown(as_root.get(f"{LIST}?{query}")) == found


def test_days_are_those_of_the_viewer(three, provided, as_root, cast):
    with provided.app_context():
        db.session.get(User, cast.root.id).time_zone = "Pacific/Auckland"  # noon in London is one in the night there
        db.session.commit()
    assert shown(as_root.get(f"{LIST}?from=2026-11-24&to=2026-11-24")) == [1]


def test_an_empty_list_says_why(provided, as_ada):
    assert "No recordings yet" in as_ada.get(LIST).text
    page = as_ada.get(f"{LIST}?q=raman").text
    assert "No recording matches" in page
    assert 'value="raman"' in page


def test_a_full_disk_is_said_on_the_page(provided, as_ada, monkeypatch):
    monkeypatch.setattr(type(provided.extensions["storage"]), "free_bytes", lambda _self: 5 * 1024**2)
    assert "storage is nearly full" in as_ada.get(LIST).text


def test_the_player_draws_the_agent_above_and_carries_position_and_speed(keep, as_ada):
    keep(1, peaks=[[10] * 600, [100] * 600])  # inbound: the parent leg, first channel, is the caller
    page = as_ada.post(f"{LIST}/{sid(1)}/plays", headers=PART).text
    assert '<path id="wave-' in page
    assert re.search(r' d="M0 0\.4h[\d.]+v22\.1h', page)
    assert 'type="range"' in page
    assert 'aria-valuetext="0:00 of 6:18"' in page
    assert "Pause recording, (312) 555-0001" in page


def test_what_cannot_be_played_opens_no_player(keep, as_ada):
    keep(1, state="pending")
    assert "<recording-player" not in as_ada.post(f"{LIST}/{sid(1)}/plays", headers=PART).text


def test_a_calls_page_gets_its_recordings_in_short(keep, as_ada):
    keep(1)
    page = as_ada.get(f"{LIST}/of-call/call1").text
    assert f"{sid(1)}/plays?in=call" in page
    assert "Sales line" not in page
    assert 'colspan="3"' in as_ada.post(f"{LIST}/{sid(1)}/plays?in=call", headers=PART).text


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"recording": "off"}, "turned off for this line"),
        ({"state": "in-progress"}, "starts when the call is answered"),
        ({}, "has not been reported yet"),
    ],
)
def test_a_call_without_a_recording_says_why(keep, provided, as_ada, call, words):
    keep(1, call=call)
    with provided.app_context():
        db.session.execute(sa.delete(Recording))
        db.session.commit()
    assert words in as_ada.get(f"{LIST}/of-call/call1").text


def test_a_long_list_costs_as_many_statements_as_a_short_one(keep, provided, as_ada):
    def statements() -> int:
        count = 0

        def one(*_args):
            nonlocal count
            count += 1

        with provided.app_context():
            engine = db.engine
        sa.event.listen(engine, "before_cursor_execute", one)
        try:
            as_ada.get(LIST)
        finally:
            sa.event.remove(engine, "before_cursor_execute", one)
        return count

    keep(1)
    few = statements()
    for number in range(2, 30):
        keep(number)
    assert statements() == few
    assert few <= 5
