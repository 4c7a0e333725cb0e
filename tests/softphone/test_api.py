"""The softphone's API: tokens that grant no more than the role, and calls that are placed only where they may be."""

import time

import jwt
import pytest
import services
from cast import SALES, SUPPORT

from voipcrm.accounts.models import Presence, User
from voipcrm.calls.models import Call, Leg
from voipcrm.contacts.models import Person, PhoneNumber
from voipcrm.core import clock
from voipcrm.core.db import db

TO = "+1 212-555-0108"
E164 = "+12125550108"


def place(client, **body):
    return client.post("/api/voip/calls/outbound", json=body)


def grants(answer) -> dict:
    token = jwt.decode(answer.json["token"], services.KEY_SECRET, algorithms=["HS256"], options={"verify_nbf": True})
    assert token["exp"] <= time.time() + 3601
    return token["grants"]


def test_an_agents_token_may_call_and_be_called(as_ada, cast):
    answer = as_ada.post("/api/voip/token")
    assert answer.headers["Cache-Control"] == "no-store"
    granted = grants(answer)
    assert granted["identity"] == answer.json["identity"] == cast.ada.identity
    assert granted["voice"]["incoming"]["allow"] is True
    assert granted["voice"]["outgoing"]["application_sid"].startswith("AP")


def test_a_token_grants_only_what_the_role_holds(app, as_ada, cast):
    with app.app_context():
        role = db.session.get(User, cast.ada.id).roles[0]
        role.permissions = [one for one in role.permissions if one != "voip.calls.make"]
        db.session.commit()
    assert "outgoing" not in grants(as_ada.post("/api/voip/token"))["voice"]


def test_no_token_without_the_phone_in_the_role(as_mallory):
    answer = as_mallory.post("/api/voip/token")
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "forbidden")


def test_no_token_for_strangers_nor_once_deactivated(app, client, as_ada, cast):
    assert client.post("/api/voip/token").status_code in {400, 401}
    with app.app_context():
        from voipcrm.core import clock

        db.session.get(User, cast.ada.id).deactivated_at = clock.now()
        db.session.commit()
    assert as_ada.post("/api/voip/token").status_code in {400, 401}


def test_a_call_is_written_before_the_browser_connects(app, as_ada, cast):
    answer = place(as_ada, to=TO)
    assert answer.status_code == 201
    told = answer.json["call"]
    assert answer.json["connect"] == {"params": {"call": told["id"]}}
    assert (told["direction"], told["state"], told["peer"]["number"]) == ("outbound", "created", E164)
    assert told["line"]["number"] == SALES
    with app.app_context():
        assert db.session.query(Call).one().user_id == cast.ada.id


def test_the_clicked_contact_wins_among_those_who_share_a_number(app, as_ada):
    with app.app_context():
        first = Person(name="Priya Raman", numbers=[PhoneNumber(number=E164)])
        db.session.add_all([first, Person(name="Jonas Weber", numbers=[PhoneNumber(number=E164)])])
        db.session.commit()
        clicked = first.id
    assert place(as_ada, to=TO, contact_id=clicked).json["call"]["peer"]["name"] == "Priya Raman"
    assert place(as_ada, to=TO).json["call"]["peer"]["name"] == "Jonas Weber"


def test_a_chosen_line_is_the_caller_id(as_ada, cast):
    assert place(as_ada, to=TO, line_id=cast.support_id).json["call"]["line"]["number"] == SUPPORT


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("", "number_invalid"),
        ("hello", "number_invalid"),
        ("+49 30 5550 1288", "number_not_allowed"),
        ("+1 900 555 1234", "number_not_allowed"),
        ("+1 876 926 1234", "number_not_allowed"),
        ("+870 773 123456", "number_not_allowed"),
        ("sip:somebody@example.com", "number_invalid"),
        ("client:u_1", "number_invalid"),
        ("911", "number_invalid"),
    ],
)
def test_hostile_and_foreign_destinations_are_refused_in_words(app, as_ada, to, code):
    answer = place(as_ada, to=to)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, code)
    assert answer.json["error"]["message"].endswith(".")
    with app.app_context():
        assert db.session.query(Call).count() == 0


def test_a_person_places_only_so_many_calls_an_hour(app, as_ada, monkeypatch):
    limited = app.extensions["settings"].__class__.dial_calls_per_hour
    assert limited == 60
    object.__setattr__(app.extensions["settings"], "dial_calls_per_hour", 2)
    try:
        assert [place(as_ada, to=TO).status_code for _ in range(3)] == [201, 201, 422]
    finally:
        object.__setattr__(app.extensions["settings"], "dial_calls_per_hour", limited)


