"""The inbox of missed calls: who waits, whose it is, and how an item comes to be done."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.accounts.models import User
from voipcrm.calls import missed
from voipcrm.calls.missed import MissedCall
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Person
from voipcrm.core.db import db

from .call_rows import NOON, PRIYA, after, inbound, note_missed, outbound

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
MINUTE = 60


@pytest.fixture
def at_one(cast):
    """It is 13:00; calls are of noon unless they say otherwise."""
    with time_machine.travel(after(3600), tick=False):
        yield


@pytest.fixture
def keep(app, at_one):
    def write(*calls: Call) -> None:
        """As the ledger would, one after the other."""
        with app.app_context():
            for call in calls:
                db.session.add(call)
                db.session.commit()
                note_missed(call)

    return write


@pytest.fixture
def waiting(app):
    def read(person, whose=None) -> list[tuple[str, int]]:
        """(number, times) of the items that this person sees."""
        with app.app_context():
            query = missed.waiting(MissedCall.visible_to(db.session.get_one(User, person.id), whose))
            found = db.session.scalars(query.order_by(MissedCall.latest_at.desc(), MissedCall.id))
            return [(one.number, one.times) for one in found]

    return read


def item_id(app) -> int:
    with app.app_context():
        return db.session.scalars(sa.select(MissedCall.id)).one()


def test_a_missed_call_waits_until_its_number_is_reached_or_gets_through(keep, waiting, cast):
    ada = cast.ada.id
    keep(
        inbound(rung=[ada], outcome="missed", number="+13125550101"),
        inbound(rung=[ada], outcome="abandoned", number="+13125550102"),
        outbound(cast.bo.id, number="+13125550102", at=after(MINUTE)),
        inbound(rung=[ada], outcome="missed", number="+13125550103"),
        inbound(rung=[ada], by=ada, number="+13125550103", at=after(MINUTE)),
        outbound(ada, number="+13125550104", at=after(-MINUTE)),
        inbound(rung=[ada], outcome="missed", number="+13125550104", at=after(1)),
        inbound(rung=[ada], outcome="missed", number=None),
    )
    assert waiting(cast.ada) == [("+13125550104", 1), ("+13125550101", 1)]


@pytest.mark.parametrize("outcome", ["no-answer", "busy", "canceled"])
def test_a_call_back_that_reaches_nobody_returns_nothing(keep, waiting, cast, outcome):
    keep(inbound(rung=[cast.ada.id], outcome="missed"), outbound(cast.ada.id, outcome=outcome, at=after(MINUTE)))
    assert waiting(cast.ada) == [(PRIYA, 1)]


def test_who_tries_again_stands_once_and_word_that_comes_twice_counts_once(keep, waiting, app, cast):
    calls = [inbound(rung=[cast.ada.id], outcome="missed", at=after(MINUTE * n)) for n in range(3)]
    keep(*calls)
    with app.app_context():
        note_missed(*db.session.scalars(sa.select(Call)))
    assert waiting(cast.ada) == [(PRIYA, 3)]


def test_of_who_tries_again_the_page_says_how_often_in_what_time_and_of_others_not(keep, as_ada, cast):
    keep(*(inbound(rung=[cast.ada.id], outcome="missed", at=after(MINUTE * n)) for n in (-100, 10)))
    keep(inbound(rung=[cast.ada.id], outcome="missed", number="+13125550102"))
    again, once = re.findall(r'<span class="missed__marks">.*?</span></td>', as_ada.get("/calls/missed").text)
    words = re.sub(r"<[^>]+>", "", again)
    assert words == "2 times in 1 h waits 50 min"
    assert "times" not in once


def test_a_missed_call_waits_for_those_it_was_meant_for_and_not_for_ever(keep, waiting, cast):
    keep(
        inbound(rung=[cast.bo.id], outcome="missed"),
        inbound(rung=[cast.ada.id], outcome="missed", number="+13125550109", at=NOON - timedelta(days=15)),
    )
    assert waiting(cast.ada) == []
    assert waiting(cast.bo, "mine") == [(PRIYA, 1)]
    assert waiting(cast.root) == [(PRIYA, 1)]
    assert waiting(cast.root, "mine") == []


def test_of_one_person_s_line_it_is_theirs_and_of_a_group_s_nobody_s_until_taken(keep, waiting, app, as_bo, cast):
    keep(inbound(rung=[cast.ada.id], outcome="missed"))
    with app.app_context():
        assert db.session.scalars(sa.select(MissedCall.owner_id)).one() == cast.ada.id
    keep(inbound(rung=[cast.ada.id, cast.bo.id], outcome="missed", number="+13125550102"))
    assert waiting(cast.ada) == [(PRIYA, 1), ("+13125550102", 1)]
    with app.app_context():
        shared = db.session.scalars(sa.select(MissedCall.id).where(MissedCall.owner_id.is_(None))).one()
    assert as_bo.post(f"/calls/missed/{shared}/owner", data={"owner": cast.bo.id}).status_code == 303
    assert waiting(cast.ada) == [(PRIYA, 1)], "what a colleague took is theirs"
    assert waiting(cast.bo, "mine") == [("+13125550102", 1)]
    assert "Bo Becker" in as_bo.get("/calls/missed?whose=mine").text


def test_whoever_is_given_a_call_sees_it(keep, waiting, app, as_root, as_ada, cast):
    keep(inbound(rung=[cast.bo.id], outcome="missed"))
    with app.app_context():
        public_id = db.session.scalars(sa.select(Call.public_id)).one()
    assert as_ada.get(f"/calls/{public_id}").status_code == 404
    given = as_root.post(f"/calls/missed/{item_id(app)}/owner", data={"owner": cast.ada.id}, headers=PARTIAL)
    assert "is now for Ada Ortiz to call back" in given.text
    assert given.headers["HX-Trigger"] == "voipcrm:missed-changed"
    assert waiting(cast.ada) == [(PRIYA, 1)]
    assert as_ada.get(f"/calls/{public_id}").status_code == 200


def test_an_agent_takes_and_gives_back_but_gives_to_nobody_else(keep, app, as_ada, cast):
    keep(inbound(rung=[cast.ada.id, cast.bo.id], outcome="missed"))
    address = f"/calls/missed/{item_id(app)}/owner"
    assert "Take" in as_ada.get("/calls/missed").text
    assert as_ada.post(address, data={"owner": cast.bo.id}).status_code == 422
    assert "Give back" in as_ada.post(address, data={"owner": cast.ada.id}, headers=PARTIAL).text
    assert "Take" in as_ada.post(address, data={"owner": 0}, headers=PARTIAL).text


def test_done_by_hand_can_be_undone(keep, waiting, app, as_ada, cast):
    keep(inbound(rung=[cast.ada.id], outcome="missed", person=Person(name="Priya Raman")))
    one = item_id(app)
    done = as_ada.post(f"/calls/missed/{one}/done", headers=PARTIAL)
    assert "Priya Raman is done." in done.text
    assert "Nobody is waiting" in done.text
    assert waiting(cast.ada) == []
    assert f'action="/calls/missed/{one}/reopen"' in done.text
    assert "Marked done by Ada Ortiz" in as_ada.get("/calls/missed?show=done").text
    as_ada.post(f"/calls/missed/{one}/reopen", headers=PARTIAL)
    assert waiting(cast.ada) == [(PRIYA, 1)]


def test_a_number_waits_once_even_if_an_older_item_is_opened_again(keep, waiting, app, as_ada, cast):
    keep(inbound(rung=[cast.ada.id], outcome="missed"))
    first = item_id(app)
    as_ada.post(f"/calls/missed/{first}/done")
    keep(inbound(rung=[cast.ada.id], outcome="missed", at=after(MINUTE)))
    answer = as_ada.post(f"/calls/missed/{first}/reopen", headers=PARTIAL)
    assert "is in the list already" in answer.text
    assert waiting(cast.ada) == [(PRIYA, 1)]


def test_the_sweep_writes_down_who_returned_it_and_lets_old_ones_lapse(keep, app, as_ada, cast):
    old, through = "+13125550105", "+13125550106"
    keep(
        inbound(rung=[cast.ada.id], outcome="missed"),
        outbound(cast.bo.id, at=after(MINUTE)),
        inbound(rung=[cast.ada.id], outcome="missed", number=through),
        inbound(rung=[cast.ada.id], by=cast.ada.id, number=through, at=after(MINUTE)),
        inbound(rung=[cast.ada.id], outcome="missed", number=old, at=NOON - timedelta(days=15)),
        inbound(rung=[cast.ada.id], outcome="missed", number="+13125550107"),
    )
    with app.app_context():
        missed.note_returned()
        missed.note_returned()
        rows = {one.number: (one.done_how, one.done_by_id) for one in db.session.scalars(sa.select(MissedCall))}
    assert rows == {
        PRIYA: ("called-back", cast.bo.id),
        through: ("got-through", cast.ada.id),
        old: ("lapsed", None),
        "+13125550107": (None, None),
    }
    done = as_ada.get("/calls/missed?show=done").text
    assert "Called back by Bo Becker" in done
    assert "Called again, Ada Ortiz answered" in done


def test_what_one_may_not_see_is_not_there(keep, app, as_ada, as_mallory, cast):
    keep(inbound(rung=[cast.bo.id], outcome="missed"))
    for deed in ("done", "reopen", "owner"):
        assert as_ada.post(f"/calls/missed/{item_id(app)}/{deed}").status_code == 404
    assert as_mallory.get("/calls/missed").status_code == 404
    assert PRIYA not in as_ada.get("/calls/missed?whose=all").text


def test_the_navigation_says_how_many_wait(keep, as_ada, as_root, cast):
    assert as_ada.get("/calls/missed/count", headers=PARTIAL).text.strip() == ""
    keep(*(inbound(rung=[cast.ada.id], outcome="missed", number=f"+1312555{n:04}") for n in range(3)))
    assert "3" in re.sub(r"<[^>]+>", "", as_ada.get("/calls/missed/count", headers=PARTIAL).text)
    assert 'hx-get="/calls/missed/count"' in as_root.get("/").text
    assert as_ada.get("/calls/missed/count").location == "/calls/missed"


def test_the_page_pages_and_names_its_numbers(keep, as_ada, cast):
    keep(*(inbound(rung=[cast.ada.id], outcome="missed", number=f"+1312555{n:04}", at=after(n)) for n in range(60)))
    first = as_ada.get("/calls/missed")
    assert len(re.findall(r'id="missed-\d+"', first.text)) == 50
    older = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert older
    assert len(re.findall(r'id="missed-\d+"', as_ada.get(older[1].replace("&amp;", "&")).text)) == 10
