"""Trunks in a browser: set up, tested against a real SIP server, and called through, also when the first one fails."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.people import STEADY_HZ
from browser.test_accessibility import AXE, LOOKS, Judge
from voipcrm.cli.demo.cast import TRUNK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TRUNKS = "/admin/voip/trunks"
NUMBER, PREFIX = "+12085550108", "+1 208"  # a steady tone; nobody else's prefix


@pytest.fixture
def trunks(people, live, word):
    """Root's page of trunks; the trunks whose name has the test's word go in the end."""
    page = people.root(TRUNKS).page
    yield page
    while True:
        page.goto(TRUNKS)
        mine = page.locator(".trunk h2 a", has_text=word)
        if not mine.count():
            return
        mine.first.click()
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name=re.compile("Delete trunk|Retire trunk")).click()
        expect(page.locator("#main")).to_contain_text(re.compile("Deleted|Retired"))


def add(page, live, name: str, user: str) -> None:
    """A trunk to the sandbox's SIP provider."""
    page.get_by_role("link", name="Add trunk").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Host", exact=True).fill("127.0.0.1")
    page.get_by_label("Port", exact=True).fill(live.sandbox_url.rpartition(":")[2])
    page.get_by_label("User name", exact=True).fill(user)
    page.get_by_label("Password", exact=True).fill(TRUNK[2])
    page.get_by_label("Outgoing calls to numbers").fill(PREFIX)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#main")).to_contain_text("Saved.")


@pytest.mark.looks
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_a_form_half_filled_and_in_mistakes(people, look):
    page = people.root(**LOOKS[look]).page
    page.context.add_init_script(AXE)
    page.reload()
    judge = Judge(page)
    page.goto(f"{TRUNKS}/create")
    page.get_by_label("By the addresses that calls come from").check()
    judge.look("known by address")
    page.get_by_label("Name", exact=True).fill("Mistaken")
    page.get_by_label("Host", exact=True).fill("169.254.169.254")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    judge.look("a form with mistakes")
    assert judge.found == []


def test_the_demos_trunk_is_tested_by_itself(trunks):
    demo = trunks.locator(".trunk", has_text=TRUNK[0])
    expect(demo).to_contain_text("It answers and took the password.", timeout=90_000)


def test_a_call_goes_on_when_its_trunk_fails_and_its_page_tells_the_way(trunks, live, ada, people, word):
    add(trunks, live, f"Broken {word}", "down")
    add(trunks, live, f"Backup {word}", "demo")
    trunks.evaluate("() => { window.sameDocument = true; }")
    broken, backup = (trunks.locator(".trunk", has_text=f"{kind} {word}") for kind in ("Broken", "Backup"))
    broken.get_by_role("button", name="Test").press("Enter")
    expect(broken).to_contain_text("It answers that it can’t take calls now (503).")
    expect(broken.get_by_role("button", name="Test")).to_be_focused()
    backup.get_by_role("button", name="Test").click()
    expect(backup).to_contain_text("It answers and took the password.")
    expect(backup).to_contain_text(re.compile(r"\d+ ms, Today"))
    assert trunks.evaluate("() => window.sameDocument")

    ada.talk_to(NUMBER)
    ada.hears(STEADY_HZ)
    trunks.goto(TRUNKS)
    expect(backup).to_contain_text("1 of 10 calls")
    expect(broken).to_contain_text("0 of 10 calls")
    call_id = ada.call["id"]
    ada.end()
    page = people.bo(f"/calls/{call_id}").page
    steps = page.locator("#main")
    expect(steps).to_contain_text(f"Sent through Broken {word}")
    expect(steps).to_contain_text(f"Broken {word} could not take the call (503); sent through Backup {word}")
    expect(steps).to_contain_text("Answered")
    trunks.goto(TRUNKS)
    expect(backup).to_contain_text("0 of 10 calls")