def test_a_colleague_is_called_by_name_when_at_the_phone(app, as_ada, cast):
    assert place(as_ada, user_id=cast.bo.id).json["error"]["message"] == "Bo Becker is not at the phone right now."
    with app.app_context():
        Presence.report(cast.bo.id, "available")
        db.session.commit()
    told = place(as_ada, user_id=cast.bo.id).json["call"]
    assert (told["direction"], told["peer"]["name"], told["line"]) == ("internal", "Bo Becker", None)


def test_nobody_calls_themselves_or_who_takes_no_calls(as_ada, cast):
    assert place(as_ada, user_id=cast.ada.id).json["error"]["code"] == "yourself"
    assert place(as_ada, user_id=cast.mallory.id).json["error"]["code"] == "no_such_person"


def test_the_browser_connects_by_the_id_alone_and_only_its_own(app, as_ada, cast, signed_post):
    public_id = place(as_ada, to=TO).json["call"]["id"]

    def connect(identity: str, sid: str, **forged: str):
        form = {"AccountSid": services.ACCOUNT, "CallSid": sid, "CallStatus": "ringing", "Direction": "inbound"}
        form |= {"From": f"client:{identity}", "To": "", "call": public_id, **forged}
        return signed_post("/voip/webhook/twilio/voice", form).text

    assert "<Reject" in connect(cast.bo.identity, "CA" + "1" * 32)
    forged = connect(cast.ada.identity, "CA" + "2" * 32, CallerId="+15005550006", Record="true", to="+19005551234")
    assert f">{E164}</Number>" in forged
    assert f'callerId="{SALES}"' in forged
    assert "+1900" not in forged
    assert "<Reject" in connect(cast.ada.identity, "CA" + "3" * 32), "an id connects once"
    assert f">{E164}</Number>" in connect(cast.ada.identity, "CA" + "2" * 32), "the provider may ask twice"


def test_what_is_not_theirs_is_not_found(as_ada, as_bo, as_mallory, cast):
    public_id = place(as_ada, to=TO).json["call"]["id"]
    assert as_bo.get(f"/api/voip/calls/{public_id}").status_code == 200, "Bo supervises Ada's team"
    assert as_bo.post(f"/api/voip/calls/{public_id}/hold").status_code == 404, "but is not in that call"
    assert as_mallory.get(f"/api/voip/calls/{public_id}").status_code == 403


def test_a_phone_learns_who_took_the_call_that_rang_there_and_no_more(app, as_ada, cast):
    with app.app_context():
        call = Call(direction="inbound", user_id=cast.bo.id, peer_number=E164, talk_seconds=9, answered_at=clock.now())
        call.legs = [Leg(sid="CA" + "1" * 32, user_id=cast.bo.id)]
        db.session.add(call)
        db.session.commit()
        public_id, address = call.public_id, f"/api/voip/calls/{call.public_id}"
        assert as_ada.get(address).status_code == 404, "it never rang at Ada's"
        db.session.add(Leg(call_id=call.id, sid="CA" + "2" * 32, user_id=cast.ada.id))
        db.session.commit()
    told = as_ada.get(address).json["call"]
    assert (told["id"], told["answered_by"]["name"]) == (public_id, cast.bo.name)
    assert not {"talk_seconds", "ended_at", "url", "recording"} & set(told)


def test_a_call_that_is_not_connected_cannot_be_held(as_ada):
    public_id = place(as_ada, to=TO).json["call"]["id"]
    answer = as_ada.post(f"/api/voip/calls/{public_id}/hold")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "cannot_hold")


def test_presence_takes_known_states_only(app, as_ada, cast):
    assert as_ada.post("/api/voip/presence", json={"state": "busy"}).status_code == 204
    assert as_ada.post("/api/voip/presence", json={"state": "asleep"}).status_code == 422
    assert as_ada.post("/api/voip/presence", data="nonsense").status_code == 422
    with app.app_context():
        assert db.session.get(Presence, cast.ada.id).state == "busy"


def test_a_page_that_closes_late_does_not_switch_off_the_one_that_took_over(app, as_ada, cast):
    say = lambda state, phone: as_ada.post("/api/voip/presence", json={"state": state, "phone": phone})  # noqa: E731
    say("available", "first tab")
    say("available", "second tab")
    assert say("offline", "first tab").status_code == 204
    with app.app_context():
        assert db.session.get(Presence, cast.ada.id).state == "available"
    say("offline", "second tab")
    with app.app_context():
        assert db.session.get(Presence, cast.ada.id).state == "offline"


def test_history_is_the_persons_own_and_pages(app, as_ada, cast):
    for _ in range(3):
        place(as_ada, to=TO)
    answer = as_ada.get("/api/voip/calls/history?direction=outbound").json
    assert len(answer["calls"]) == 3
    assert answer["next"] is None
    assert as_ada.get("/api/voip/calls/history?direction=inbound").json["calls"] == []
