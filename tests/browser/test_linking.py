"""Whom a call is with, chosen in its card; contacts merged and taken apart; two who edit the same one."""

import random

import pytest
from playwright.sync_api import expect

from browser.people import SALES
from browser.test_accessibility import LOOKS, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def add(page, name: str, number: str) -> str:
    """A contact; its address."""
    page.goto("/contacts/persons/create")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Number 1", exact=True).fill(number)
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.locator("#main h1")).to_have_text(name)
    return page.url


def delete(page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete contact").click()
    expect(page.locator("#main")).to_contain_text("Deleted")


@pytest.mark.parametrize("look", LOOKS)
def test_a_shared_number_is_given_to_one_of_them_during_the_call(people, exchange, look):
    ada, judge = opened(people, look)
    page, number = ada.page, f"+1312555{random.randint(160, 199):04}"
    first = add(page, "Zelda Shares", number)
    second = add(page, "Zelda Twin", number)
    ada.start()
    caller = exchange.ring(SALES, from_=number, behaviour="tone:600")
    ada.is_("incoming")
    ada.card("Zelda Twin").get_by_role("button", name="Accept").click()
    ada.is_("active")
    about = ada.dock.locator("#phone-call-contact")
    expect(about).to_contain_text("is shared by")
    judge.look("the card of the call")
    about.get_by_role("button", name="It is Zelda Shares").first.click()
    expect(ada.dock.locator("[data-part=call-name]")).to_have_text("Zelda Shares")
    expect(about).to_contain_text("linked by Ada")

    call_id = ada.call["id"]
    caller.hang_up()
    ada.says("Call ended")
    page.goto(f"/calls/{call_id}")
    expect(page.locator("#call-contact")).to_contain_text("Zelda Shares")
    judge.look("the page of the call")
    page.get_by_role("button", name="Undo the link to Zelda Shares").click()
    expect(page.locator("#call-contact")).to_contain_text("Zelda Twin")
    page.locator("#call-contact").get_by_role("link", name="Change").click()
    expect(page.locator("#main h1")).to_have_text("Who is this?")
    page.get_by_label("Somebody else").press_sequentially("priya", delay=20)
    expect(page.locator("#link-found")).to_contain_text("Priya Raman")
    judge.look("the choice of a contact")
    page.goto("/contacts/duplicates?by=number")
    judge.look("duplicates")
    page.goto(second + "/merge")
    judge.look("merge with whom")
    page.get_by_role("link", name="Compare with Zelda Shares").first.click()
    expect(page.locator("#main h1")).to_have_text("Merge into one")
    judge.look("side by side")
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.locator("#main")).to_contain_text("became part of this contact")
    judge.look("merged")
    page.get_by_role("button", name="Undo merge with").click()
    expect(page.locator("#main")).to_contain_text("of their own again")
    page.goto(first + "/edit")
    other = page.context.new_page()
    other.goto(first + "/edit")
    other.get_by_label("Note", exact=True).fill("By the other")
    other.get_by_label("Name", exact=True).press("Enter")
    expect(other.locator("#main")).to_contain_text("Saved.")
    other.close()
    page.get_by_label("Note", exact=True).fill("By this one")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.locator("#main h1")).to_have_text("Changed meanwhile")
    judge.look("changed meanwhile")
    page.get_by_label("Both", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#main")).to_contain_text("By the other")
    expect(page.locator("#main")).to_contain_text("By this one")
    for address in (first, second):
        delete(page, address)
    assert "\n".join(judge.found) == ""
