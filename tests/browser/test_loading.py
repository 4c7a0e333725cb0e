"""The moment before the phone's script has come, and a script that does not come."""

import pytest
from playwright.sync_api import Route, expect

from browser.people import STEADY

pytestmark = pytest.mark.browser

PHONE, SDK = "**/js/phone/main.js*", "**/twilio.min.js*"


def test_what_is_pressed_before_the_phone_has_loaded_is_done_once_it_has(people, exchange):
    ada = people.ada()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    ada.page.route(PHONE, hold)
    ada.page.goto("/contacts/persons?q=555-0108", wait_until="commit")
    ada.press("Start taking calls")
    expect(ada.button("Start taking calls")).to_have_attribute("aria-busy", "true")
    expect(ada.dock).to_contain_text("The phone is loading. It does what you chose as soon as it is there.")
    expect(ada.page.locator("#say")).to_contain_text("The phone is loading.")
    ada.dock.get_by_role("tab", name="Keypad").click()
    ada.page.locator(f"#main a[href='tel:{STEADY}']").first.click()
    ada.eventually(lambda: held, told=lambda: "the script was not asked for")
    held[0].continue_()
    expect(ada.dock.get_by_role("tab", name="Keypad")).to_have_attribute("aria-selected", "true")
    expect(ada.dock.get_by_text("The phone is loading.")).to_be_hidden()
    ada.is_("active")
    exchange.called(STEADY)
    expect(ada.page.locator("[aria-busy=true]")).to_have_count(0)
    ada.end()


def test_a_phone_that_does_not_load_says_so_and_offers_to_reload(people):
    ada = people.ada()
    ada.page.route(PHONE, lambda route: route.abort())
    ada.page.reload()
    missing = ada.dock.get_by_label("Phone not loaded")
    expect(missing).to_contain_text("Check your internet connection, then reload the page.")
    expect(ada.page.locator("#say")).to_contain_text("The phone has not loaded.")
    expect(ada.button("Start taking calls")).to_be_hidden()
    ada.page.unroute(PHONE)
    ada.page.route(SDK, lambda route: route.abort())
    missing.get_by_role("link", name="Reload the page").click()
    expect(ada.dock.get_by_label("Phone problem")).to_contain_text("The phone could not be loaded.")
    ada.page.unroute(SDK)
    ada.press("Try again")
    expect(ada.dock.locator("[data-part=status]")).to_have_text("Off")
    expect(ada.button("Start taking calls")).to_be_visible()
