"""Wrap-up: the row that the end of a call leaves, the form in the dock, and what comes of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.accounts.audit import AuditEntry
from voipcrm.accounts.models import Presence
from voipcrm.calls import aftermath, jobs
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.models import Call
from voipcrm.calls.notes import CallNote
from voipcrm.calls.states import CallState
from voipcrm.calls.wrapping_up import WrapUp, WrapUpPolicy
from voipcrm.contacts.models import Person
from voipcrm.contacts.notes import Task
from voipcrm.core.db import db
from voipcrm.routes.deciding import decide
from voipcrm.routes.rules import Question

from .call_rows import after, inbound, internal, outbound

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
ENDED = after(65)  # of the calls of call_rows


@pytest.fixture
def policy(app, cast):
    def set_to(*, is_on: bool = True, limit_seconds: int = 0) -> None:
        with app.app_context():
            row = WrapUpPolicy.present()
            row.is_on, row.limit_seconds = is_on, limit_seconds
            db.session.add(row)
            db.session.commit()

    return set_to


@pytest.fixture
def end(app, cast):
    """end(call): keep it and do what the ledger does at its end; the ids of the wrap-ups there are then."""

    def write(*calls: Call) -> list[int]:
        with app.app_context():
            for call in calls:
                db.session.add(call)
                db.session.commit()
                by = call.user_id if call.direction == "inbound" else None
                state = CallState(state="ended", outcome=call.outcome, ended_at=call.ended_at, answered_by=by)
                aftermath.write(db.session.connection(), call, state)
                db.session.commit()
            return list(db.session.scalars(sa.select(WrapUp.id).order_by(WrapUp.id)))

    return write


@pytest.fixture
def moment():
    """Comes first in a test: who signs in does so at that time, or their cookie would be of the future."""
    with time_machine.travel(ENDED + timedelta(seconds=5), tick=False) as traveller:
        yield traveller


def rows(app, model) -> list:
    with app.app_context():
        found = list(db.session.scalars(sa.select(model).order_by(model.id)))
        db.session.expunge_all()
        return found


def test_an_agent_s_answered_call_leaves_a_wrap_up_and_nothing_else_does(policy, end, app, cast):
    ada, bo = cast.ada.id, cast.bo.id
    policy(limit_seconds=30)
    end(
        inbound(rung=[ada, bo], by=ada),
        outbound(bo),
        outbound(ada, outcome="busy"),
        inbound(rung=[ada], outcome="missed"),
        internal(ada, bo),
        inbound(outcome="answered"),  # sent on to a number outside: nobody of ours talked
    )
    found = rows(app, WrapUp)
    assert [(one.user_id, one.began_at, one.limit_seconds, one.finished_at) for one in found] == [
        (ada, ENDED, 30, None),
        (bo, ENDED, 30, None),
    ]


def test_word_of_the_end_that_comes_twice_leaves_one(policy, end, app, cast):
    policy()
    end(outbound(cast.ada.id))
    with app.app_context():
        call = db.session.scalars(sa.select(Call)).one()
        state = CallState(state="ended", outcome="answered", ended_at=call.ended_at)
        aftermath.write(db.session.connection(), call, state)
        db.session.commit()
    assert len(rows(app, WrapUp)) == 1


@pytest.mark.parametrize("is_on", [None, False])
def test_where_it_is_off_there_is_none(policy, end, cast, is_on):
    if is_on is not None:
        policy(is_on=is_on)
    assert end(outbound(cast.ada.id)) == []


def test_the_form_says_which_call_and_saving_writes_all_three(moment, policy, end, app, as_ada, cast):
    policy()
    with app.app_context():
        db.session.add_all([Disposition(name="Sold", position=1), Disposition(name="Call again", position=0)])
        db.session.commit()
    (one,) = end(outbound(cast.ada.id, person=Person(name="Priya Raman")))
    form = as_ada.get("/phone/wrap-up", headers=PARTIAL).text
    assert form.index("Call again") < form.index("Sold")
    assert "Wrapping up" in form
    assert "Priya Raman" in form
    sold = next(row.id for row in rows(app, Disposition) if row.name == "Sold")
    said = {"disposition_id": sold, "note": "Wants two.", "follow_up": "Send the offer", "due_on": "2026-12-01"}
    saved = as_ada.post(f"/phone/wrap-up/{one}", data=said, headers=PARTIAL)
    assert "Saved." in saved.text
    assert "<form" not in saved.text
    (call,), (note,), (task,), (wrap_up,) = (rows(app, model) for model in (Call, CallNote, Task, WrapUp))
    assert call.disposition_id == sold
    assert (note.text, note.by_id) == ("Wants two.", cast.ada.id)
    assert (task.title, task.due_on, task.owner_id) == ("Send the offer", date(2026, 12, 1), cast.ada.id)
    assert (wrap_up.finished_by, wrap_up.task_id) == ("saved", task.id)
    again = as_ada.post(f"/phone/wrap-up/{one}", data=said, headers=PARTIAL)
    assert again.text.strip() == "", "another tab was faster"
    assert len(rows(app, CallNote)) == 1
    page = as_ada.get(f"/calls/{call.public_id}").text
    assert "Wants two." in page
    assert "Wrapped up by Ada Ortiz" in page
    assert "Sold" in as_ada.get("/calls").text


def test_a_draft_survives_and_a_page_that_shows_it_is_left_alone(policy, end, app, as_ada, cast):
    policy()
    (one,) = end(outbound(cast.ada.id))
    draft = {"note": "half a sen", "follow_up": "no day yet"}
    assert as_ada.post(f"/phone/wrap-up/{one}/draft", data=draft, headers=PARTIAL).status_code == 204
    assert as_ada.get(f"/phone/wrap-up?was={one}", headers=PARTIAL).status_code == 204
    assert "half a sen" in as_ada.get("/phone/wrap-up", headers=PARTIAL).text
    assert rows(app, CallNote) == []


def test_a_follow_up_needs_a_day_and_a_day_needs_no_words(policy, end, app, as_ada, cast):
    policy()
    (one,) = end(outbound(cast.ada.id, person=Person(name="Priya Raman")))
    refused = as_ada.post(f"/phone/wrap-up/{one}", data={"follow_up": "Send it"}, headers=PARTIAL)
    assert refused.status_code == 422
    assert "Choose the day of the follow-up." in refused.text
    assert "Send it" in refused.text
    as_ada.post(f"/phone/wrap-up/{one}", data={"due_on": "2026-12-01"}, headers=PARTIAL)
    assert [task.title for task in rows(app, Task)] == ["Call back"]


def test_skipping_writes_nothing_and_the_next_call_comes_forward(policy, end, app, as_ada, cast):
    policy()
    first, second = end(outbound(cast.ada.id), outbound(cast.ada.id, at=after(100)))
    next_one = as_ada.post(f"/phone/wrap-up/{first}/skip", data={"note": "not this"}, headers=PARTIAL)
    assert f'id="wrap-up-{second}"' in next_one.text
    assert rows(app, CallNote) == []
    assert [one.finished_by for one in rows(app, WrapUp)] == ["skipped", None]


def test_another_person_s_wrap_up_is_not_there(policy, end, app, as_bo, cast):
    policy()
    (one,) = end(outbound(cast.ada.id))
    assert as_bo.get("/phone/wrap-up", headers=PARTIAL).text.strip() == ""
    for deed in ("", "/draft", "/skip"):
        as_bo.post(f"/phone/wrap-up/{one}{deed}", data={"note": "mine"}, headers=PARTIAL)
    assert [(row.finished_at, row.note) for row in rows(app, WrapUp)] == [(None, "")]


def test_at_the_limit_what_was_typed_is_kept_and_calls_ring_again(moment, policy, end, app, as_ada, cast):
    policy(limit_seconds=30)
    (one,) = end(inbound(rung=[cast.ada.id], by=cast.ada.id))
    assert "load delay:25s" in as_ada.get("/phone/wrap-up", headers=PARTIAL).text
    as_ada.post(f"/phone/wrap-up/{one}/draft", data={"note": "so far"}, headers=PARTIAL)
    assert reached(app, cast, moment) == []
    moment.move_to(ENDED + timedelta(seconds=31))
    assert reached(app, cast, moment) == [cast.ada.id]
    with app.app_context():
        jobs.sweep()
    assert [row.finished_by for row in rows(app, WrapUp)] == [None], "the dock has its turn first"
    moment.move_to(ENDED + timedelta(seconds=60))
    with app.app_context():
        jobs.sweep()
    assert [row.finished_by for row in rows(app, WrapUp)] == ["limit"]
    assert [note.text for note in rows(app, CallNote)] == ["so far"]


def reached(app, cast, moment) -> list[int]:
    """Whom a call to the Sales line rings, with Ada's phone on."""
    with app.app_context():
        Presence.report(cast.ada.id, "available")
        db.session.commit()
        question = Question("+12025550140", cast.sales_id, None, ENDED)
        return list(decide(db.session.connection(), question).user_ids)


