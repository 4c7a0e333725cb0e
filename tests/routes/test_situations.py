"""For every situation the simulator, the TwiML of the webhooks and what must come of it are the same."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cast import NAMES, SALES

from routes.situations import CALLER, SITUATIONS, UNKNOWN, crew, ring, route, s, set_up, sip
from voipcrm.accounts.models import Presence, Role, User
from voipcrm.calls.models import Call, CallTarget
from voipcrm.calls.trunking import busy_now, make_channels
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.routes.explaining import explain
from voipcrm.routes.models import MAX_STEPS, InboundRoute, RouteStep, StepPerson
from voipcrm.telephony import numbers
from voipcrm.trunks.models import Trunk

ROOT = "CA" + "a" * 32


def by_simulator(it, cast, names):
    """What happens, in the terms of `expected`."""
    told = explain(to=it.to, caller=None if numbers.is_withheld(it.caller) else it.caller, at=it.at)
    happens = []
    for decision in told.decisions[:-1]:
        people = [names[user_id] for user_id in decision.user_ids]
        outside = f"sip:{decision.step.sip_user}" if decision.way else decision.number
        happens.append(outside or (people if decision.in_turn else tuple(people)))
    return [*happens, told.heard], told


def by_twiml(provider, it, cast, names):
    """The same, from the voice webhook and then the action of each Dial that nobody answered."""
    twiml = provider.ask(ROOT, from_=it.caller, to=it.to)
    happens = []
    while (dial := twiml.find("Dial")) is not None:
        assert len(happens) < MAX_STEPS + 1, "it goes round"
        people = [names[int(one.text.removeprefix("u_"))] for one in dial.iter("Identity")]
        outside = dial.findtext("Number") or dial.findtext("Sip", "").partition("@")[0]
        happens.append(outside or (people if dial.get("sequential") == "true" else tuple(people)))
        query = dial.get("action").partition("?call=")[2].partition("&")
        twiml = provider.dial_ended(ROOT, query[0], "no-answer", query="&" + query[2])
    assert [verb.tag for verb in twiml] in (["Say", "Hangup"], ["Say", "Record", "Say", "Hangup"])
    return [*happens, twiml[0].text]


@pytest.mark.parametrize("it", SITUATIONS, ids=lambda it: it.name)
def test_simulator_and_twiml_agree(it, app, cast, provider, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: it.at)
    names = {getattr(cast, who).id: who for who in NAMES}
    with app.app_context():
        set_up(it, cast)
        simulated, told = by_simulator(it, cast, names)
    *rung, said = simulated
    assert rung == list(it.expected[:-1])
    assert it.expected[-1] in said
    assert by_twiml(provider, it, cast, names) == simulated
    assert sum(one.taken for one in told.tried) == (told.decisions[0].route_id is not None)


def test_there_are_forty_situations():
    assert len({it.name for it in SITUATIONS}) == len(SITUATIONS) >= 40


def test_a_step_through_a_trunk_takes_a_channel_for_as_long_as_it_lasts(app, cast, provider):
    with app.app_context():
        set_up(s("", route(sip("100", password="canary"), ring("ada")), expected=()), cast)
    dial = provider.ask(ROOT, from_=CALLER).find("Dial")
    address, noun = dial.get("action"), dial.find("Sip")
    assert noun.text == "sip:100@sip.example.com:5060;transport=udp"
    assert (noun.get("username"), noun.get("password"), dial.get("callerId")) == ("us", "canary", CALLER)

    def busy() -> dict[str, int]:
        with app.app_context():
            call = db.session.query(Call).one()
            return {call.trunk.name: len(busy_now([call.trunk_id]))}

    assert busy() == {"Trunk 0": 1}
    provider.ask(ROOT, from_=CALLER)  # asked twice, it is still one call
    assert busy() == {"Trunk 0": 1}
    other = provider.ask("CA" + "c" * 32, from_="+14155550109")  # no channel left: straight to Ada
    assert [one.text for one in other.iter("Identity")] == [cast.ada.identity]
    with app.app_context():
        db.session.query(Call).filter(Call.root_sid != ROOT).delete()
        db.session.commit()
    query = address.partition("?call=")[2].partition("&")
    assert provider.dial_ended(ROOT, query[0], "failed", query="&" + query[2], DialSipResponseCode="503").find("Dial")
    assert busy() == {"Trunk 0": 0}


def test_twenty_callers_at_once_share_the_channels_of_a_trunk(app, cast, provider):
    with app.app_context():
        set_up(s("", route(sip("100"), ring("ada")), expected=()), cast)
        one = db.session.query(Trunk).one()
        one.max_calls = 3
        make_channels(one)
        db.session.commit()

    def call(n: int) -> str:
        return provider.ask(f"CA{n:032x}", from_=f"+1415555{n:04}").find("Dial")[0].tag

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(call, range(100, 120))) == {"Sip": 3, "Client": 17}


def test_an_answer_ends_the_route(app, cast, provider):
    with app.app_context():
        set_up(s("", route(ring("ada"), ring("bo")), expected=()), cast)
    action = provider.ask(ROOT, from_=CALLER).find("Dial").get("action")
    query = action.partition("?call=")[2].partition("&")
    twiml = provider.dial_ended(ROOT, query[0], "completed", query="&" + query[2], DialCallDuration="30")
    assert [verb.tag for verb in twiml] == ["Hangup"]


def test_a_route_that_is_deleted_or_changed_while_it_rings_still_ends_in_words(app, cast, provider):
    with app.app_context():
        set_up(s("", route(ring("ada"), ring("bo")), expected=()), cast)
    query = provider.ask(ROOT, from_=CALLER).find("Dial").get("action").partition("?call=")[2].partition("&")
    with app.app_context():
        db.session.delete(db.session.query(InboundRoute).one())
        db.session.commit()
    assert provider.dial_ended(ROOT, query[0], "no-answer", query="&" + query[2])[0].tag == "Say"
    for odd in ("", "&route=x&step=y", "&route=1&step=-99", "&step=99"):
        assert provider.dial_ended(ROOT, query[0], "no-answer", query=odd)[0].tag == "Say"


def test_the_last_message_of_the_route_is_said_after_its_steps(app, cast, provider):
    with app.app_context():
        set_up(s("", route(ring("ada"), message="Write to us."), expected=()), cast)
    query = provider.ask(ROOT, from_=CALLER).find("Dial").get("action").partition("?call=")[2].partition("&")
    assert provider.dial_ended(ROOT, query[0], "busy", query="&" + query[2])[0].text == "Write to us."


def test_of_more_than_ten_the_first_ten_who_can_be_reached_ring(app, cast, provider):
    with app.app_context():
        set_up(s("", expected=()), cast)
        role = db.session.query(Role).filter_by(name="agent").one()
        users = [User(email=f"p{n}@x.org", name=f"P{n:02}", password_hash="x", roles=[role]) for n in range(14)]
        db.session.add_all(users)
        db.session.flush()
        people = [StepPerson(user=user, position=at) for at, user in enumerate(users)]
        db.session.add(InboundRoute(description="Many", steps=[RouteStep(people=people)]))
        for user in users[2:]:
            Presence.report(user.id, "available")
        db.session.commit()
        told = explain(to=SALES, caller=CALLER, at=clock.now())
        expected = [f"u_{user.id}" for user in users[2:12]]
        assert told.acts[0].skipped == (
            "P00: offline",
            "P01: offline",
            "P12: only 10 can be rung in one step",
            "P13: only 10 can be rung in one step",
        )
    assert [one.text for one in provider.ask(ROOT, from_=CALLER).iter("Identity")] == expected


def test_the_call_is_meant_for_those_whom_the_steps_named_so_far(app, cast, provider):
    with app.app_context():
        set_up(s("", route(ring("ada"), ring("bo")), expected=()), cast)
    query = provider.ask(ROOT, from_=CALLER).find("Dial").get("action").partition("?call=")[2].partition("&")

    def meant():
        with app.app_context():
            return sorted(db.session.scalars(db.select(CallTarget.user_id)))

    assert meant() == [cast.ada.id]
    provider.dial_ended(ROOT, query[0], "no-answer", query="&" + query[2])
    assert meant() == sorted([cast.ada.id, cast.bo.id])


def test_a_call_outside_hours_is_for_those_who_would_have_rung_first(app, cast, provider):
    closed = [[[540, 541]]] + [[]] * 6
    with app.app_context():
        set_up(s("", route(ring("ada"), ring("bo"), hours=closed), expected=()), cast)
    assert provider.ask(ROOT, from_=CALLER)[0].tag == "Say"
    with app.app_context():
        assert list(db.session.scalars(db.select(CallTarget.user_id))) == [cast.ada.id]


def test_the_next_to_ring_sees_who_calls_and_on_which_line(app, cast, provider):
    with app.app_context():
        set_up(s("", route(ring("ada"), ring("bo")), expected=()), cast)
    first = provider.ask(ROOT, from_=CALLER)
    query = first.find("Dial").get("action").partition("?call=")[2].partition("&")
    second = provider.dial_ended(ROOT, query[0], "no-answer", query="&" + query[2])

    def card(twiml):
        return {one.get("name"): one.get("value") for one in twiml.iter("Parameter")}

    assert card(second) == card(first)
    assert card(second)["line"] == "Sales line"
    assert second.find("Dial").get("callerId") == CALLER


def test_words_name_who_rings_and_who_is_skipped_and_why(app, cast):
    group = crew("in-order", "ada", "bo", "root", seconds=12)
    it = s("", route(group, line="sales"), route(ring("bo")), here={"ada": "away", "bo": "available"}, expected=())
    with app.app_context():
        set_up(it, cast)
        told = explain(to=SALES, caller=CALLER, at=clock.now())
        assert [act.text for act in told.acts] == [
            "Step 1 rings Bo Becker for 12 s.",
            "Says “Sorry, nobody can take your call right now. Please try again later.” and hangs up.",
        ]
        assert told.acts[0].skipped == ("Ada Ortiz: away", "Root Admin: offline")
        assert [(one.taken, one.why) for one in told.tried] == [
            (True, "It fits: calls to Sales line."),
            (False, "It fits, but an earlier route takes the call."),
        ]
        unknown = explain(to=UNKNOWN, caller=None, at=clock.now() + timedelta(days=1))
        assert [one.why for one in unknown.tried] == [
            "It is only for calls to Sales line.",
            "It fits: calls to any number.",
        ]


def test_a_retired_line_is_a_number_like_any_other(app, cast, provider):
    from voipcrm.trunks.models import Line

    with app.app_context():
        set_up(s("", route(ring("ada"), line="sales"), route(ring("bo")), expected=()), cast)
        db.session.get(Line, cast.sales_id).retired_at = clock.now()
        db.session.commit()
    assert [one.text for one in provider.ask(ROOT, from_=CALLER).iter("Identity")] == [cast.bo.identity]
    with app.app_context():
        assert db.session.query(Call).one().line_id is None


def test_the_command_explains_a_call(app, cast):
    with app.app_context():
        set_up(s("", route(ring("ada", "bo"), line="sales"), here={"ada": "available"}, expected=()), cast)
    run = app.test_cli_runner().invoke
    told = run(args=["inbound", "explain", "415 555 0108", SALES, "--at", "2026-12-25T09:10"])
    assert told.exit_code == 0
    assert "* Route 1: It fits: calls to Sales line." in told.output
    assert "-> Step 1 rings Ada Ortiz for 25 s." in told.output
    assert "not Bo Becker: offline" in told.output
    assert "No route fits." in run(args=["inbound", "explain", "withheld", UNKNOWN]).output
    assert run(args=["inbound", "explain", "12", SALES]).exit_code == 1
    assert run(args=["inbound", "explain", CALLER, SALES, "--at", "noon"]).exit_code == 1
    assert "No route takes calls" in run(args=["inbound", "check"]).output
