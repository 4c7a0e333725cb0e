"""Set-up of numbers and routes in a browser: axe, the keyboard alone, and no scripts at all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.deleting import ROUTES, delete
from browser.people import SUPPORT
from browser.test_accessibility import AXE, LOOKS, Judge

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NUMBERS = "/admin/voip/numbers"
SIMULATIONS = (ROUTES + f"simulator?to={SUPPORT}&at=2026-12-25T09:10", ROUTES + "simulator?to=12")


def save(page) -> None:
    page.get_by_role("button", name="Save", exact=True).last.click()


@pytest.fixture
def watch(people, word):
    """The name of a route that the test may make."""
    name = f"Night watch {word}"
    yield name
    delete(people.root().page, ROUTES, name)


@pytest.mark.looks
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_what_is_asked_and_in_mistakes(people, look):
    page = people.root(**LOOKS[look]).page
    page.context.add_init_script(AXE)
    page.reload()
    judge = Judge(page)
    for path in SIMULATIONS:
        page.goto(path)
        judge.look(path)
    page.goto(ROUTES + "create")
    page.get_by_label("Name", exact=True).fill("Mistaken")
    page.get_by_role("button", name="Add step: call a number").click()
    page.get_by_label("Number", exact=True).fill("12")
    page.get_by_label("Only at these hours").check()
    page.get_by_label("Monday").fill("nine")
    save(page)
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    judge.look("a form with mistakes")
    assert judge.found == []


def test_a_route_is_made_moved_and_deleted_with_the_keyboard_alone(people, watch):
    page = people.root(ROUTES).page
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Add route").press("Enter")
    page.get_by_label("Name", exact=True).press_sequentially(watch)
    page.get_by_label("Calls to").select_option("prefix")
    page.get_by_label("Numbers that begin with").press_sequentially("+1 303")
    page.get_by_role("checkbox", name="Ada Ortiz").press("Space")
    page.get_by_role("button", name="Add step: call a number").press("Enter")
    expect(page.get_by_label("Number", exact=True)).to_be_focused()
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(page.locator(".field__error")).to_have_text("This number is too short.")
    expect(page.get_by_label("Number", exact=True)).to_be_focused()
    page.get_by_label("Number", exact=True).fill("212 555 0108")
    page.get_by_role("button", name="Move step 2 up").press("Enter")
    expect(page.locator(".route-step__title").first).to_have_text("Step 1: call a number")
    save(page)
    expect(page.locator("#main")).to_contain_text("Saved.")
    route = page.locator(".route", has_text=watch)
    expect(route).to_contain_text("Calls (212) 555-0108 for 25 s.")
    expect(route).to_contain_text("Then rings Ada Ortiz for 25 s.")
    titles = page.locator(".route h2")
    assert titles.all_inner_texts()[-2:] == [watch, "Everything else rings Bo"]
    page.get_by_role("button", name=f"Move {watch} down").press("Enter")
    expect(titles.last).to_have_text(watch)
    expect(route.get_by_role("button", name=f"Move {watch} up")).to_be_focused()  # it is the last: no way further down
    expect(route).to_contain_text("It never takes a call: “Everything else rings Bo” stands before it")

    route.get_by_role("link", name=watch, exact=True).press("Enter")
    page.get_by_role("button", name="Delete").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Delete {watch}?")
    dialog.get_by_role("button", name="Delete route").press("Enter")
    expect(page.locator("#main")).to_contain_text(f"Deleted {watch}.")
    expect(route).to_have_count(0)
    assert page.evaluate("window.sameDocument")  # a call would have lived through all of this


def test_what_is_not_chosen_is_not_shown(people):
    page = people.root(ROUTES + "create").page
    expect(page.get_by_label("Numbers that begin with")).to_be_hidden()
    expect(page.get_by_label("Monday")).to_be_hidden()
    page.get_by_label("Calls to").select_option("prefix")
    page.get_by_label("Only at these hours").check()
    expect(page.get_by_label("Numbers that begin with")).to_be_visible()
    expect(page.get_by_label("Monday")).to_be_visible()


def test_pages_work_without_scripts(people, watch):
    page = people.root(ROUTES + "create", java_script_enabled=False).page
    page.get_by_label("Name", exact=True).fill(watch)
    page.get_by_role("button", name="Remove step 1").click()
    expect(page.locator("#route-form")).to_contain_text("Nobody is rung")
    page.get_by_label("What callers hear when nobody answers").fill("We moved.")
    save(page)
    expect(page.locator("#main")).to_contain_text("Says “We moved.”.")
    page.get_by_role("button", name=f"Move {watch} up").click()
    page.get_by_role("link", name=watch, exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete route").click()
    expect(page.locator("#main")).to_contain_text(f"Deleted {watch}.")
    page.goto(NUMBERS + "/")
    page.get_by_role("link", name="Compare with the phone provider").click()
    expect(page.locator("#at-provider")).to_contain_text("Wired")


def test_a_number_is_owned_wired_called_and_removed(people, exchange, word, ending):
    root = people.root(NUMBERS + "/")
    page, label = root.page, f"Berlin {word}"
    page.get_by_role("link", name="Add number").first.click()
    page.get_by_label("Number", exact=True).fill(f"202 555 {ending}")
    page.get_by_label("Label").fill(label)
    page.get_by_role("button", name="Add number").click()
    expect(page.locator("#main")).to_contain_text(f"Added {label}.")
    page.get_by_role("button", name=f"Wire {label}").click()
    expect(page.locator("#main .notice")).to_contain_text("Wired.")
    expect(page.locator("#at-provider .list__item", has_text=label)).to_contain_text(re.compile(r"\bWired"))

    caller = exchange.ring(f"+1202555{ending}", from_="+13125550100", behaviour="silent")
    caller.over()  # nobody is at the phone: told so
    root.go("Calls")
    expect(page.locator("#calls tbody tr").first).to_contain_text(label)
    page.goto(NUMBERS + "/")
    page.get_by_role("link", name=f"Edit {label}").click()
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Retire line").click()
    expect(page.locator("#main")).to_contain_text(f"Retired {label}.")
    expect(page.locator("tr", has_text=label)).to_contain_text("Retired")


def test_the_simulator_is_asked_and_back_returns(people):
    page = people.root(ROUTES).page
    page.get_by_role("link", name="Try a call").click()
    page.get_by_label("To", exact=True).fill("202 555 0140")
    page.keyboard.press("Enter")
    expect(page.locator("#simulation")).to_contain_text("Takes the call")
    expect(page).to_have_url(re.compile(r"simulator\?caller=&to=202\+555\+0140&at="))
    page.get_by_label("To", exact=True).fill("1")
    page.keyboard.press("Enter")
    expect(page.locator(".field__error")).to_contain_text("not a phone number")
    page.go_back()
    expect(page.locator("#simulation")).to_contain_text("Takes the call")