def test_who_wraps_up_is_passed_over_until_they_are_done(moment, policy, end, app, as_ada, as_bo, cast):
    policy()
    (one,) = end(inbound(rung=[cast.ada.id], by=cast.ada.id))
    assert reached(app, cast, moment) == []
    assert "Wrapping up" in as_bo.get("/phone/contacts", headers=PARTIAL).text
    as_ada.post(f"/phone/wrap-up/{one}/skip", headers=PARTIAL)
    assert reached(app, cast, moment) == [cast.ada.id]
    assert "Wrapping up" not in as_bo.get("/phone/contacts", headers=PARTIAL).text


def test_turning_it_off_leaves_nobody_behind(policy, end, app, as_root, cast):
    policy()
    end(outbound(cast.ada.id))
    as_root.post("/settings/dispositions/policy", data={"limit_seconds": "0"})
    assert [row.finished_by for row in rows(app, WrapUp)] == ["limit"]


# The page of the admin


def test_dispositions_are_added_renamed_ordered_retired_and_used_again(app, as_root, as_ada):
    page = "/settings/dispositions"
    for name in ("Sold", "Call again"):
        assert as_root.post(page, data={"name": name}).status_code == 303
    sold, again = (row.id for row in rows(app, Disposition))
    as_root.post(f"{page}/{again}/moves", data={"to": "up"})
    as_root.post(f"{page}/{sold}", data={"name": "Bought"})
    text = as_root.get(page).text
    assert text.index("Call again") < text.index("Bought")
    as_root.post(f"{page}/{again}/retire")
    assert [row.name for row in rows(app, Disposition) if row.retired_at is None] == ["Bought"]
    as_root.post(f"{page}/{again}/restore")
    with app.app_context():
        assert [row.name for row in db.session.scalars(Disposition.in_order())] == ["Bought", "Call again"]
        verbs = list(db.session.scalars(sa.select(AuditEntry.verb).order_by(AuditEntry.id)))
    assert verbs == ["created", "created", "moved", "changed", "retired", "restored"]
    assert as_ada.get(page).status_code == 404


