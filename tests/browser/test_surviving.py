"""A call lives outside the page: nothing that happens to the page ends it."""

import re

import pytest
from playwright.sync_api import expect

from browser.people import ADA_HZ, STEADY, STEADY_HZ

pytestmark = pytest.mark.browser

PLACES = ("Contacts", "Calls", "Recordings", "Home")
HEADINGS = {"Home": "Hello, Ada"}

# Notes every word on the call's badge: some stand there for a moment only.
WATCH_BADGE = """() => {
  const badge = document.querySelector('#phone [data-part="call-phase"]');
  globalThis.testBadges = [];
  const options = { childList: true, characterData: true, subtree: true };
  new MutationObserver(() => globalThis.testBadges.push(badge.textContent)).observe(badge, options);
}"""


@pytest.fixture
def talking(ada, exchange):
    """Ada's phone and the far end, each hearing the other; at the end the test's call still must be that one."""
    ada.talk_to(STEADY)
    far_end = exchange.called(STEADY)
    ada.hears(STEADY_HZ)
    far_end.hears(ADA_HZ)
    ada.mark_document()
    call_id = ada.call["id"]
    yield ada, far_end
    assert ada.same_document
    assert (ada.state, ada.call["id"]) == ("active", call_id)
    ada.hears(STEADY_HZ)
    far_end.hears(ADA_HZ)
    ada.end()
    far_end.over()


def test_twenty_pages_then_back_and_forward(talking):
    ada, _ = talking
    page = ada.page
    for turn in range(20):
        place = PLACES[turn % len(PLACES)]
        ada.go(place)
        expect(page.locator("#main h1")).to_have_text(HEADINGS.get(place, place))
    page.go_back()
    expect(page.locator("#main h1")).to_have_text("Recordings")
    page.go_back()
    expect(page.locator("#main h1")).to_have_text("Calls")
    page.go_forward()
    expect(page.locator("#main h1")).to_have_text("Recordings")


def test_filters_and_a_form(talking):
    ada, _ = talking
    page = ada.page
    ada.go("Calls")
    page.get_by_label("Outcome").select_option("live")
    expect(page).to_have_url(re.compile("outcome=live"))
    expect(page.locator("#calls tbody tr")).to_have_count(1)
    page.get_by_label("Name or number").fill("no such person")
    expect(page.locator("#calls")).to_contain_text("No call matches")
    page.get_by_role("link", name="Clear filters").click()
    expect(page).not_to_have_url(re.compile("outcome="))

    ada.go("Contacts")
    page.locator("#contacts-q").fill("Leila")
    page.locator("#results").get_by_role("link", name="Leila Farouk", exact=True).click()
    page.get_by_role("link", name="Edit").click()
    form = page.locator("#person-form")
    form.get_by_label("Note").fill("Called her in the middle of a call.")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#main h1")).to_have_text("Leila Farouk")
    expect(page.locator("#main")).to_contain_text("Called her in the middle of a call.")


def test_a_server_that_fails_and_a_server_that_is_gone(talking):
    ada, _ = talking
    page = ada.page
    ada.go("Contacts")
    page.route("**/calls", lambda route: route.fulfill(status=500, content_type="text/html", body="<h1>Oops</h1>"))
    page.locator("#nav").get_by_role("link", name="Calls", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("500")
    expect(page.locator("#main h1")).to_have_text("Contacts")
    page.unroute("**/calls")
    page.route("**/admin/voip/recordings", lambda route: route.abort("connectionrefused"))
    page.locator("#nav").get_by_role("link", name="Recordings").click()
    expect(page.locator("#toasts")).to_contain_text("did not answer")
    expect(page.locator("#main h1")).to_have_text("Contacts")
    page.unroute("**/admin/voip/recordings")
    ada.go("Recordings")


def test_a_lost_signalling_socket(talking, exchange):
    ada, far_end = talking
    ada.page.evaluate(WATCH_BADGE)
    assert exchange.drop_signalling(ada.identity) == 1
    ada.eventually(lambda: "Reconnecting" in ada.page.evaluate("() => globalThis.testBadges"))
    far_end.hears(ADA_HZ)  # sound has a way of its own
    ada.is_("active")
    ada.eventually(lambda: exchange.devices(ada.identity))


def test_leaving_the_page_asks_first(talking):
    ada, _ = talking
    asked = []
    ada.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    ada.page.evaluate("() => { location.reload(); }")
    ada.eventually(lambda: asked)
    assert asked == ["beforeunload"]


def test_a_ringing_phone_asks_too_but_a_quiet_one_does_not(people, exchange):
    ada = people.ada().start()
    asked = []
    ada.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    ada.dial("+12125550103")  # never answers
    ada.is_("ringing")
    ada.page.evaluate("() => { location.reload(); }")
    ada.eventually(lambda: asked)
    ada.end()
    ada.page.reload()
    assert asked == ["beforeunload"]
    ada.is_("ready")  # by itself: it was on before
