"""Analytics in a browser: a number leads to its calls, and back; what is drawn keeps to our policy."""

from __future__ import annotations

import pytest
from browsers import until
from playwright.sync_api import expect

from browser.people import PRIYA, SALES
from browser.test_accessibility import AXE, LOOKS, Judge

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PAGE = 50  # rows of the list of calls at most
BROKEN_POLICY = "() => { addEventListener('securitypolicyviolation', () => { window.isPolicyBroken = true; }); }"


@pytest.fixture
def a_call(exchange):
    """There is one call today: somebody rings and gives up."""
    exchange.ring(SALES, from_=PRIYA, behaviour="silent", give_up_after=1).over()


def test_a_number_leads_to_its_calls_and_back(people, a_call):
    page = people.root().page
    page.evaluate(BROKEN_POLICY)
    page.get_by_role("link", name="Analytics").click()
    expect(page.locator("h1")).to_have_text("Analytics")
    page.get_by_role("link", name="Last 7 days").click()
    expect(page.locator(".periods [aria-current]")).to_have_text("Last 7 days")
    expect(page.locator("rect.chart__missed").first).to_be_visible()
    expect(page.get_by_role("heading", name="By line")).to_be_visible()  # the part that comes after the page
    number = page.locator("dd .stat__value [data-calls]").last
    count = int(number.get_attribute("data-calls") or 0)
    assert count > 0
    number.click()
    expect(page.locator("h1")).to_have_text("Calls")
    expect(page.locator("tr[id^=call-]")).to_have_count(min(count, PAGE))
    page.go_back()
    expect(page.locator("h1")).to_have_text("Analytics")
    expect(page.locator(".periods [aria-current]")).to_have_text("Last 7 days")
    until(page, "document.querySelectorAll('rect.chart__missed').length > 0")
    assert page.evaluate("() => window.isPolicyBroken ?? false") is False


@pytest.mark.looks
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_the_page_is_not_wider_than_the_window(people, a_call, look):
    page = people.root("/analytics?period=7d", **LOOKS[look]).page
    page.context.add_init_script(AXE)
    page.reload()
    for more in page.locator("details > summary").all():
        more.click()
    judge = Judge(page)
    judge.look(look)
    assert judge.found == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= LOOKS[look]["viewport"]["width"]
