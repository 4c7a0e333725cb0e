"""The steps of a route through the phone network: who rings, in which order, and who is reached at last."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.deleting import GROUPS, ROUTES, delete
from browser.people import PRIYA, STEADY, STEADY_HZ, SUPPORT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def route(people, word):
    """route(fill): a route for Support that is tried first, made by `fill(page)` in its form; gone after the test."""
    page, name = people.root().page, f"Under test {word}"

    def make(fill) -> None:
        page.goto(ROUTES + "create")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Calls to").select_option(label="Support, (202) 555-0141")
        fill(page)
        page.get_by_role("button", name="Save", exact=True).last.click()
        expect(page.locator("#main")).to_contain_text("Saved.")
        for place in (1, 0):
            page.get_by_role("button", name=f"Move {name} up").click()
            expect(page.locator(".route h2").nth(place)).to_have_text(name)

    yield make
    delete(page, ROUTES, name)


@pytest.fixture
def group(people, word):
    """The name of a ring group: Bo, then Ada. Listed before `route`, which uses it and so must go first."""
    page, name = people.root().page, f"In turn {word}"
    page.goto(GROUPS + "create")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("How it rings").select_option("in-order")
    page.get_by_label("Person 1", exact=True).select_option(label="Bo Becker")
    page.get_by_role("button", name="Add person").click()
    page.get_by_label("Person 2", exact=True).select_option(label="Ada Ortiz")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#main")).to_contain_text("Saved.")
    yield name
    delete(page, GROUPS, name)


def test_when_nobody_answers_the_number_of_the_next_step_does(ada, exchange, route):
    def fill(page) -> None:
        page.get_by_role("checkbox", name="Ada Ortiz").check()
        page.get_by_label("Ring for (seconds)").fill("5")
        page.get_by_role("button", name="Add step: call a number").click()
        page.get_by_label("Number", exact=True).fill(STEADY)

    route(fill)
    caller = exchange.ring(SUPPORT, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    mobile = exchange.called(STEADY)
    mobile.hears(600)
    caller.hears(STEADY_HZ)
    expect(ada.card("Priya Raman")).to_have_count(0)
    caller.hang_up()
    mobile.over()
    ada.go("Calls")
    expect(ada.page.locator("#calls")).not_to_contain_text("Ringing")


def test_one_after_another_rings_the_second_when_the_first_does_not_answer(ada, bo, exchange, group, route):
    def fill(page) -> None:
        page.get_by_label("Ring group").select_option(label=group)
        page.get_by_label("Ring for (seconds)").fill("6")

    route(fill)
    caller = exchange.ring(SUPPORT, from_=PRIYA, behaviour="tone:600")
    bo.is_("incoming")
    assert ada.state == "ready"
    ada.is_("incoming")
    expect(bo.card("Priya Raman")).to_have_count(0)
    ada.card("Priya Raman").get_by_role("button", name="Accept").click()
    ada.is_("active")
    ada.hears(600)
    caller.hang_up()
    ada.says("Call ended")
