"""A caller leaves a message in a mailbox, and the one it is for hears it."""

from __future__ import annotations

import pytest
from browsers import until
from playwright.sync_api import expect

from browser.people import PRIYA, SUPPORT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ROUTES = "/admin/voip/routes"


@pytest.fixture
def mailbox(people):
    """A route for Support that is tried first and takes a message for Ada; gone after the test."""
    page = people.root().page
    forget(page)
    page.goto(ROUTES + "/mailboxes/create")
    page.get_by_label("Name", exact=True).fill("Ada’s box")
    page.get_by_label("Whose inbox").select_option(label="Ada Ortiz")
    page.get_by_label("What callers hear before the tone").fill("Please speak.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#main")).to_contain_text("Saved.")
    page.goto(ROUTES + "/create")
    page.get_by_label("Name", exact=True).fill("Messages for Ada")
    page.get_by_label("Calls to").select_option(label="Support, (202) 555-0141")
    page.get_by_role("button", name="Remove step").click()
    expect(page.get_by_role("button", name="Remove step")).to_have_count(0)  # else the answer takes the next step too
    page.get_by_role("button", name="Add step: take a message").click()
    page.get_by_label("Mailbox", exact=True).select_option(label="Ada’s box")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#main")).to_contain_text("Saved.")
    for place in (1, 0):
        page.get_by_role("button", name="Move Messages for Ada up").click()
        expect(page.locator(".route h2").nth(place)).to_have_text("Messages for Ada")
    yield
    forget(page)


def forget(page) -> None:
    """Also what an earlier try left."""
    for where, name, what in (
        (ROUTES + "/", "Messages for Ada", "route"),
        (ROUTES + "/mailboxes/", "Ada’s box", "mailbox"),
    ):
        page.goto(where)
        link = page.locator("#main").get_by_role("link", name=name, exact=True)
        if link.count():
            link.click()
            page.get_by_role("link", name="Delete").or_(page.get_by_role("button", name="Delete")).first.click()
            page.get_by_role("button", name=f"Delete {what}").click()
            expect(page.locator("#main")).to_contain_text(f"Deleted {name}.")


def test_a_message_is_left_counted_heard_and_done(people, exchange, mailbox):
    ada = people.ada()
    before = {row["sid"] for row in exchange.state()["recordings"]}
    caller = exchange.ring(SUPPORT, from_=PRIYA, behaviour="tone:600")
    ada.eventually(lambda: [row for row in exchange.state()["recordings"] if row["sid"] not in before])
    ada.page.wait_for_timeout(4000)  # after the greeting and the tone, some seconds of speech
    caller.hang_up()
    count = ada.page.locator("#nav").get_by_role("link", name="Voicemail").locator(".nav__count")
    ada.page.goto("/voicemail")
    row = ada.page.locator("#voicemails tbody").first
    ada.eventually(lambda: row.count() or ada.page.reload(), seconds=30)
    expect(row).to_contain_text("Priya Raman")
    expect(count).to_contain_text("1")
    play = row.get_by_role("button", name="Play message")
    expect(play).to_be_visible(timeout=40_000)  # by itself, once the worker has copied it
    play.click()
    until(ada.page, "document.querySelector('.player__time')?.textContent > '0:01'")
    expect(row).to_contain_text("Heard by Ada Ortiz")
    expect(count).to_have_count(0)
    expect(row.get_by_role("link", name="Call Priya Raman")).to_be_visible()
    row.get_by_role("button", name="Done: message").click()
    expect(row).to_contain_text("Done by Ada Ortiz")
    ada.page.goto("/calls?outcome=voicemail")
    expect(ada.page.locator("#calls")).to_contain_text("Voicemail")
