"""Turning the phone on, and keeping it on."""

import json
import time

import jwt
import pytest
from dotenv import dotenv_values
from playwright.sync_api import expect

from browser.people import ADA_HZ, PRIYA, SALES

pytestmark = pytest.mark.browser

SHORT_LIFE_SECONDS = 12  # of a token


def test_a_refused_microphone_is_explained_with_what_to_do(people, exchange):
    ada = people.ada(permissions=["notifications"])
    ada.press("Start taking calls")
    ada.is_("no-mic")
    problem = ada.dock.get_by_label("Phone problem")
    expect(problem).to_contain_text("Your browser blocks the microphone for this site.")
    expect(problem).to_contain_text("Select the icon at the left of the address bar, turn Microphone on")
    assert exchange.devices(ada.identity) == []  # nobody rings a phone that cannot talk
    ada.page.context.grant_permissions(["microphone"])
    ada.press("Try again")
    ada.is_("ready")
    expect(problem).to_be_hidden()


def test_the_phone_is_off_until_it_is_started_and_then_starts_with_the_page(people, exchange):
    ada = people.ada()
    assert ada.state == "off"
    assert exchange.devices(ada.identity) == []
    ada.start()
    expect(ada.dock.locator("[data-part=status]")).to_have_class("badge badge--good")
    ada.page.reload()
    ada.is_("ready")
    ada.press("Stop taking calls")
    ada.is_("off")
    ada.page.reload()
    ada.page.wait_for_timeout(500)
    assert ada.state == "off"
    assert exchange.devices(ada.identity) == []


def test_a_token_is_renewed_before_it_expires_and_the_phone_goes_on_ringing(people, exchange, live):
    ada = people.ada()
    secret = dotenv_values(live.folder / "settings.env")["TWILIO_API_KEY_SECRET"]
    lives: list[int] = []

    def shorten(route):
        """The first token lives for a moment only, the later ones as long as the server says."""
        answer = route.fetch()
        told = answer.json()
        if not lives:
            header, claims = jwt.get_unverified_header(told["token"]), jwt.decode(told["token"], options=UNCHECKED)
            claims["exp"] = int(time.time()) + SHORT_LIFE_SECONDS
            told |= {"token": jwt.encode(claims, secret, headers=header), "ttl": SHORT_LIFE_SECONDS}
        lives.append(told["ttl"])
        route.fulfill(response=answer, body=json.dumps(told))

    ada.page.route("**/api/voip/token", shorten)
    ada.start()
    began = time.monotonic()
    (device,) = exchange.devices(ada.identity)
    assert device["token_ttl"] <= SHORT_LIFE_SECONDS
    ada.eventually(lambda: len(lives) == 2)
    ada.eventually(lambda: time.monotonic() > began + SHORT_LIFE_SECONDS + 1)  # the first would be dead by now
    assert ada.state == "ready"
    (device,) = exchange.devices(ada.identity)
    assert device["token_ttl"] > SHORT_LIFE_SECONDS
    caller = exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    ada.card("Priya Raman").get_by_role("button", name="Accept").click()
    ada.hears(600)
    caller.hears(ADA_HZ)


UNCHECKED = {"verify_signature": False}
