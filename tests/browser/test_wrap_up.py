"""Wrap-up in a real browser: it is there after a reload, keeps what is typed, and keeps calls away until it is done."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from browser.people import SALES, STEADY
from browser.test_accessibility import AXE, LOOKS, Judge

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def asked(people):
    """Agents wrap up in this test, with a disposition of its own, whose name this is."""
    page = people.root("/settings/dispositions").page
    name = f"Sold {uuid4().hex[:6]}"
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("link", name=name)).to_be_visible()
    _policy(page, on=True)
    yield name
    _policy(page, on=False)
    page.get_by_role("button", name=f"Retire {name}").click()
    expect(page.get_by_role("button", name=f"Use {name} again")).to_be_visible()


def _policy(page, *, on: bool) -> None:
    page.goto("/settings/dispositions")
    page.get_by_label("Ask agents after each call").set_checked(on)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def test_a_call_is_wrapped_up_after_a_reload_by_the_keyboard(ada, exchange, asked):
    ada.talk_to(STEADY)
    call_id = ada.call["id"]
    ada.page.wait_for_timeout(1200)  # a talk of no second is none
    ada.end()
    form = ada.dock.locator(".wrap-up")
    expect(form).to_contain_text("Steady tone")
    with ada.page.expect_response(re.compile("/draft$")):
        form.get_by_label("Note").press_sequentially("Wants two of")
    ada.page.reload()
    expect(form.get_by_label("Note")).to_have_value("Wants two of")
    expect(form).to_contain_text("No calls ring meanwhile")

    rung = exchange.ring(SALES, from_="+12125550177", behaviour="echo")
    rung.over()  # nobody is rung: the caller hears so and is gone
    assert ada.page.evaluate("() => globalThis.voipcrmPhone.incoming.length") == 0

    form.get_by_label(asked).focus()
    ada.page.keyboard.press("Space")
    form.get_by_label("On", exact=True).fill("2027-01-05")
    ada.page.keyboard.press("Alt+Shift+S")
    expect(form).to_have_count(0)
    ada.page.goto(f"/calls/{call_id}")
    about = ada.page.locator("#call-about")
    expect(about).to_contain_text("Wants two of")
    expect(about).to_contain_text("Wrapped up by Ada Ortiz")
    expect(about.get_by_label("Disposition")).to_have_value(re.compile(r"[1-9]"))
    ada.page.goto("/contacts/tasks")
    row = ada.page.get_by_role("listitem").filter(has_text="Steady tone").filter(has_text="5 Jan")
    row.first.get_by_role("button", name=re.compile("^Done")).click()


def test_skipping_in_one_tab_ends_it_in_the_other(ada, asked):
    ada.talk_to(STEADY)
    ada.page.wait_for_timeout(1200)
    ada.end()
    expect(ada.dock.locator(".wrap-up")).to_be_visible()
    other = ada.page.context.new_page()
    other.goto("/contacts/persons")
    expect(other.locator(".wrap-up")).to_be_visible()
    other.locator(".wrap-up").get_by_role("button", name="Skip").click()
    expect(other.locator(".wrap-up")).to_have_count(0)
    expect(ada.dock.locator(".wrap-up")).to_have_count(0, timeout=30_000)


@pytest.mark.looks
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(people, asked, look):
    root = people.root("/settings/dispositions", **LOOKS[look]).page
    root.context.add_init_script(AXE)
    judge = Judge(root)
    for path in ("/settings/dispositions", "/calls/missed", "/calls/missed?show=done"):
        root.goto(path)
        judge.look(path)
    ada = people.ada(**LOOKS[look])
    ada.page.context.add_init_script(AXE)
    ada.page.reload()
    ada.start()
    ada.talk_to(STEADY)
    ada.page.wait_for_timeout(1200)
    ada.end()
    form = ada.dock.locator(".wrap-up")
    expect(form).to_be_visible()
    ada.page.goto(form.get_by_role("link").get_attribute("href"))
    expect(form).to_be_visible()
    mine = Judge(ada.page)
    mine.look("a wrap-up")
    form.get_by_role("button", name="Skip").click()
    expect(form).to_have_count(0)
    assert judge.found + mine.found == []
