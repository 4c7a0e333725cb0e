"""What only a browser shows: the invitation from end to end and two steps in the dialog over a page."""

import re

import pytest
from playwright.sync_api import expect
from pyotp.totp import TOTP

from voipcrm.cli.demo.cast import PASSWORD

pytestmark = pytest.mark.browser
NEW = "a brand new sentence"


def test_a_person_is_invited_joins_and_is_deactivated(browsers, word):
    name, email = f"Zoe {word}", f"zoe.{word.lower()}@example.com"
    page = browsers.open("root", path="/settings/users")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Invite person").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("agent").check()
    page.get_by_role("button", name="Invite").press("Enter")
    expect(page.locator(".field__error")).to_have_text("Ada Ortiz has this e-mail already.")
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("agent")).to_be_checked()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("E-mail").press("Enter")
    expect(page.locator("#main h1")).to_have_text(name)
    link = page.get_by_label(f"Link for {name}").input_value()

    theirs = page.context.browser.new_context(java_script_enabled=False).new_page()
    theirs.goto(link)
    expect(theirs.locator("h1")).to_have_text("Welcome, Zoe")
    theirs.get_by_label("New password", exact=True).fill(NEW)
    theirs.get_by_label("New password again").fill(NEW)
    theirs.get_by_role("button", name="Save password and sign in").click()
    expect(theirs.locator("h1")).to_have_text("Hello, Zoe")

    page.locator("#nav").get_by_role("link", name="People").click()
    page.locator("#people-q").press_sequentially(word.lower(), delay=20)
    expect(page.locator("#people tbody tr")).to_have_count(1)
    expect(page.locator("#people tbody tr")).to_contain_text("Active")
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name="Deactivate").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Deactivate {name}?")
    dialog.get_by_role("button", name="Deactivate").click()
    expect(page.locator("#main")).to_contain_text("signed out everywhere")
    theirs.reload()
    expect(theirs.locator("h1")).to_have_text("Sign in")
    assert page.evaluate("window.sameDocument")  # a call would have lived through all of this


@pytest.fixture
def bo_as_before(browsers):
    """The house is one for all tests: whatever happens, Bo needs no code after this one."""
    yield
    page = browsers.open("root", path="/settings/users?q=bo+becker")
    page.locator("#people").get_by_role("link", name="Bo Becker").click()
    expect(page.locator("#main h1")).to_have_text("Bo Becker")
    if not page.get_by_role("button", name="Turn two-step off").count():
        return  # the test did not come that far
    page.get_by_role("button", name="Turn two-step off").click()
    page.get_by_role("dialog").get_by_role("button", name="Turn two-step off").click()
    expect(page.locator("#main")).not_to_contain_text("Turn two-step off")


def test_two_steps_work_in_the_dialog_over_a_page_whose_session_ended(browsers, bo_as_before):
    page = browsers.open("bo", path="/me")
    page.get_by_role("button", name="Set up two-step sign-in").click()
    totp = TOTP(page.locator(".recovery-key").inner_text().replace(" ", ""))
    page.get_by_role("textbox", name="Code").fill(totp.now())
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator(".recovery-codes code")
    expect(codes).to_have_count(10)
    spare = [codes.nth(at).inner_text() for at in range(3)]

    elsewhere = page.context.browser.new_context(base_url=page.url.partition("/me")[0]).new_page()
    elsewhere.goto("/sign-in")
    elsewhere.get_by_label("E-mail").fill("bo@example.com")
    elsewhere.get_by_label("Password").fill(PASSWORD)
    elsewhere.get_by_role("button", name="Sign in").click()
    elsewhere.get_by_role("textbox", name="Code").fill(spare[0])
    elsewhere.get_by_role("button", name="Sign in").click()
    elsewhere.wait_for_url(re.compile(r"/$"))
    elsewhere.goto("/me")
    elsewhere.get_by_role("button", name="Sign out everywhere else").click()
    expect(elsewhere.locator("#main")).to_contain_text("signed out everywhere else")

    page.evaluate("window.sameDocument = true")
    page.locator("#nav").get_by_role("link", name="Calls", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Sign in again")).to_be_visible()
    dialog.get_by_label("E-mail").fill("bo@example.com")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_label("Password").press("Enter")
    expect(dialog.get_by_role("textbox", name="Code")).to_be_focused()
    dialog.get_by_role("textbox", name="Code").fill("000000")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.locator(".field__error")).to_contain_text("not right")
    dialog.get_by_role("textbox", name="Code").fill(spare[1])
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#toasts")).to_contain_text("signed in again")
    assert page.evaluate("window.sameDocument")
