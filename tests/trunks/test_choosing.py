"""Which trunk an outgoing call takes, what its limit holds against, and where a call goes when a trunk fails."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest

from trunks.made import PASSWORD, trunk
from voipcrm.calls.models import Call, CallEvent
from voipcrm.calls.telling import Cast, parts, tell
from voipcrm.calls.trunking import busy_now, has_room, make_channels
from voipcrm.core.db import db
from voipcrm.trunks.dialling import Way
from voipcrm.trunks.models import Line, Trunk

TO, GERMANY = "+12125550108", "+4930901820"
ROOT, FIRST, SECOND, THIRD = ("CA" + letter * 32 for letter in "abcd")
CARRIER = None


@pytest.fixture
def trunks(app, cast):
    """trunks(made, …): makes them by calling each inside an app context; their names by id, and None for None."""

    def make(*recipes):
        with app.app_context():
            for recipe in recipes:
                recipe()
            db.session.commit()

    return make


@pytest.fixture
def placed(app, as_ada):
    """placed(number): the name of the trunk that a new call of Ada's takes (None: none), and its public id."""

    def place(number: str = TO) -> tuple[str | None, str]:
        answer = as_ada.post("/api/voip/calls/outbound", json={"to": number})
        assert answer.status_code == 201, answer.json
        with app.app_context():
            call = db.session.query(Call).filter_by(public_id=answer.json["call"]["id"]).one()
            return (call.trunk.name if call.trunk else None), call.public_id

    return place


def ended(app, public_id: str) -> None:
    with app.app_context():
        db.session.query(Call).filter_by(public_id=public_id).update({"state": "ended"})
        db.session.commit()


def ways(app) -> list[str]:
    """What the trace says of the ways that the only call was sent."""
    with app.app_context():
        call = db.session.query(Call).one()
        steps = tell(call, call.legs, call.events, Cast(people={}, other="Priya"))
        return [step.words for step in steps if step.icon == "arrow-right-left"]


def test_without_trunks_a_call_takes_the_providers_network_and_nothing_is_noted(app, placed):
    assert placed()[0] is CARRIER
    with app.app_context():
        assert db.session.query(CallEvent).count() == 0


def test_the_first_trunk_that_takes_the_number_is_taken(app, trunks, placed):
    trunks(
        lambda: trunk("Berlin", prefixes=("+49", "+43")),
        lambda: trunk("Resting", active=False),
        lambda: trunk("Nothing", prefixes=()),
        lambda: trunk("America", prefixes=("+1212", "+1646")),
        lambda: trunk("World"),
    )
    assert placed()[0] == "America"
    assert placed("+13125550100")[0] == "World"


def test_a_retired_trunk_takes_nothing(app, trunks, placed, monkeypatch):
    from voipcrm.core import clock

    trunks(lambda: trunk("Gone", retired_at=clock.now()))
    assert placed()[0] is CARRIER


def test_a_full_trunk_gives_way_to_the_next_and_then_to_the_provider(app, trunks, placed):
    trunks(lambda: trunk("Small", max_calls=1), lambda: trunk("Smaller", max_calls=1))
    (first, one), (second, two), (third, _) = placed(), placed(), placed()
    assert [first, second, third] == ["Small", "Smaller", CARRIER]
    ended(app, two)
    assert placed()[0] == "Smaller"
    ended(app, one)
    assert placed()[0] == "Small"
    with app.app_context():
        told = [dict(event.body) for event in db.session.query(CallEvent).order_by(CallEvent.id)]
    assert told[:3] == [{"Name": "Small"}, {"Name": "Smaller", "Full": "Small"}, {"Full": "Small, Smaller"}]


def test_a_lowered_limit_counts_what_still_runs_above_it(app, trunks, placed):
    trunks(lambda: trunk("Wide", max_calls=4))
    calls = [placed()[1] for _ in range(4)]
    with app.app_context():
        wide = db.session.query(Trunk).one()
        wide.max_calls = 2
        make_channels(wide)
        db.session.commit()
    ended(app, calls[0])
    ended(app, calls[1])
    assert placed()[0] is CARRIER  # two run yet
    ended(app, calls[2])
    assert placed()[0] == "Wide"
    assert placed()[0] is CARRIER
    with app.app_context():
        wide = db.session.query(Trunk).one()
        assert busy_now([wide.id]) == {wide.id: 2}
        assert not has_room(db.session.connection(), Way.of(db.session.connection(), wide.id))


