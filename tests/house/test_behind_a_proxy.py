"""Whose address a request came from: what a trusted proxy says, and what anybody says never."""

from __future__ import annotations

import re

import pytest
import services

from voipcrm import create_app
from voipcrm.accounts.models import UserSession
from voipcrm.config import Settings, SettingsInvalid
from voipcrm.core.db import db
from voipcrm.telephony import signature

CLAIMED = {
    "X-Forwarded-For": "198.51.100.9, 203.0.113.7",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
}


@pytest.fixture
def behind(app, cast, environment, monkeypatch):
    """A browser of nobody, with that many trusted proxies in front of the app."""

    def make(proxies: int):
        for name, value in (environment | {"TRUSTED_PROXIES": str(proxies)}).items():
            monkeypatch.setenv(name, value)
        other = create_app(Settings.from_environ())
        other.test_client_class = type(app.test_client())
        return other.test_client()

    return make


def form_token(browser) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/sign-in").text)[1]


def address_of_session(app, browser, cast) -> str:
    form = {"email": cast.ada.email, "password": cast.ada.password, "csrf_token": form_token(browser)}
    assert browser.post("/sign-in", data=form, headers=CLAIMED).status_code in {302, 303}
    with app.app_context():
        return db.session.query(UserSession).order_by(UserSession.id.desc()).first().ip


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.7"), (2, "198.51.100.9")])
def test_an_address_is_believed_only_as_far_as_our_own_proxies_wrote_it(app, behind, cast, proxies, seen):
    assert address_of_session(app, behind(proxies), cast) == seen


def test_more_proxies_than_the_header_names_believe_none_of_it(app, behind, cast):
    assert address_of_session(app, behind(3), cast) == "127.0.0.1"


def test_guessing_is_braked_by_the_true_address(behind):
    browser = behind(1)
    token = form_token(browser)

    def guess(ip: str, account: int = 0) -> int:
        form = {"email": f"nobody{account}@example.com", "password": "wrong wrong", "csrf_token": token}
        return browser.post("/sign-in", data=form, headers={"X-Forwarded-For": f"198.51.100.9, {ip}"}).status_code

    statuses = [guess("203.0.113.7", account) for account in range(31)]
    assert [status for status in statuses if status == 429] == statuses[30:]
    assert guess("203.0.113.8") != 429


@pytest.mark.parametrize("proxies", [0, 1])
def test_signatures_stay_with_the_public_address_whatever_a_proxy_says(behind, proxies):
    path, form = "/voip/webhook/twilio/status", {"CallSid": "CA" + "4" * 32, "CallStatus": "ringing"}

    def status(base: str) -> int:
        signed = signature.compute(base + path, list(form.items()), services.TOKEN)
        return behind(proxies).post(path, data=form, headers={**CLAIMED, "X-Twilio-Signature": signed}).status_code

    assert status(services.PUBLIC_BASE_URL) == 204
    assert status("https://evil.example") == 403


@pytest.mark.parametrize("value", ["-1", "11", "all"])
def test_a_number_of_proxies_that_cannot_be_is_refused(environment, monkeypatch, value):
    for name, known in (environment | {"TRUSTED_PROXIES": value}).items():
        monkeypatch.setenv(name, known)
    with pytest.raises(SettingsInvalid, match="TRUSTED_PROXIES"):
        Settings.from_environ()
