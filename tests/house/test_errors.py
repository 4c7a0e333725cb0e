"""When our own code or the database fails, everybody gets an answer in their own format that says what to do next."""

from xml.etree import ElementTree

import pytest
import services
from sqlalchemy.exc import OperationalError

from voipcrm.accounts.models import User
from voipcrm.webhooks import answering


def no_database(*_args, **_kwargs):
    raise OperationalError("SELECT 1", {}, Exception("the database is away"))


@pytest.fixture(autouse=True)
def as_in_life(app, monkeypatch):
    """Flask's test mode would hand the exception to the test."""
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)


def test_a_page_says_so_even_when_the_database_is_away(as_ada, monkeypatch):
    monkeypatch.setattr(User, "of_session", staticmethod(no_database))
    answer = as_ada.get("/")
    assert answer.status_code == 500
    assert "try again" in answer.text
    assert 'id="main"' in answer.text
    assert "Traceback" not in answer.text
    assert "database is away" not in answer.text


def test_the_api_answers_in_json(as_ada, monkeypatch):
    monkeypatch.setattr(User, "of_session", staticmethod(no_database))
    answer = as_ada.get("/api/voip/calls/history")
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "server_error")


def test_a_caller_hears_an_apology_and_the_provider_gets_valid_twiml(signed_post, monkeypatch):
    monkeypatch.setattr(answering, "arriving", no_database)
    form = {"AccountSid": services.ACCOUNT, "CallSid": "CA" + "1" * 32, "From": "+14155550108", "To": "+12025550140"}
    answer = signed_post("/voip/webhook/twilio/voice", form)
    assert (answer.status_code, answer.mimetype) == (200, "text/xml")
    assert ElementTree.fromstring(answer.data).find("Say") is not None


def test_a_status_that_could_not_be_written_is_delivered_again(signed_post, monkeypatch):
    monkeypatch.setattr("voipcrm.calls.ledger.enter", no_database)
    form = {"AccountSid": services.ACCOUNT, "CallSid": "CA" + "1" * 32, "CallStatus": "completed"}
    assert signed_post("/voip/webhook/twilio/status", form).status_code == 500


@pytest.mark.parametrize("path", ["/nothing", "/calls/0123456789abcdef0123", "/contacts/persons/999999"])
def test_what_is_not_there_is_a_page_with_a_way_on(as_ada, path):
    answer = as_ada.get(path)
    assert answer.status_code == 404
    assert "<a " in answer.text


def test_an_old_form_says_to_reload(as_ada):
    as_ada.token = None
    answer = as_ada.post("/sign-out")
    assert answer.status_code == 400
    assert "Reload" in answer.text