@pytest.mark.parametrize("limit", [3, 7])
def test_twenty_at_once_never_hold_more_channels_than_there_are(app, cast, trunks, limit):
    trunks(lambda: trunk("Narrow", max_calls=limit), lambda: trunk("Second", max_calls=4))

    def place(_):
        return app.test_client().sign_in(cast.ada).post("/api/voip/calls/outbound", json={"to": TO}).status_code

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(place, range(20))) == {201: 20}
    with app.app_context():
        names = Counter(call.trunk.name if call.trunk else CARRIER for call in db.session.query(Call))
        assert names == {"Narrow": limit, "Second": 4, CARRIER: 16 - limit}
        assert sorted(busy_now([one.id for one in db.session.query(Trunk)]).values()) == sorted([limit, 4])


def asks(provider, cast, public_id: str) -> ElementTree.Element:
    return provider.ask(ROOT, from_=f"client:{cast.ada.identity}", to="", call=public_id)


def told_failure(provider, dial, code: str | None, *, status="failed", child=FIRST, **more) -> ElementTree.Element:
    """What the action of this <Dial> is answered with."""
    call, _, query = dial.get("action").partition("?call=")[2].partition("&")
    fields = {"DialSipResponseCode": code} if code else {}
    return provider.dial_ended(
        ROOT, call, status, query=f"&{query}" if query else "", DialCallSid=child, **fields, **more
    )


def test_the_sip_document_holds_address_password_and_our_caller_id(app, cast, trunks, placed, provider):
    def own_caller():
        line = db.session.query(Line).filter_by(id=cast.support_id).one()
        trunk(
            "Berlin",
            host="sip.example.org",
            port=5061,
            transport="tls",
            username="u&<",
            password="p\"'&<w",
            caller_line=line,
        )

    trunks(own_caller)
    dial = asks(provider, cast, placed()[1]).find("Dial")
    sip = dial.find("Sip")
    assert sip.text == f"sip:{TO}@sip.example.org:5061;transport=tls"
    assert (sip.get("username"), sip.get("password")) == ("u&<", "p\"'&<w")
    assert dial.get("callerId") == "+12025550141"
    assert (dial.get("timeout"), dial.get("answerOnBridge")) == ("45", "true")
    assert dial.get("record") == "record-from-answer-dual"
    assert sip.get("statusCallbackEvent") == "initiated ringing answered completed"


def test_a_trunk_that_knows_addresses_gets_no_password(app, cast, trunks, placed, provider):
    trunks(lambda: trunk("Known", authentication="address"))
    sip = asks(provider, cast, placed()[1]).find("Dial/Sip")
    assert (sip.get("username"), sip.get("password")) == (None, None)


@pytest.mark.parametrize(("code", "status"), [("503", "failed"), ("500", "failed"), ("408", "no-answer"),
                                              (None, "failed"), ("401", "failed"), ("403", "failed")])  # fmt: skip
def test_a_trunk_that_fails_gives_way_to_the_next_and_then_to_the_provider(
    app, cast, trunks, placed, provider, code, status
):
    trunks(lambda: trunk("One"), lambda: trunk("Elsewhere", prefixes=("+49",)), lambda: trunk("Two", max_calls=2))
    dial = asks(provider, cast, placed()[1]).find("Dial")
    again = told_failure(provider, dial, code, status=status).find("Dial")
    assert again.find("Sip") is not None
    with app.app_context():
        one, two = db.session.query(Trunk).filter(Trunk.name.in_(["One", "Two"])).order_by(Trunk.position)
        assert db.session.query(Call).one().trunk_id == two.id
        assert busy_now([one.id, two.id]) == {two.id: 1}
    last = told_failure(provider, again, code, status=status, child=SECOND).find("Dial")
    assert last.findtext("Number") == TO
    assert "trunk=" not in last.get("action")
    with app.app_context():
        assert db.session.query(Call).one().trunk_id is None
        assert busy_now([one.id for one in db.session.query(Trunk)]) == {}
    why = f"could not take the call ({code})" if code else "could not take the call"
    assert ways(app) == [
        "Sent through One",
        f"One {why}; sent through Two",
        f"Two {why}; sent through the phone provider’s own network",
    ]
    assert [verb.tag for verb in told_failure(provider, last, None)] == ["Hangup"]


