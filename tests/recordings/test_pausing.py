"""Card numbers stay out of the recording: paused and resumed wherever it runs, and never half."""

from __future__ import annotations

import pytest
from webhooks.network import Network

from voipcrm.calls.holding import into_conference
from voipcrm.calls.models import Call, CallEvent, Leg
from voipcrm.core import clock
from voipcrm.core.db import db

ROOT, CHILD, ROOM = "CA" + "a" * 32, "CA" + "b" * 32, "CF" + "c" * 32


@pytest.fixture
def network(app, monkeypatch):
    far = Network()
    monkeypatch.setitem(app.extensions, "provider", far)
    return far


@pytest.fixture
def call(app, cast, network):
    """call(recording="consent", …): a call of Ada's in progress; its id. A recording of its <Dial> runs."""

    def make(**values) -> str:
        now = clock.now()
        given = {"state": "in-progress", "recording": "on", **values}
        with app.app_context():
            row = Call(
                root_sid=ROOT, direction="outbound", user_id=cast.ada.id, line_id=cast.sales_id,
                peer_number="+12125550108", answered_at=now, **given,
            )  # fmt: skip
            for sid, parent in ((ROOT, None), (CHILD, ROOT)):
                row.legs.append(Leg(sid=sid, parent_sid=parent, status="in-progress", answered_at=now))
                told = CallEvent(key=sid, kind="status", call_sid=sid, status="in-progress", at=now, body=[])
                row.events.append(told)
            db.session.add(row)
            db.session.commit()
            network.recorded.append(ROOT)
            return row.public_id

    return make


def pause(client, public_id):
    return client.post(f"/api/voip/calls/{public_id}/recording-pause")


def go_on(client, public_id):
    return client.delete(f"/api/voip/calls/{public_id}/recording-pause")


def test_a_recording_is_paused_and_goes_on_and_the_trace_says_who(app, as_ada, call, network):
    public_id = call()
    assert pause(as_ada, public_id).json["call"]["recording_paused"] is True
    assert network.paused == {ROOT}
    assert pause(as_ada, public_id).status_code == 200  # pressed twice
    assert go_on(as_ada, public_id).json["call"]["recording_paused"] is False
    assert network.paused == set()
    assert go_on(as_ada, public_id).status_code == 200
    page = as_ada.get(f"/calls/{public_id}").text
    assert page.count("Recording paused by Ada Ortiz") == 1
    assert page.count("Recording resumed by Ada Ortiz") == 1


def test_of_a_held_call_the_recording_is_the_conferences(as_ada, call, network):
    public_id = call(conference_name="n" * 32)
    network.recorded, network.conferences = [ROOM], {"n" * 32: ROOM}
    assert pause(as_ada, public_id).status_code == 200
    assert network.paused == {ROOM}


def test_where_the_other_party_was_asked_it_is_their_legs(as_ada, call, network):
    public_id = call(recording="consent", consented=True)
    network.recorded = [CHILD]
    assert pause(as_ada, public_id).status_code == 200
    assert network.paused == {CHILD}


def test_a_call_promoted_while_paused_is_not_recorded_until_it_goes_on(app, as_ada, call, network):
    public_id = call(conference_name="n" * 32)
    network.recorded, network.conferences = [ROOM], {"n" * 32: ROOM}

    def conference() -> str:
        with app.app_context():
            return into_conference(db.session.query(Call).filter_by(public_id=public_id).one())

    assert "record=" in conference()
    assert pause(as_ada, public_id).status_code == 200
    assert "record=" not in conference()
    network.recorded = []  # the recording of the <Dial> ended, and the conference has none
    assert go_on(as_ada, public_id).json["call"]["recording_paused"] is False
    assert network.started == [ROOT]


def test_in_the_middle_of_a_promotion_it_says_to_try_again(as_ada, call, network):
    public_id = call(conference_name="n" * 32)  # claimed, but nobody is in the conference yet
    answer = pause(as_ada, public_id)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "cannot_pause")
    assert network.paused == set()
    assert as_ada.get(f"/api/voip/calls/{public_id}").json["call"]["recording_paused"] is False


def test_what_the_provider_did_not_do_is_not_claimed(as_ada, call, network):
    public_id = call()
    network.is_away = True
    answer = pause(as_ada, public_id)
    assert answer.json["error"]["message"] == "The call is still being recorded. The phone provider does not answer."
    assert as_ada.get(f"/api/voip/calls/{public_id}").json["call"]["recording_paused"] is False
    network.is_away = False
    pause(as_ada, public_id)
    network.is_away = True
    assert go_on(as_ada, public_id).json["error"]["message"].startswith("The recording is still paused.")
    assert as_ada.get(f"/api/voip/calls/{public_id}").json["call"]["recording_paused"] is True


@pytest.mark.parametrize(
    "values", [{"recording": "off"}, {"recording": "consent", "consented": False}, {"state": "ended"}]
)
def test_what_is_not_recorded_cannot_be_paused(as_ada, call, network, values):
    answer = pause(as_ada, call(**values))
    assert answer.json["error"]["message"] == "This call is not being recorded."
    assert network.paused == set()


def test_only_who_talks_may_pause(as_bo, as_mallory, client, call, network):
    public_id = call()
    assert pause(as_bo, public_id).status_code == 404  # sees the call, but it is not theirs
    assert pause(as_mallory, public_id).status_code in {403, 404}
    assert pause(client, public_id).status_code in {400, 401}
    assert network.paused == set()


def test_a_pause_ends_with_the_call(app, as_ada, call, network):
    public_id = call()
    pause(as_ada, public_id)
    with app.app_context():
        db.session.query(Call).one().state = "ended"
        db.session.commit()
    assert as_ada.get(f"/api/voip/calls/{public_id}").json["call"]["recording_paused"] is False
    assert go_on(as_ada, public_id).status_code == 200
    assert network.started == []
