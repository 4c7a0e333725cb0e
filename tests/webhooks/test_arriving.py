"""A call from outside: who is rung, what is written down, and that asking twice changes nothing."""

import pytest
from cast import SALES, SUPPORT

from voipcrm.accounts.models import Presence
from voipcrm.calls.models import Call, CallEvent, Leg
from voipcrm.contacts.models import Person, PhoneNumber
from voipcrm.core import clock
from voipcrm.core.db import db

CALLER, ROOT = "+14155550108", "CA" + "a" * 32


@pytest.fixture
def at_the_phone(app, cast):
    """at_the_phone(ada, bo): those people's phones are on."""

    def on(*people, state="available"):
        with app.app_context():
            for person in people:
                Presence.report(person.id, state)
            db.session.commit()

    return on


def the_call() -> Call:
    return db.session.query(Call).one()


def rung(twiml) -> list[str]:
    return [noun.text for noun in twiml.iter("Identity")]


def test_a_line_rings_the_people_of_its_route(provider, cast, at_the_phone):
    at_the_phone(cast.ada, cast.bo)
    assert rung(provider.ask(ROOT, from_=CALLER, to=SALES)) == [cast.ada.identity]
    assert rung(provider.ask("CA" + "b" * 32, from_=CALLER, to=SUPPORT)) == [cast.ada.identity, cast.bo.identity]


def test_a_number_without_a_route_goes_to_the_catch_all(provider, cast, at_the_phone):
    at_the_phone(cast.ada, cast.bo)
    assert rung(provider.ask(ROOT, from_=CALLER, to="+12025550199")) == [cast.bo.identity]


def test_who_is_away_or_offline_is_passed_over(provider, cast, at_the_phone):
    at_the_phone(cast.ada, state="away")
    at_the_phone(cast.bo)
    assert rung(provider.ask(ROOT, from_=CALLER, to=SUPPORT)) == [cast.bo.identity]


def test_a_phone_that_was_not_heard_of_for_long_is_asleep(provider, cast, at_the_phone, monkeypatch):
    at_the_phone(cast.ada)
    later = clock.now().replace(year=clock.now().year + 1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert rung(provider.ask(ROOT, from_=CALLER)) == []


def test_nobody_at_the_phone_is_a_message_and_never_silence(provider, app, cast):
    twiml = provider.ask(ROOT, from_=CALLER)
    assert [verb.tag for verb in twiml] == ["Say", "Hangup"]
    assert "nobody can take your call" in twiml[0].text


def test_the_call_is_written_with_line_contact_and_reason(provider, app, cast, at_the_phone):
    at_the_phone(cast.ada)
    with app.app_context():
        db.session.add(Person(name="Priya Raman", numbers=[PhoneNumber(number=CALLER)]))
        db.session.commit()
    twiml = provider.ask(ROOT, from_=CALLER)
    with app.app_context():
        call = the_call()
        assert (call.direction, call.state, call.peer_number, call.line_id) == (
            "inbound",
            "ringing",
            CALLER,
            cast.sales_id,
        )
        assert (call.person.name, call.person_reason) == ("Priya Raman", f"{CALLER} is Priya Raman's number.")
        assert call.recording == "on"
        card = {one.get("name"): one.get("value") for one in twiml.iter("Parameter")}
        assert card["call"] == call.public_id
        assert (card["name"], card["line"]) == ("Priya Raman", "Sales line")


def test_a_shared_number_says_so(provider, app, cast, at_the_phone):
    with app.app_context():
        for name in ("Priya Raman", "Jonas Weber"):
            db.session.add(Person(name=name, numbers=[PhoneNumber(number=CALLER)]))
        db.session.commit()
    provider.ask(ROOT, from_=CALLER)
    with app.app_context():
        assert "is shared by 2 people; this person was changed last." in the_call().person_reason


@pytest.mark.parametrize("said", ["Anonymous", "", "+266696687", "Restricted"])
def test_a_withheld_number_stays_text_and_is_never_matched(provider, app, cast, at_the_phone, said):
    at_the_phone(cast.ada)
    twiml = provider.ask(ROOT, from_=said)
    assert twiml.find("Dial").get("callerId") == SALES
    with app.app_context():
        assert (the_call().peer_number, the_call().person_id) == (None, None)
        assert the_call().peer_text


def test_asking_twice_is_one_call_and_the_same_answer(provider, app, cast, at_the_phone):
    at_the_phone(cast.ada)
    first = provider.ask(ROOT, from_=CALLER)
    second = provider.ask(ROOT, from_=CALLER)
    assert rung(first) == rung(second)
    assert first.find("Dial").get("action") == second.find("Dial").get("action")
    with app.app_context():
        assert (
            db.session.query(Call).count() == db.session.query(Leg).count() == db.session.query(CallEvent).count() == 1
        )


def test_nobody_answers_and_the_caller_is_told(provider, app, cast, at_the_phone):
    at_the_phone(cast.ada)
    provider.ask(ROOT, from_=CALLER)
    with app.app_context():
        public_id = the_call().public_id
    twiml = provider.dial_ended(ROOT, public_id, "no-answer")
    assert twiml[0].tag == "Say"
    provider.tell(provider.status(ROOT, "completed", 30))
    with app.app_context():
        assert (the_call().state, the_call().outcome, the_call().user_id) == ("ended", "missed", None)


def test_an_unsafe_name_cannot_break_out_of_the_document(provider, app, cast, at_the_phone):
    at_the_phone(cast.ada)
    with app.app_context():
        db.session.add(Person(name='"/></Client><Dial>\x00', numbers=[PhoneNumber(number=CALLER)]))
        db.session.commit()
    twiml = provider.ask(ROOT, from_=CALLER)
    assert [verb.tag for verb in twiml] == ["Dial"]
    assert [noun.tag for noun in twiml[0]] == ["Client"]


def test_a_nul_in_a_field_loses_neither_the_call_nor_the_event(provider, app, cast, at_the_phone):
    at_the_phone(cast.ada)
    provider.ask(ROOT, from_="Anony\x00mous", CallerName="a\x00b")
    with app.app_context():
        assert the_call().peer_text == "Anonymous"
        assert ["CallerName", "a\x00b"] in db.session.query(CallEvent).one().body


def test_a_call_that_rang_nobody_is_found_by_those_it_was_meant_for(provider, app, cast, as_ada, as_bo, as_mallory):
    provider.ask(ROOT, from_=CALLER, to=SALES)
    provider.tell(provider.status(ROOT, "completed", 8))
    with app.app_context():
        assert the_call().outcome == "missed"
        public_id = the_call().public_id
    assert as_ada.get(f"/calls/{public_id}").status_code == 200, "Sales is hers, though her phone was off"
    assert as_bo.get(f"/calls/{public_id}").status_code == 200, "he supervises her team"
    assert as_mallory.get(f"/calls/{public_id}").status_code == 404