@pytest.mark.parametrize(("status", "code"), [("busy", "486"), ("no-answer", "487"), ("busy", "603"), ("failed", "404"),
                                              ("no-answer", "480"), ("completed", "200")])  # fmt: skip
def test_what_the_telephone_itself_answers_is_not_tried_elsewhere(app, cast, trunks, placed, provider, status, code):
    trunks(lambda: trunk("One"), lambda: trunk("Two"))
    dial = asks(provider, cast, placed()[1]).find("Dial")
    assert [verb.tag for verb in told_failure(provider, dial, code, status=status)] == ["Hangup"]
    assert ways(app) == ["Sent through One"]


def test_a_repeated_question_gets_the_same_answer_and_uses_up_no_trunk(app, cast, trunks, placed, provider):
    trunks(lambda: trunk("One"), lambda: trunk("Two"), lambda: trunk("Three"))
    dial = asks(provider, cast, placed()[1]).find("Dial")
    answers = [ElementTree.tostring(told_failure(provider, dial, "503")) for _ in range(3)]
    assert len(set(answers)) == 1
    assert len(ways(app)) == 2
    again = ElementTree.tostring(asks(provider, cast, _public_id(app)))
    assert again == answers[0]


def test_who_hung_up_while_a_trunk_failed_is_not_called_again(app, cast, trunks, placed, provider):
    trunks(lambda: trunk("One"), lambda: trunk("Two"))
    dial = asks(provider, cast, placed()[1]).find("Dial")
    assert [verb.tag for verb in told_failure(provider, dial, "503", parent="completed")] == ["Hangup"]


def test_a_password_that_nobody_can_read_any_more_does_not_stop_calls(app, cast, trunks, placed, provider):
    def broken():
        trunk("Broken").password_sealed = "sealed under another key"

    trunks(broken, lambda: trunk("Two"))
    dial = asks(provider, cast, placed()[1]).find("Dial")
    assert dial.find("Sip").get("password") == PASSWORD
    assert ways(app) == ["Sent through Broken", "Broken could not take the call; sent through Two"]


def test_what_became_of_the_call_is_told_of_the_try_that_got_through(app, cast, trunks, placed, provider):
    trunks(lambda: trunk("One"))
    _, public_id = placed()
    dial = asks(provider, cast, public_id).find("Dial")
    sip = dial.findtext("Sip").partition(";")[0]

    def tell_leg(sid, word, second, to, **more):
        provider.tell(provider.status(sid, word, second, to=to, ParentCallSid=ROOT, **more), call=public_id)

    tell_leg(FIRST, "initiated", 0, sip)
    tell_leg(FIRST, "failed", 1, sip, SipResponseCode="503")
    last = told_failure(provider, dial, "503").find("Dial")
    tell_leg(SECOND, "initiated", 1, TO)
    tell_leg(SECOND, "busy", 2, TO, SipResponseCode="486")
    told_failure(provider, last, None, status="busy", child=SECOND)
    provider.tell(provider.status(ROOT, "completed", 3, to="", from_=f"client:{cast.ada.identity}"), call=public_id)
    with app.app_context():
        call = db.session.query(Call).one()
        assert (call.state, call.outcome, call.reason) == ("ended", "busy", None)
        assert [part.words for part in parts(call, call.legs, Cast(people={}, other="Priya"))] == ["Was busy"]


def test_a_call_that_only_trunks_were_tried_for_failed_for_their_reason(app, cast, trunks, placed, provider):
    trunks(lambda: trunk("One"))
    _, public_id = placed()
    dial = asks(provider, cast, public_id).find("Dial")
    sip = dial.findtext("Sip").partition(";")[0]
    form = provider.status(FIRST, "failed", 1, to=sip, ParentCallSid=ROOT, SipResponseCode="503")
    provider.tell(form, call=public_id)
    provider.tell(provider.status(ROOT, "completed", 3, to="", from_=f"client:{cast.ada.identity}"), call=public_id)
    with app.app_context():
        call = db.session.query(Call).one()
        assert (call.state, call.outcome) == ("ended", "failed")
        assert call.reason == "The phone network could not take the call."


def _public_id(app) -> str:
    with app.app_context():
        return db.session.query(Call).one().public_id
