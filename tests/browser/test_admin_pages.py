"""Set-up of numbers and routes in a browser: axe, narrow windows, the keyboard alone, and no scripts at all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.people import SUPPORT
from browser.test_accessibility import AXE, LOOKS, Judge

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ROUTES, NUMBERS = "/admin/voip/routes", "/admin/voip/numbers"
PAGES = (
    ROUTES + "/",
    ROUTES + "/create",
    ROUTES + "/1/edit",
    ROUTES + "/1/delete",
    ROUTES + "/groups/",
    ROUTES + "/groups/create",
    ROUTES + f"/simulator?to={SUPPORT}&at=2026-12-25T09:10",
    ROUTES + "/simulator?to=12",
    NUMBERS + "/",
    NUMBERS + "/create",
    NUMBERS + "/1/edit",
    NUMBERS + "/2/remove",
    NUMBERS + "/provider",
)


def save(page) -> None:
    page.get_by_role("button", name="Save", exact=True).last.click()


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(people, look):
    page = people.root(**LOOKS[look]).page
    page.context.add_init_script(AXE)
    page.reload()
    judge = Judge(page)
    for path in PAGES:
        page.goto(path)
        judge.look(path)
    page.goto(ROUTES + "/create")
    page.get_by_label("Name", exact=True).fill("Mistaken")
    page.get_by_role("button", name="Add step: call a number").click()
    page.get_by_label("Number", exact=True).fill("12")
    page.get_by_label("Only at these hours").check()
    page.get_by_label("Monday").fill("nine")
    save(page)
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    judge.look("a form with mistakes")
    assert judge.found == []


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_the_window(people, width):
    page = people.root(viewport={"width": width, "height": 800}).page
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_route_is_made_moved_and_deleted_with_the_keyboard_alone(people):
    page = people.root(ROUTES + "/").page
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Add route").press("Enter")
    page.get_by_label("Name", exact=True).press_sequentially("Night watch")
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
    route = page.locator(".route", has_text="Night watch")
    expect(route).to_contain_text("Calls (212) 555-0108 for 25 s.")
    expect(route).to_contain_text("Then rings Ada Ortiz for 25 s.")
    titles = page.locator(".route h2")
    assert titles.all_inner_texts()[-2:] == ["Night watch", "Everything else rings Bo"]
    page.get_by_role("button", name="Move Night watch down").press("Enter")
    expect(titles.last).to_have_text("Night watch")
    expect(route).to_contain_text("It never takes a call: “Everything else rings Bo” stands before it")

    route.get_by_role("link", name="Night watch", exact=True).press("Enter")
    page.get_by_role("button", name="Delete").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete Night watch?")
    dialog.get_by_role("button", name="Delete route").press("Enter")
    expect(page.locator("#main")).to_contain_text("Deleted Night watch.")
    expect(route).to_have_count(0)
    assert page.evaluate("window.sameDocument")  # a call would have lived through all of this


def test_what_is_not_chosen_is_not_shown(people):
    page = people.root(ROUTES + "/create").page
    expect(page.get_by_label("Numbers that begin with")).to_be_hidden()
    expect(page.get_by_label("Monday")).to_be_hidden()
    page.get_by_label("Calls to").select_option("prefix")
    page.get_by_label("Only at these hours").check()
    expect(page.get_by_label("Numbers that begin with")).to_be_visible()
    expect(page.get_by_label("Monday")).to_be_visible()


def test_pages_work_without_scripts(people):
    page = people.root(ROUTES + "/create", java_script_enabled=False).page
    page.get_by_label("Name", exact=True).fill("Quiet route")
    page.get_by_role("button", name="Remove step 1").click()
    expect(page.locator("#route-form")).to_contain_text("Nobody is rung")
    page.get_by_label("What callers hear when nobody answers").fill("We moved.")
    save(page)
    expect(page.locator("#main")).to_contain_text("Says “We moved.”.")
    page.get_by_role("button", name="Move Quiet route up").click()
    page.get_by_role("link", name="Quiet route", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete route").click()
    expect(page.locator("#main")).to_contain_text("Deleted Quiet route.")
    page.goto(NUMBERS + "/")
    page.get_by_role("link", name="Compare with the phone provider").click()
    expect(page.locator("#at-provider")).to_contain_text("Wired")


def test_a_number_is_owned_wired_called_and_removed(people, exchange):
    root = people.root(NUMBERS + "/")
    page, number = root.page, "+12025550163"
    page.get_by_role("link", name="Add number").first.click()
    page.get_by_label("Number", exact=True).fill("202 555 0163")
    page.get_by_label("Label").fill("Berlin office")
    page.get_by_role("button", name="Add number").click()
    expect(page.locator("#main")).to_contain_text("Added Berlin office.")
    page.get_by_role("button", name="Wire Berlin office").click()
    expect(page.locator("#main .notice")).to_contain_text("Wired.")
    expect(page.locator("#at-provider .list__item", has_text="Berlin office")).to_contain_text(re.compile(r"\bWired"))

    exchange.ring(number, from_="+13125550100", behaviour="silent").over()  # nobody is at the phone: told so
    root.go("Calls")
    expect(page.locator("#calls tbody tr").first).to_contain_text("Berlin office")
    page.goto(NUMBERS + "/")
    page.get_by_role("link", name="Edit Berlin office").click()
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Retire line").click()
    expect(page.locator("#main")).to_contain_text("Retired Berlin office.")
    expect(page.locator("tr", has_text="Berlin office")).to_contain_text("Retired")


def test_the_simulator_is_asked_and_back_returns(people):
    page = people.root(ROUTES + "/").page
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
