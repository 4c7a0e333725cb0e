"""Numbers: lines, how they stand at the provider, import, and how one goes."""

from __future__ import annotations

import pytest
from cast import SALES, SUPPORT

from voipcrm.admin import wiring
from voipcrm.calls.callbacks import callback
from voipcrm.calls.models import Call
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.routes.models import InboundRoute
from voipcrm.telephony.errors import ProviderUnreachable
from voipcrm.telephony.provider_facts import ApplicationFacts, NumberFacts
from voipcrm.trunks.models import Line

LIST = "/admin/voip/numbers"
NEW = "+12025550150"


class Account:
    """The far network: the account at the provider, kept in memory."""

    def __init__(self) -> None:
        self.numbers: dict[str, dict] = {}
        self.application: dict[str, str | None] = {"voice_url": None, "status_url": None}
        self.is_away = False

    def has(self, e164: str, **more) -> None:
        sid = f"PN{len(self.numbers) + 1:032x}"
        self.numbers[e164] = {
            "sid": sid,
            "e164": e164,
            "name": None,
            "voice_application_sid": None,
            "voice_url": None,
            "trunk_sid": None,
            "has_voice": True,
            **more,
        }

    def list_numbers(self) -> list[NumberFacts]:
        assert not db.session().in_transaction(), "a transaction is open while the network is asked"
        if self.is_away:
            raise ProviderUnreachable("The phone provider does not answer.")
        return [NumberFacts(**one) for one in self.numbers.values()]

    def own_number(self, e164: str) -> NumberFacts:
        self.has(e164)
        return NumberFacts(**self.numbers[e164])

    def wire_number(self, sid: str, *, application_sid: str, label: str) -> None:
        next(one for one in self.numbers.values() if one["sid"] == sid)["voice_application_sid"] = application_sid

    def fetch_application(self, sid: str) -> ApplicationFacts:
        return ApplicationFacts(sid=sid, **self.application)

    def wire_application(self, _sid: str, **urls: str) -> None:
        self.application = urls


@pytest.fixture
def account(app):
    kept = app.extensions.get("provider")
    app.extensions["provider"] = account = Account()
    yield account
    app.extensions["provider"] = kept


@pytest.fixture
def at_twilio(app, monkeypatch):
    """The same app, but its provider is not the sandbox."""
    from dataclasses import replace

    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], provider="twilio"))


def lines(app) -> dict[str, tuple]:
    with app.app_context():
        return {
            one.number: (one.label, one.recording_in, one.provider_sid, one.retired_at is not None)
            for one in db.session.query(Line)
        }


@pytest.mark.parametrize("path", [LIST, LIST + "/create", LIST + "/provider"])
def test_only_those_who_set_up_numbers_see_them(path, account, as_root, as_ada, as_bo, as_mallory):
    assert as_root.get(path, follow_redirects=True).status_code == 200
    for person in (as_ada, as_bo, as_mallory):
        assert person.get(path, follow_redirects=True).status_code == 404


def test_lines_stand_with_their_routes_policy_and_the_default_caller_id(as_root):
    text = as_root.get(LIST + "/").text
    assert text.index("Sales line") < text.index("(202) 555-0140") < text.index("Support")
    assert text.count("Default caller ID") == 1
    assert "Record every call" in text
    assert ">ada and bo</a>" in text


def test_a_line_without_a_route_says_so(app, cast, as_root):
    with app.app_context():
        for one in db.session.query(InboundRoute):
            db.session.delete(one)
        db.session.commit()
    text = as_root.get(LIST + "/").text
    assert text.count("No route") == 2
    assert f"/admin/voip/routes/create?line={cast.sales_id}" in text


def test_no_lines_is_an_invitation(app, as_root):
    with app.app_context():
        for model in (InboundRoute, Line):
            for one in db.session.query(model):
                db.session.delete(one)
            db.session.flush()
        db.session.commit()
    assert "No numbers yet" in as_root.get(LIST + "/").text