@pytest.mark.parametrize(("name", "problem"), [("", "Enter a name."), ("SOLD", "This name is taken.")])
def test_a_name_that_is_missing_or_taken_is_refused(as_root, name, problem):
    as_root.post("/settings/dispositions", data={"name": "Sold"})
    answer = as_root.post("/settings/dispositions", data={"name": name})
    assert answer.status_code == 422
    assert problem in answer.text


@pytest.mark.parametrize("seconds", ["", "-1", "3601", "soon"])
def test_a_limit_that_makes_no_sense_is_refused(app, as_root, seconds):
    answer = as_root.post("/settings/dispositions/policy", data={"is_on": "y", "limit_seconds": seconds})
    assert answer.status_code == 422
    assert rows(app, WrapUpPolicy) == []


# What is said on the call's page


def test_notes_and_disposition_of_a_call_are_on_its_page(end, app, as_ada, as_bo, cast):
    with app.app_context():
        db.session.add(Disposition(name="Sold"))
        db.session.commit()
    end(outbound(cast.ada.id))
    (call,), (sold,) = rows(app, Call), rows(app, Disposition)
    page = f"/calls/{call.public_id}"
    assert (
        "Disposition saved."
        in as_ada.post(f"{page}/disposition", data={"disposition_id": sold.id}, headers=PARTIAL).text
    )
    assert as_ada.post(f"{page}/disposition", data={"disposition_id": 999}).status_code == 422
    assert "Good talk" in as_ada.post(f"{page}/notes", data={"text": "Good talk"}, headers=PARTIAL).text
    assert as_ada.post(f"{page}/notes", data={"text": " "}).status_code == 422
    (note,) = rows(app, CallNote)
    assert as_bo.get(f"/calls/notes/{note.id}/edit").status_code == 404, "not the author"
    as_ada.post(f"/calls/notes/{note.id}/edit", data={"text": "Very good talk"})
    shown = as_bo.get(page).text
    assert "Very good talk" in shown
    assert "edited" in shown
    as_ada.post(f"/calls/notes/{note.id}/delete")
    assert rows(app, CallNote) == []
    assert rows(app, Call)[0].disposition_id == sold.id


def test_what_is_said_of_a_call_is_for_those_who_see_it(end, app, as_ada, cast):
    end(outbound(cast.bo.id))
    (call,) = rows(app, Call)
    for address in ("disposition", "notes"):
        assert as_ada.post(f"/calls/{call.public_id}/{address}", data={"text": "x"}).status_code == 404


def test_a_call_s_notes_are_in_the_timeline_of_its_contact(end, app, as_ada, cast):
    end(outbound(cast.ada.id, person=Person(name="Priya Raman")))
    (call,) = rows(app, Call)
    as_ada.post(f"/calls/{call.public_id}/notes", data={"text": "<b>bold</b> talk"})
    timeline = as_ada.get(f"/calls/with/{call.person_id}", headers=PARTIAL).text
    assert "&lt;b&gt;bold&lt;/b&gt; talk" in timeline
