"""Home and the set-up list in a browser: axe, narrow windows, and numbers that lead where they say."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.test_accessibility import AXE, LOOKS, Judge

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.mark.looks
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(people, look):
    for page, paths in (
        (people.root(**LOOKS[look]).page, ("/", "/set-up")),
        (people.ada(**LOOKS[look]).page, ("/", "/contacts/tasks?due=yes", "/voicemail?new=yes")),
    ):
        page.context.add_init_script(AXE)
        judge = Judge(page)
        for path in paths:
            page.goto(path)
            judge.look(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= LOOKS[look]["viewport"]["width"], path
        assert judge.found == []


def test_home_leads_to_what_waits_and_to_what_is_to_be_set_up(people):
    page = people.root().page
    waiting = page.get_by_role("region", name="Waiting for you")
    waiting.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Missed calls", level=1)).to_be_visible()
    page.goto("/")
    set_up = page.get_by_role("region", name="Set-up")
    expect(set_up).to_contain_text("E-mail")
    set_up.get_by_role("link", name="Whole list").click()
    expect(page.get_by_role("heading", name="Set-up", level=1)).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Worker and scheduler")).to_be_visible()
