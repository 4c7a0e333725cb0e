"""Several tabs of one person are one phone."""

import pytest
from playwright.sync_api import expect

from browser.handset import Handset
from browser.people import ADA_HZ, PRIYA, SALES

pytestmark = pytest.mark.browser


@pytest.fixture
def second(ada):
    """Another tab of Ada's."""
    page = ada.page.context.new_page()
    page.goto("/calls")
    tab = Handset(page, ada.identity)
    tab.eventually(lambda: tab.tab == "follower")
    return tab


def test_one_tab_rings_and_the_other_answers_mutes_and_ends_for_it(ada, second, exchange):
    assert len(exchange.devices(ada.identity)) == 1
    assert ada.tab == "owner"
    expect(second.dock.get_by_label("Phone in another tab")).to_be_visible()
    caller = exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    expect(second.card("Priya Raman")).to_be_visible()
    second.card("Priya Raman").get_by_role("button", name="Accept").click()
    ada.is_("active")
    ada.hears(600)
    caller.hears(ADA_HZ)
    expect(second.dock.get_by_label("Active call")).to_contain_text("Priya Raman")
    second.press("Mute")
    caller.hears(0)
    expect(ada.button("Mute")).to_have_attribute("aria-pressed", "true")
    second.press("End call")
    ada.says("Call ended", "Priya Raman")
    second.says("Call ended", "Priya Raman")
    caller.over()


def test_the_phone_moves_to_another_tab_but_not_during_a_call(ada, second, exchange):
    caller = exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    ada.card("Priya Raman").get_by_role("button", name="Accept").click()
    ada.is_("active")
    second.press("Use here")
    expect(second.page.locator("#toasts")).to_contain_text("There is a call in the other tab.")
    assert ada.state == "active"
    ada.end()
    caller.over()
    with second.becomes_available():
        second.press("Use here")
    second.eventually(lambda: second.tab == "owner" and second.state == "ready")
    ada.eventually(lambda: ada.tab == "follower")
    second.eventually(lambda: len(exchange.devices(ada.identity)) == 1)
    exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    second.is_("incoming")
    second.card("Priya Raman").get_by_role("button", name="Accept").click()
    second.hears(600)


def test_the_tab_that_is_left_takes_the_phone_over(ada, second, exchange):
    with second.becomes_available():
        ada.page.close()
    second.eventually(lambda: second.tab == "owner" and second.state == "ready")
    exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    second.is_("incoming")
