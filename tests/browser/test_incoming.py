"""Calls that ring."""

import re

import pytest
from playwright.sync_api import expect

from browser.people import ADA_HZ, BO_HZ, PRIYA, SALES, SUPPORT

pytestmark = pytest.mark.browser

# Notes when the last card of a ringing call went away.
WATCH_CARDS = """() => {
  const place = document.querySelector('#phone [data-part="incoming"]');
  new MutationObserver(() => {
    if (!place.childElementCount) globalThis.testGoneAt ??= Date.now();
  }).observe(place, { childList: true });
}"""


def test_an_accepted_call_is_heard_at_both_ends(ada, exchange):
    caller = exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    card = ada.card("Priya Raman")
    for words in ("(312) 555-0100", "Lakeside Dental", "Sales line"):
        expect(card).to_contain_text(words)
    expect(ada.page).to_have_title("Priya Raman calling")
    card.get_by_role("button", name="Accept").click()
    ada.is_("active")
    ada.hears(600)
    caller.hears(ADA_HZ)
    expect(card).to_have_count(0)
    expect(ada.page).not_to_have_title("Priya Raman calling")
    call_id = ada.call["id"]
    caller.hang_up()
    ada.says("Call ended")
    ada.go("Calls")
    row = ada.page.locator(f"#call-{call_id}")
    expect(row.get_by_role("link", name="Priya Raman", exact=True)).to_be_visible()
    expect(row).not_to_contain_text("Missed")


def test_a_rejected_caller_is_told_that_nobody_is_there_and_the_call_counts_as_missed(ada, exchange):
    caller = exchange.ring(SALES, from_=PRIYA, behaviour="silent")
    ada.is_("incoming")
    call_id = ada.eventually(lambda: ada.page.evaluate("() => voipcrmPhone.incoming[0]?.id"))
    ada.card("Priya Raman").get_by_role("button", name="Reject").click()
    ada.says("You rejected the call.")
    caller.over()  # after the message
    ada.page.goto(f"/calls/{call_id}")
    expect(ada.page.locator("#call")).to_contain_text("Missed: nobody answered")


def test_a_caller_who_gives_up_leaves_no_card_but_a_missed_call(ada, exchange):
    exchange.ring(SALES, from_=PRIYA, behaviour="silent", give_up_after=2)
    ada.is_("incoming")
    call_id = ada.eventually(lambda: ada.page.evaluate("() => voipcrmPhone.incoming[0]?.id"))
    expect(ada.card("Priya Raman")).to_have_count(0, timeout=30_000)
    ada.says("The caller hung up before an answer.")
    ada.page.goto(f"/calls/{call_id}")
    expect(ada.page.locator("#call")).to_contain_text("Missed: the caller hung up first")


def test_the_first_of_two_agents_wins_and_the_other_learns_who_it_was(ada, bo, exchange):
    caller = exchange.ring(SUPPORT, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    bo.is_("incoming")
    bo.page.evaluate(WATCH_CARDS)
    ada.card("Priya Raman").get_by_role("button", name="Accept").click()
    ada.is_("active")
    bo.eventually(lambda: not bo.page.evaluate("() => voipcrmPhone.incoming.length"))
    answered_at, gone_at = ada.call["answeredAt"], bo.page.evaluate("() => globalThis.testGoneAt")
    assert gone_at - answered_at < 1000  # ms, both by this machine's clock
    bo.says("Answered by Ada Ortiz.")
    ada.hears(600)
    caller.hears(ADA_HZ)
    assert bo.call is None
    ada.end()
    caller.over()
    ada.go("Calls")
    expect(ada.page.locator("#calls tbody tr").first).to_contain_text("Ada Ortiz")


def test_colleagues_call_each_other_by_name(ada, bo):
    ada.dock.get_by_role("tab", name="Recent").click()
    ada.dock.get_by_role("tab", name="Contacts").click()  # asks anew who is at the phone
    row = ada.dock.get_by_role("listitem").filter(has_text="Bo Becker")
    expect(row).to_contain_text("Available")
    row.get_by_role("button", name="Call Bo Becker").click()
    bo.is_("incoming")
    bo.card("Ada Ortiz").get_by_role("button", name="Accept").click()
    ada.is_("active")
    ada.hears(BO_HZ)
    bo.hears(ADA_HZ)
    expect(ada.dock.get_by_label("Active call")).to_contain_text("Bo Becker")
    bo.end()
    ada.says("Call ended", "Bo Becker")
    for person, colleague in ((ada, "Bo Becker"), (bo, "Ada Ortiz")):
        person.go("Calls")
        row = person.page.locator("#calls tbody tr").first
        expect(row).to_contain_text(colleague)
        expect(row).to_contain_text(re.compile(r"Internal"))


def test_a_second_caller_waits_in_a_card_and_accepting_puts_the_first_on_hold(ada, exchange):
    first = exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    ada.card("Priya Raman").get_by_role("button", name="Accept").click()
    ada.is_("active")
    ada.hears(600)
    second = exchange.ring(SALES, from_="+15055550100", behaviour="tone:700")
    card = ada.card("Tomás Herrera")
    expect(card).to_contain_text("Accepting puts Priya Raman on hold.")
    card.get_by_role("button", name="Accept").click()
    ada.hears(700)
    second.hears(ADA_HZ)
    first.hears(262)
    parked = ada.dock.get_by_role("region", name="On hold: Priya Raman")
    parked.get_by_role("button", name="Resume").click()
    ada.hears(600)
    first.hears(ADA_HZ)
    second.hears(262)