def test_a_number_of_the_account_becomes_a_line(app, account, as_root, at_twilio):
    account.has(NEW)
    form = {"number": "(202) 555-0150", "label": "Berlin", "recording_in": "off"}
    assert as_root.post(LIST + "/create", data=form).status_code == 303
    assert lines(app)[NEW] == ("Berlin", "off", account.numbers[NEW]["sid"], False)
    assert account.numbers[NEW]["voice_application_sid"] is None  # wiring is a deed of its own


def test_what_the_account_does_not_have_is_refused_at_twilio_and_owned_in_the_sandbox(app, account, as_root, request):
    form = {"number": NEW, "label": "Berlin", "recording_in": "on"}
    request.getfixturevalue("at_twilio")
    answer = as_root.post(LIST + "/create", data=form)
    assert answer.status_code == 422
    assert "not in the account" in answer.text
    assert NEW not in lines(app)
    request.getfixturevalue("monkeypatch").undo()
    assert as_root.post(LIST + "/create", data=form).status_code == 303
    assert NEW in account.numbers


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"number": ""}, "Enter a phone number."),
        ({"number": "12"}, "too short"),
        ({"number": SALES}, "is a line already"),
        ({"label": " "}, "Enter a label."),
        ({"label": "x" * 81}, "at most 80"),
        ({"recording_in": "sometimes"}, "Not a valid choice"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(app, account, as_root, wrong, sentence):
    before = lines(app)
    answer = as_root.post(LIST + "/create", data={"number": NEW, "label": "Berlin", "recording_in": "on"} | wrong)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert lines(app) == before


def test_a_number_that_takes_no_calls_and_a_provider_that_is_away_are_told(app, account, as_root):
    account.has(NEW, has_voice=False)
    form = {"number": NEW, "label": "Berlin", "recording_in": "on"}
    assert "can’t take calls" in as_root.post(LIST + "/create", data=form).text
    account.is_away = True
    assert "does not answer" in as_root.post(LIST + "/create", data=form).text
    page = as_root.get(LIST + "/provider")
    assert page.status_code == 200
    assert "does not answer" in page.text
    for path, data in (("/wirings", {}), ("/imports", {"number": NEW})):
        answer = as_root.post(LIST + path, data=data, follow_redirects=True)
        assert "does not answer" in answer.text
    assert NEW not in lines(app)


def test_label_and_policy_are_changed_and_running_calls_keep_theirs(app, cast, as_root):
    with app.app_context():
        db.session.add(Call(direction="inbound", line_id=cast.sales_id, recording="on"))
        db.session.commit()
    path = f"{LIST}/{cast.sales_id}/edit"
    assert 'value="Sales line"' in as_root.get(path).text
    assert as_root.post(path, data={"label": "", "recording_in": "off"}).status_code == 422
    assert as_root.post(path, data={"label": "Front desk", "recording_in": "off"}).status_code == 303
    assert lines(app)[SALES][:2] == ("Front desk", "off")
    with app.app_context():
        assert db.session.query(Call).one().recording == "on"


def test_the_comparison_shows_each_line_and_what_is_not_imported(app, account, as_root):
    account.has(SALES, voice_url="https://elsewhere.example/voice")
    account.has(SUPPORT, trunk_sid="TK" + "1" * 32)
    account.has(NEW, name="Berlin office")
    text = as_root.get(LIST + "/provider").text
    assert "https://elsewhere.example/voice" in text
    assert "Wire Sales line" in text
    assert "Wire Support" not in text  # a trunk is undone by hand
    assert "Change this in the provider’s console." in text
    assert 'value="Berlin office"' in text
    assert "Points elsewhere" in text


def test_wiring_a_line_wires_that_line_alone(app, cast, account, as_root):
    account.has(SALES)
    account.has(SUPPORT)
    answer = as_root.post(LIST + "/wirings", data={"line": cast.sales_id}, follow_redirects=True)
    assert "Wired." in answer.text
    with app.app_context():
        wanted = settings.twilio_app_sid
    assert account.numbers[SALES]["voice_application_sid"] == wanted
    assert account.numbers[SUPPORT]["voice_application_sid"] is None
    assert lines(app)[SALES][2] == account.numbers[SALES]["sid"]
    again = as_root.post(LIST + "/wirings", data={"line": cast.sales_id}, follow_redirects=True)
    assert "wired already" in again.text


def test_the_application_is_wired_to_our_address(app, account, as_root):
    account.has(SALES)
    as_root.post(LIST + "/wirings")
    with app.app_context():
        assert account.application["voice_url"] == callback("voice") + wiring.VOICE
    assert account.numbers[SALES]["voice_application_sid"] is None
    assert "Points elsewhere" not in as_root.get(LIST + "/provider").text


def test_a_number_on_a_trunk_is_left_to_a_person(cast, account, as_root):
    account.has(SALES, trunk_sid="TK" + "1" * 32)
    answer = as_root.post(LIST + "/wirings", data={"line": cast.sales_id}, follow_redirects=True)
    assert "provider’s console" in answer.text
    assert account.numbers[SALES]["voice_application_sid"] is None


def test_chosen_numbers_are_imported_and_no_others(app, account, as_root):
    for number in (SALES, NEW, "+12025550151", "+12025550152"):
        account.has(number, has_voice=number != "+12025550152")
    form = {
        "number": [NEW, "+12025550152", SALES, "+12025550199", "nonsense"],
        f"label-{NEW}": "Berlin",
    }
    answer = as_root.post(LIST + "/imports", data=form, follow_redirects=True)
    assert "Imported 1 number." in answer.text
    assert set(lines(app)) == {SALES, SUPPORT, NEW}
    assert lines(app)[NEW][0] == "Berlin"
    nothing = as_root.post(LIST + "/imports", follow_redirects=True)
    assert "Choose at least one number" in nothing.text


def test_a_line_that_nothing_refers_to_is_removed(app, account, as_root):
    as_root.post(LIST + "/create", data={"number": NEW, "label": "Berlin", "recording_in": "on"})
    with app.app_context():
        line_id = db.session.query(Line.id).filter_by(number=NEW).scalar()
    assert "Remove Berlin?" in as_root.get(f"{LIST}/{line_id}/remove").text
    assert as_root.post(f"{LIST}/{line_id}/remove").status_code == 303
    assert NEW not in lines(app)


def test_a_line_that_calls_refer_to_is_retired_no_longer_offered_and_may_come_back(app, cast, account, as_root, as_ada):
    path = f"{LIST}/{cast.support_id}/remove"
    with app.app_context():
        db.session.add(Call(direction="inbound", line_id=cast.support_id, state="ended"))
        db.session.commit()
    assert "Retire Support?" in as_root.get(path).text
    assert as_root.post(path).status_code == 303
    assert lines(app)[SUPPORT][3]
    page = as_root.get(LIST + "/").text
    assert "Retired" in page
    assert as_root.get(f"{LIST}/{cast.support_id}/edit").status_code == 404
    refused = as_ada.post("/api/voip/calls/outbound", json={"to": "+12125550108", "line_id": cast.support_id})
    assert refused.status_code >= 400
    with app.app_context():
        assert Line.for_calling(cast.support_id, SALES) is None
    assert (
        as_root.post(LIST + "/create", data={"number": SUPPORT, "label": "Help", "recording_in": "off"}).status_code
        == 303
    )
    assert lines(app)[SUPPORT][0] == "Help"
    assert not lines(app)[SUPPORT][3]


def test_the_default_caller_id_stays(app, cast, as_root):
    answer = as_root.post(f"{LIST}/{cast.sales_id}/remove")
    assert answer.status_code == 422
    assert "default caller ID" in answer.text
    assert not lines(app)[SALES][3]


def test_a_label_is_text(app, cast, as_root, account):
    as_root.post(f"{LIST}/{cast.sales_id}/edit", data={"label": "<script>alert(1)</script>", "recording_in": "on"})
    account.has(NEW, name="<script>alert(2)</script>")
    for path in ("/", f"/{cast.sales_id}/edit", "/provider"):
        assert "<script>alert" not in as_root.get(LIST + path).text
