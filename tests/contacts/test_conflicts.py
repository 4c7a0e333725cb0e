"""Two people edit the same contact at once."""

from __future__ import annotations

import html
import re

import pytest
from contacts.people import contact

from voipcrm.contacts.models import Organization, Person
from voipcrm.core.db import db

ONE, TWO, THREE = "+13125550101", "+13125550102", "+13125550103"


def opened(browser, address: str) -> str:
    """What the form's hidden field carries."""
    found = re.search(r'name="opened_with"[^>]*value="([^"]*)"', browser.get(address).text)
    assert found
    return html.unescape(found[1])


def form(opened_with: str, *numbers: str, **fields: str) -> dict[str, str]:
    sent = {"name": "Ana Silva", "company": "", "owner_id": "0", "note": "", "opened_with": opened_with, **fields}
    return {**sent, **{f"numbers-{at}-number": one for at, one in enumerate(numbers)}}


def fresh(person_id: int) -> Person:
    db.session.rollback()
    return db.session.get_one(Person, person_id)


@pytest.fixture
def ana(context) -> int:
    return contact("Ana Silva", numbers=(ONE,)).id


@pytest.fixture
def edit(ana) -> str:
    return f"/contacts/persons/{ana}/edit"


def test_the_second_to_save_sees_both_and_nothing_is_written(as_ada, as_bo, ana, edit):
    adas, bos = opened(as_ada, edit), opened(as_bo, edit)
    assert as_ada.post(edit, data=form(adas, ONE, TWO, note="By Ada")).status_code == 303
    answer = as_bo.post(edit, data=form(bos, ONE, THREE, name="Ana Castro"))
    assert answer.status_code == 409
    for words in ("Ana Castro", "By Ada", "(312) 555-0102", "(312) 555-0103", "not saved yet"):
        assert words in answer.text
    assert 'value="theirs" required checked' in answer.text  # the note, which Bo left alone
    assert (fresh(ana).name, fresh(ana).note) == ("Ana Silva", "By Ada")


def test_what_is_chosen_is_saved_and_both_keeps_all(as_ada, as_bo, ana, edit):
    bos = opened(as_bo, edit)
    as_ada.post(edit, data=form(opened(as_ada, edit), ONE, TWO, note="By Ada"))
    page = as_bo.post(edit, data=form(bos, ONE, THREE, name="Ana Castro", note="By Bo")).text
    now = html.unescape(re.search(r'name="opened_with" value="([^"]*)"', page)[1])
    choice = {"keep-name": "mine", "keep-note": "both", "keep-numbers": "both"}
    answer = as_bo.post(edit, data=form(now, ONE, THREE, name="Ana Castro", note="By Bo") | choice)
    assert answer.status_code == 303
    person = fresh(ana)
    assert (person.name, person.note) == ("Ana Castro", "By Ada\nBy Bo")
    assert [one.number for one in person.numbers] == [ONE, TWO, THREE]


def test_theirs_can_be_chosen_field_by_field(as_ada, as_bo, ana, edit):
    bos = opened(as_bo, edit)
    as_ada.post(edit, data=form(opened(as_ada, edit), TWO, name="Ana Ada"))
    as_bo.post(edit, data=form(bos, THREE, name="Ana Bo"))
    choice = {"keep-name": "theirs", "keep-numbers": "mine"}
    as_bo.post(edit, data=form(opened(as_bo, edit), THREE, name="Ana Bo") | choice)
    person = fresh(ana)
    assert (person.name, [one.number for one in person.numbers]) == ("Ana Ada", [THREE])


def test_a_third_editor_who_saves_while_the_second_chooses_is_seen_too(as_ada, as_bo, as_root, ana, edit):
    bos, now = opened(as_bo, edit), opened(as_root, edit)
    as_ada.post(edit, data=form(now, ONE, note="By Ada"))
    between = opened(as_bo, edit)
    as_root.post(edit, data=form(opened(as_root, edit), ONE, note="By Root"))
    assert as_bo.post(edit, data=form(bos, ONE, note="By Bo")).status_code == 409
    answer = as_bo.post(edit, data=form(between, ONE, note="By Bo") | {"keep-note": "theirs"})
    assert (answer.status_code, "By Root" in answer.text) == (409, True)
    assert fresh(ana).note == "By Root"


def test_saving_what_is_there_already_is_no_conflict(as_ada, as_bo, edit):
    bos = opened(as_bo, edit)
    as_ada.post(edit, data=form(opened(as_ada, edit), ONE, name="Ana Castro"))
    assert as_bo.post(edit, data=form(bos, ONE, name="Ana Castro")).status_code == 303


def test_a_form_that_is_refused_or_gets_a_row_keeps_what_it_was_opened_with(as_ada, as_bo, ana, edit):
    bos = opened(as_bo, edit)
    as_ada.post(edit, data=form(opened(as_ada, edit), ONE, note="By Ada"))
    for more in ({"name": ""}, {"add": "numbers"}):
        page = as_bo.post(edit, data=form(bos, ONE) | more).text
        assert html.unescape(re.search(r'name="opened_with"[^>]*value="([^"]*)"', page)[1]) == bos


def test_organizations_are_guarded_too(context, as_ada, as_bo):
    db.session.add(Organization(name="Acme"))
    db.session.commit()
    acme = db.session.query(Organization).one().id
    edit = f"/contacts/organizations/{acme}/edit"
    adas, bos = opened(as_ada, edit), opened(as_bo, edit)
    sent = {"name": "Acme", "website": "", "note": "By Ada", "opened_with": adas}
    assert as_ada.post(edit, data=sent).status_code == 303
    answer = as_bo.post(edit, data={**sent, "note": "By Bo", "opened_with": bos})
    assert (answer.status_code, "By Ada" in answer.text) == (409, True)
    now = opened(as_bo, edit)
    assert as_bo.post(edit, data={**sent, "note": "By Bo", "opened_with": now, "keep-note": "both"}).status_code == 303
    db.session.rollback()
    assert db.session.get_one(Organization, acme).note == "By Ada\nBy Bo"
