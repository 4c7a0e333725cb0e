"""Whether a call is recorded: the policy of its line and direction, what is said first, and what is answered."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import services
from cast import SALES
from webhooks.conftest import HOOKS
from webhooks.network import Network

from voipcrm.accounts.models import Presence
from voipcrm.calls.models import Call
from voipcrm.core.db import db
from voipcrm.recordings.models import Recording
from voipcrm.routes.models import InboundRoute, RouteStep
from voipcrm.trunks.models import Line
from voipcrm.trunks.recording_policies import NOTICE, POLICIES, QUESTION

CALLER, CALLEE = "+14155550108", "+12125550108"
ROOT, CHILD = "CA" + "a" * 32, "CA" + "b" * 32
OWN_NOTICE, OWN_QUESTION = "Wir zeichnen auf.", "Drücken Sie die 1 & warten Sie."


@pytest.fixture
def network(app, monkeypatch):
    far = Network()
    monkeypatch.setitem(app.extensions, "provider", far)
    return far


@pytest.fixture
def line(app, cast):
    """line(recording_in="consent"): change the sales line. Ada is at her phone."""
    with app.app_context():
        Presence.report(cast.ada.id, "available")
        db.session.commit()

    def change(**values: str) -> None:
        with app.app_context():
            one = db.session.get(Line, cast.sales_id)
            for name, value in values.items():
                setattr(one, name, value)
            db.session.commit()

    return change


@pytest.fixture
def ask(signed_post):
    """ask("consent", call_id, Digits="1"): the TwiML of one of our webhooks."""

    def post(name: str, public_id: str, *, sid: str = ROOT, query: str = "", **fields: str) -> ElementTree.Element:
        form = {"AccountSid": services.ACCOUNT, "CallSid": sid, "CallStatus": "in-progress", **fields}
        answer = signed_post(f"{HOOKS}/{name}?call={public_id}{query}", form)
        assert (answer.status_code, answer.mimetype) == (200, "text/xml")
        return ElementTree.fromstring(answer.data)

    return post


def place(client, ask) -> tuple[str, ElementTree.Element]:
    """Ada calls; the id of the call and its first TwiML."""
    placed = client.post("/api/voip/calls/outbound", json={"to": CALLEE}).json["call"]["id"]
    identity = f"client:u_{the_call(client.application).user_id}"
    twiml = ask("voice", placed, From=identity, To="", Direction="inbound", call=placed)
    return placed, twiml


def the_call(app) -> Call:
    with app.app_context():
        return db.session.query(Call).one()


def said(twiml) -> list[str]:
    return [one.text or "" for one in twiml.iter("Say")]


def is_recorded(twiml) -> bool:
    return any("record" in verb.attrib for verb in twiml.iter())


def absent(app) -> list[str]:
    with app.app_context():
        return [row.error or "" for row in db.session.query(Recording).filter_by(state="absent")]


@pytest.mark.parametrize(
    ("policy", "verbs", "spoken"),
    [
        ("off", ["Dial"], []),
        ("on", ["Dial"], []),
        ("announce", ["Say", "Dial"], [NOTICE]),
        ("consent", ["Gather"], [QUESTION]),
    ],
)
def test_an_incoming_call_is_recorded_as_its_line_says(provider, app, line, policy, verbs, spoken):
    line(recording_in=policy, recording_out="on" if policy == "off" else "off")
    twiml = provider.ask(ROOT, from_=CALLER)
    assert [verb.tag for verb in twiml] == verbs
    assert said(twiml) == spoken
    assert is_recorded(twiml) == (policy in {"on", "announce"})
    assert the_call(app).recording == policy


@pytest.mark.parametrize("policy", POLICIES)
def test_an_outgoing_call_is_recorded_as_its_line_says(app, as_ada, ask, line, policy):
    line(recording_out=policy, recording_in="on" if policy == "off" else "off")
    public_id, twiml = place(as_ada, ask)
    (number,) = twiml.iter("Number")
    assert is_recorded(twiml) == (policy in {"on", "announce"})
    assert ("url" in number.attrib) == (policy in {"announce", "consent"})
    assert said(twiml) == []  # whom we call hears it, not the person who calls
    if policy == "announce":
        whisper = ask("announcement", public_id, sid=CHILD)
        assert [verb.tag for verb in whisper] == ["Say"]
        assert said(whisper) == [NOTICE]
    if policy == "consent":
        whisper = ask("announcement", public_id, sid=CHILD)
        assert [verb.tag for verb in whisper] == ["Gather"]
        assert said(whisper) == [QUESTION]


def test_a_line_may_have_sentences_of_its_own(provider, as_ada, ask, line):
    line(recording_in="announce", recording_out="consent", recording_notice=OWN_NOTICE, recording_question=OWN_QUESTION)
    assert said(provider.ask(ROOT, from_=CALLER)) == [OWN_NOTICE]
    public_id = as_ada.post("/api/voip/calls/outbound", json={"to": CALLEE}).json["call"]["id"]
    assert said(ask("announcement", public_id, sid=CHILD)) == [OWN_QUESTION]


def test_a_caller_who_presses_1_is_recorded_also_at_the_next_step(provider, app, ask, line):
    line(recording_in="consent")
    (gather,) = provider.ask(ROOT, from_=CALLER)
    public_id = the_call(app).public_id
    assert gather.attrib["action"].endswith(f"/consent?call={public_id}")
    assert (gather.attrib["numDigits"], gather.attrib["actionOnEmptyResult"]) == ("1", "true")
    twiml = ask("consent", public_id, Digits="1")
    assert [verb.tag for verb in twiml] == ["Dial"]
    assert is_recorded(twiml)
    assert (the_call(app).consented, absent(app)) == (True, [])
    query = "&" + twiml[0].attrib["action"].partition("&")[2]
    with app.app_context():
        route = db.session.query(InboundRoute).filter_by(line_id=the_call(app).line_id).one()
        route.steps.append(RouteStep(position=1, kind="number", number="+12125550199"))
        db.session.commit()
    second = ask("dial", public_id, query=query, DialCallStatus="no-answer")
    assert [verb.tag for verb in second] == ["Dial"]  # nobody is asked again
    assert is_recorded(second)


@pytest.mark.parametrize("digits", ["", "2", "#"])
def test_without_the_key_the_call_goes_on_unrecorded_and_says_so(provider, app, as_root, ask, line, digits):
    line(recording_in="consent")
    provider.ask(ROOT, from_=CALLER)
    public_id = the_call(app).public_id
    twiml = ask("consent", public_id, **({"Digits": digits} if digits else {}))
    assert [verb.tag for verb in twiml] == ["Dial"]
    assert not is_recorded(twiml)
    assert the_call(app).consented is False
    assert absent(app) == ["Not recorded: no consent. The other party did not press 1."]
    assert "Not recorded: no consent." in as_root.get("/admin/voip/recordings?state=absent").text
    assert "Not recorded: no consent." in as_root.get(f"/admin/voip/recordings/of-call/{public_id}").text
    page = as_root.get(f"/calls/{public_id}").text
    assert "was asked whether to record" in page
    assert "did not agree, so nothing is recorded" in page


def test_the_first_answer_counts(provider, app, ask, line):
    line(recording_in="consent")
    provider.ask(ROOT, from_=CALLER)
    public_id = the_call(app).public_id
    assert not is_recorded(ask("consent", public_id))
    assert not is_recorded(ask("consent", public_id, Digits="1"))
    assert the_call(app).consented is False
    assert len(absent(app)) == 1


def test_whom_we_call_is_recorded_once_they_press_1(app, as_ada, ask, line, network):
    line(recording_out="consent")
    public_id, twiml = place(as_ada, ask)
    assert not is_recorded(twiml)
    ask("announcement", public_id, sid=CHILD)
    assert list(ask("consent", public_id, sid=CHILD, Digits="1")) == []  # the end of it connects the two
    ask("consent", public_id, sid=CHILD, Digits="1", again="yes")
    assert network.started == [CHILD]
    assert as_ada.get(f"/api/voip/calls/{public_id}").json["call"]["recording"] is True


def test_whom_we_call_is_not_recorded_without_the_key(app, as_ada, ask, line, network):
    line(recording_out="consent")
    public_id, _ = place(as_ada, ask)
    ask("announcement", public_id, sid=CHILD)
    assert list(ask("consent", public_id, sid=CHILD)) == []
    assert network.started == []
    assert len(absent(app)) == 1
    assert as_ada.get(f"/api/voip/calls/{public_id}").json["call"]["recording"] is False


def test_a_recording_that_could_not_begin_is_not_claimed(app, as_ada, ask, line, network):
    line(recording_out="consent")
    public_id, _ = place(as_ada, ask)
    network.is_away = True
    assert list(ask("consent", public_id, sid=CHILD, Digits="1")) == []
    assert absent(app) == ["The recording could not begin. The phone provider does not answer."]
    assert as_ada.get(f"/api/voip/calls/{public_id}").json["call"]["recording"] is False


def test_the_policy_is_frozen_when_a_call_begins(provider, app, as_ada, ask, line):
    line(recording_in="consent", recording_out="announce")
    provider.ask(ROOT, from_=CALLER)
    inbound = the_call(app).public_id
    line(recording_in="off", recording_out="off")
    assert is_recorded(ask("consent", inbound, Digits="1"))
    placed = as_ada.post("/api/voip/calls/outbound", json={"to": CALLEE}).json["call"]["id"]
    line(recording_out="on")
    with app.app_context():
        assert db.session.query(Call).filter_by(public_id=placed).one().recording == "off"


def test_who_hears_only_that_nobody_is_there_hears_nothing_of_recording(provider, app, cast, line):
    line(recording_in="announce")
    with app.app_context():
        Presence.report(cast.ada.id, "away")
        db.session.commit()
    twiml = provider.ask(ROOT, from_=CALLER)
    assert [verb.tag for verb in twiml] == ["Say", "Hangup"]
    assert NOTICE not in said(twiml)


def test_who_hangs_up_at_the_announcement_has_abandoned_the_call(provider, app, line):
    line(recording_in="announce")
    provider.ask(ROOT, from_=CALLER)
    provider.tell(provider.status(ROOT, "completed", 4, from_=CALLER, to=SALES))
    call = the_call(app)
    assert (call.state, call.outcome) == ("ended", "abandoned")


def test_whom_we_call_may_hang_up_at_the_announcement(provider, app, as_ada, ask, line):
    line(recording_out="announce")
    public_id, _ = place(as_ada, ask)
    for second, word in enumerate(["ringing", "in-progress", "completed"]):
        provider.tell(provider.status(CHILD, word, second, ParentCallSid=ROOT), public_id)
    ask("dial", public_id, DialCallStatus="completed", DialBridged="false", DialCallSid=CHILD)
    provider.tell(provider.status(ROOT, "completed", 4))
    call = the_call(app)
    assert (call.outcome, call.reason) == ("no-answer", "They hung up before they were connected.")


def test_an_announcement_cannot_break_out_of_the_document(provider, app, line):
    line(recording_in="announce", recording_notice="</Say><Dial>+19005551234</Dial>\x0b")
    twiml = provider.ask(ROOT, from_=CALLER)
    assert [verb.tag for verb in twiml] == ["Say", "Dial"]
    assert said(twiml) == ["</Say><Dial>+19005551234</Dial>"]
