"""Analytics in a browser: axe, narrow windows, and a number that leads to its calls."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.people import PRIYA
from browser.test_accessibility import AXE, LOOKS, Judge

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def a_call_today(people, exchange):
    """Ada called somebody, so that there is something to add up."""
    ada = people.ada().start()
    ada.page.goto("/contacts/persons")
    ada.page.locator(f"#main a[href='tel:{PRIYA}']").first.click()
    ada.is_("active")
    ada.end()
    ada.says("Call ended")


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(people, a_call_today, look):
    page = people.root(**LOOKS[look]).page
    page.context.add_init_script(AXE)
    judge = Judge(page)
    for path in ("/analytics?period=7d", "/analytics?since=2020-01-01&until=2020-01-02", "/analytics?since=2020-01-01"):
        page.goto(path)
        judge.look(path)
    page.goto("/analytics?period=today")
    for more in page.locator("details > summary").all():
        more.click()
    judge.look("with all tables")
    assert judge.found == []
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_number_leads_to_its_calls_and_back(people, a_call_today):
    page = people.root("/analytics?period=today", viewport={"width": 1440, "height": 900}).page
    number = page.locator(".stats .figures-link").first
    count = int(number.inner_text().replace(",", ""))
    assert 0 < count <= 50
    number.click()
    expect(page.locator("h1")).to_have_text("Calls")
    expect(page.locator("tr[id^='call-']")).to_have_count(count)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Analytics")
