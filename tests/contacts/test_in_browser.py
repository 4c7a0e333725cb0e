"""What only a browser can show: what moves and what stays while a page of contacts changes."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def rows(page):
    return page.locator("#results tbody tr")


def test_the_search_follows_the_typing_and_back_undoes_it(browsers):
    page = browsers.open(path="/contacts/persons")
    everybody = rows(page).count()
    assert everybody > 3
    box = page.locator("#contacts-q")
    box.press_sequentially("pri ram", delay=20)
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Priya Raman")
    expect(box).to_be_focused()
    expect(page.locator("#say")).to_have_text("1 contact")
    expect(page).to_have_url(re.compile(r"\?q=pri\+ram&owner=$"))
    box.press_sequentially("zzz")
    expect(page.locator("#results")).to_contain_text("Nobody matches “pri ramzzz”")
    page.get_by_role("link", name="Clear search").click()
    expect(rows(page)).to_have_count(everybody)
    expect(box).to_have_value("")
    page.go_back()
    expect(box).to_have_value("pri ramzzz")
    expect(page.locator("#results")).to_contain_text("Nobody matches")


def test_a_contact_is_added_with_the_keyboard_alone_and_deleted_after_a_question(browsers, word, ending):
    name = f"Zora {word}"
    page = browsers.open(path="/contacts/persons")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Add contact").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Number 1", exact=True).fill(f"415 555 {ending}")
    page.get_by_role("button", name="Add number").click()
    expect(page.get_by_label("Number 2", exact=True)).to_be_focused()
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(page.locator(".field__error")).to_have_text("This number is too short.")
    expect(page.get_by_label("Number 2", exact=True)).to_be_focused()

    page.get_by_role("button", name="Remove number 2").click()
    expect(page.get_by_label("Number 2", exact=True)).to_have_count(0)
    expect(page.get_by_label("Number 1", exact=True)).to_have_value(f"415 555 {ending}")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.locator("#main h1")).to_have_text(name)
    expect(page.locator("#main h1")).to_be_focused()
    expect(page.locator("#main")).to_contain_text("Saved.")
    expect(page.locator(f"#main a[href='tel:+1415555{ending}'][data-name='{name}']").first).to_be_visible()

    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Delete {name}?")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    dialog.get_by_role("button", name="Keep").click()
    expect(page.locator("#main h1")).to_have_text(name)
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete contact").click()
    expect(page.locator("#main")).to_contain_text(f"Deleted {name}.")
    expect(page).to_have_url(re.compile(r"/contacts/persons$"))
    assert page.evaluate("window.sameDocument")  # a call would have lived through all of this


def test_a_number_that_somebody_has_and_companies_that_are_known_are_told_while_typing(browsers):
    page = browsers.open(path="/contacts/persons/create")
    page.get_by_label("Number 1", exact=True).fill("(312) 555-0100")
    page.get_by_label("Name", exact=True).focus()
    expect(page.locator("#numbers-0-number-hint")).to_have_text("Priya Raman has this number too.")
    page.get_by_label("Company").press_sequentially("lakes", delay=20)
    expect(page.locator("#companies option")).to_have_attribute("value", "Lakeside Dental")


def test_pages_of_contacts_work_without_scripts(browsers):
    page = browsers.open(path="/contacts/persons", java_script_enabled=False)
    page.locator("#contacts-q").fill("priya")
    page.locator("#contacts-q").press("Enter")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="Add contact").first.click()
    page.get_by_label("Name", exact=True).fill("Quiet Person")
    page.get_by_role("button", name="Add number").click()
    expect(page.get_by_label("Number 2", exact=True)).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#main h1")).to_have_text("Quiet Person")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#main h1")).to_have_text("Delete Quiet Person?")
    page.get_by_role("button", name="Delete contact").click()
    expect(page.locator("#main")).to_contain_text("Deleted Quiet Person.")


def test_tags_notes_and_tasks_are_written_with_the_keyboard_alone_and_nothing_else_moves(browsers, word):
    tag, task, note = f"VIP {word}", f"Send the offer {word}", f"Spoke about the roof {word}"
    page = browsers.open(path="/contacts/persons/2")
    page.evaluate("window.sameDocument = true")
    page.locator("#tag").fill(tag)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=tag)).to_be_visible()
    expect(page.locator("#tag")).to_be_focused()
    page.get_by_role("button", name=f"Remove tag {tag}").press("Enter")
    expect(page.get_by_role("link", name=tag)).to_have_count(0)

    page.get_by_text("Add a task").press("Enter")
    page.get_by_label("What is to be done").fill(task)
    page.keyboard.press("Enter")
    expect(page.locator("#say")).to_have_text("Task added.")
    page.get_by_label("Note", exact=True).fill(note)
    page.get_by_role("button", name="Add note").press("Enter")
    entry = page.locator(".timeline__entry")  # among calls of other tests: the house is one for all
    expect(entry.filter(has_text=note)).to_be_visible()
    expect(page.locator("#person-timeline")).to_be_focused()
    page.get_by_role("button", name=f"Done: {task}").press("Enter")
    expect(entry.filter(has_text=task)).to_be_visible()
    assert page.evaluate("window.sameDocument")

    page.goto("/contacts/persons/2")
    page.get_by_role("button", name=f"Open again: {task}").press("Enter")
    page.goto("/")
    page.get_by_role("button", name=f"Done: {task}").press("Enter")
    expect(page.locator("#my-tasks")).not_to_contain_text(task)


def test_a_file_is_imported_by_the_worker_and_undone_while_the_page_stays(browsers, word, ending, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(f"Name;Telefon\nZacharias {word};+1415555{ending}\nZoe Test;12\n")
    page = browsers.open("root", path="/contacts/persons")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("File").set_input_files(file)
    page.evaluate(
        "document.addEventListener('htmx:before:request', e => { window.timeout = e.detail.ctx.request.timeout }, "
        "{once: true})"
    )
    page.get_by_role("button", name="Look at the file").click()
    expect(page.get_by_label("Telefon becomes")).to_have_value("number")
    assert page.evaluate("window.timeout") == 600_000  # milliseconds: 20 MB may be long on their way
    page.locator(".card__foot").get_by_role("button", name="Check the file").click()
    expect(page.locator("#import-result")).to_have_text("What would happen", timeout=20_000)
    expect(page.locator("#import")).to_contain_text("This number is too short.")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#import-result")).to_have_text("What happened", timeout=20_000)
    made = page.url
    page.get_by_role("link", name="Contacts", exact=True).first.click()
    page.locator("#contacts-q").fill(word)
    expect(rows(page)).to_have_count(1)
    page.goto(made)
    page.get_by_role("button", name="Undo this import").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo import").click()
    expect(page.locator("#import-result")).to_have_text("What was undone", timeout=20_000)
    page.goto(f"/contacts/persons?q={word}")
    expect(page.locator("#results")).to_contain_text("Nobody matches")


def test_filters_of_contacts_stand_in_the_address_and_back_undoes_them(browsers):
    page = browsers.open(path="/contacts/persons")
    everybody = rows(page).count()
    page.get_by_label("Owner").select_option(label="Nobody")
    expect(page.locator("#results")).to_contain_text("No contact matches")
    expect(page).to_have_url(re.compile(r"owner=0"))
    page.go_back()
    expect(rows(page)).to_have_count(everybody)
