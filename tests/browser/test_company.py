"""The company's page in a browser: its colours and name change under a running phone, and stay readable."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_accessibility import AXE, LOOKS, Judge

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
COMPANY = "/settings/company"
YELLOW, BRAND = "#f2a900", "() => getComputedStyle(document.documentElement).getPropertyValue('--brand').trim()"


@pytest.fixture
def root_page(people):
    """Root's page of the company, by look; what he decided is taken back in the end."""
    opened = []

    def make(look: str = "light"):
        page = people.root(COMPANY, **LOOKS[look]).page
        page.context.add_init_script(AXE)
        page.reload()
        opened.append(page)
        return page

    yield make
    for page in opened:
        page.goto(COMPANY)
        while (back := page.get_by_role("button", name="Back to default")).count():
            back.first.click()
            expect(page.locator("#main")).to_contain_text("As it was set up.")
            page.goto(COMPANY)


def part(page, name: str):
    return page.locator(f"form[aria-labelledby=company-{name}]")


def test_saving_changes_name_and_colour_of_the_page_that_stays(root_page):
    page = root_page()
    page.evaluate("() => { window.isSame = true; }")
    page.get_by_label("Company name").fill("Northwind Calls")
    page.get_by_label("Colour", exact=True).fill(YELLOW)
    part(page, "look").get_by_role("button", name="Save").click()
    expect(page.locator("#main")).to_contain_text("Saved.")
    expect(page.locator("#brand")).to_have_text("Northwind Calls")
    page.wait_for_function(f"() => ({BRAND})() === '{YELLOW}'")
    assert page.evaluate("() => window.isSame") is True
    page.locator("#nav").get_by_role("link", name="Calls", exact=True).click()
    expect(page.locator("h1")).to_have_text("Calls")
    assert page.evaluate(BRAND) == YELLOW


@pytest.mark.looks
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_also_with_a_colour_that_is_hard_to_read(root_page, look):
    page = root_page(look)
    judge = Judge(page)
    judge.look("plain")
    page.get_by_label("Colour", exact=True).fill("#ffe680")
    part(page, "look").get_by_role("button", name="Save").click()
    expect(page.locator("#main")).to_contain_text("Saved.")
    for path in (COMPANY, "/", "/calls", "/contacts/persons", "/settings/roles"):
        page.goto(path)
        judge.look(path)
    page.goto(COMPANY)
    for box in part(page, "dialling").get_by_role("checkbox", checked=True).all():
        box.uncheck()
    part(page, "dialling").get_by_role("button", name="Save").click()
    expect(page.locator("#dial_countries-error")).to_be_visible()
    judge.look("a mistake")
    assert judge.found == []


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_the_window(people, width):
    page = people.root(COMPANY, viewport={"width": width, "height": 800}).page
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
