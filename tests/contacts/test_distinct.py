"""Contacts that look the same and are not: said once, remembered, undone, and never suggested again."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from contacts.people import contact
from contacts.test_importing import FILE, checked, work
from contacts.test_merging import merge, undo

from voipcrm.accounts.audit import AuditEntry
from voipcrm.contacts import distinct
from voipcrm.contacts.distinct import DistinctPersons
from voipcrm.contacts.imports import ImportRow
from voipcrm.contacts.models import Person
from voipcrm.core.db import db

NUMBER = "+442079460123"
DUPLICATES, DIFFERENT = "/contacts/duplicates", "/contacts/duplicates/different"


@pytest.fixture
def twins(context) -> list[int]:
    """Three persons with one name and one number: their ids."""
    return [contact("Zoe Marsh", f"Firm {at}", numbers=(NUMBER,)).id for at in range(3)]


def say(browser, one: int, other: int, query: str = ""):
    answer = browser.post(f"/contacts/persons/{one}/different/{other}{query}")
    db.session.rollback()
    return answer


def pairs() -> list[tuple[int, int]]:
    db.session.rollback()
    rows = db.session.scalars(sa.select(DistinctPersons).order_by(DistinctPersons.low_id, DistinctPersons.high_id))
    return [(row.low_id, row.high_id) for row in rows.unique()]


def suggested(browser, by: str = "name") -> list[tuple[int, int]]:
    """Which merges a page of duplicates offers."""
    page = browser.get(f"{DUPLICATES}?by={by}").text
    return [(int(one), int(other)) for one, other in re.findall(r"persons/(\d+)/merge/(\d+)", page)]


def likely(browser, person_id: int) -> list[int]:
    page = browser.get(f"/contacts/persons/{person_id}/merge").text
    return [int(other) for other in re.findall(rf"persons/{person_id}/merge/(\d+)", page)]


def test_who_was_told_apart_is_suggested_nowhere(twins, as_ada, as_bo, cast):
    one, two, three = twins
    assert suggested(as_ada) == [(one, two), (one, three)]
    answer = say(as_ada, two, one, "?by=name&after=yo")
    assert answer.location == f"{DUPLICATES}?by=name&after=yo"
    for by in ("name", "number"):  # and for everybody
        assert suggested(as_bo, by) == [(one, three)]
    assert likely(as_bo, one) == [three]
    assert likely(as_bo, two) == [three]
    assert say(as_ada, one, three).location == f"/contacts/persons/{one}/merge"
    assert suggested(as_ada) == [(two, three)], "the rest of the group may still be the same"
    say(as_ada, three, two)
    assert suggested(as_ada) == []
    assert "No duplicates here" in as_ada.get(DUPLICATES).text
    entry = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).first()
    assert (entry.verb, entry.user_id, entry.after) == ("told-apart", cast.ada.id, {"two": ["Zoe Marsh", "Zoe Marsh"]})


def test_it_is_listed_and_can_be_undone(twins, as_ada, as_bo):
    assert "Nobody yet" in as_ada.get(DIFFERENT).text
    one, two, _ = twins
    say(as_ada, one, two)
    page = as_bo.get(DIFFERENT).text
    assert "Said by Ada Ortiz" in page
    (address,) = re.findall(rf'action="({DIFFERENT}/\d+/undo)"', page)
    assert as_bo.post(address).location == DIFFERENT
    assert pairs() == []
    assert (one, two) in suggested(as_ada)
    verbs = db.session.scalars(sa.select(AuditEntry.verb).order_by(AuditEntry.id)).all()
    assert verbs == ["told-apart", "told-apart-undone"]
    assert as_bo.post(address).status_code == 404


def test_said_twice_or_the_other_way_round_it_is_one_fact(twins, as_ada):
    one, two, _ = twins
    say(as_ada, one, two)
    say(as_ada, two, one)
    assert pairs() == [(one, two)]
    assert len(db.session.scalars(sa.select(AuditEntry)).all()) == 1


def test_groups_that_were_told_apart_leave_no_empty_page(context, as_ada):
    for at in range(45):
        low, high = (contact(f"Twin {at:02}").id for _ in range(2))
        if at < 44:
            distinct.remember(low, high, by_id=None)
    db.session.commit()
    assert suggested(as_ada) == [(low, high)]


def test_a_merge_keeps_from_whom_either_was_told_apart_and_undo_parts_them_again(twins, as_ada):
    one, two, three = twins
    say(as_ada, one, three)
    merge(as_ada, one, two)
    assert pairs() == [(two, three)]
    undo(as_ada)
    assert pairs() == [(one, three)]


def test_who_was_told_apart_can_still_be_merged_and_undo_tells_them_apart_again(twins, as_ada):
    one, two, _ = twins
    say(as_ada, one, two)
    merge(as_ada, one, two)
    assert pairs() == []
    undo(as_ada)
    assert pairs() == [(one, two)]


def test_who_is_deleted_takes_it_along(twins, as_ada):
    one, two, _ = twins
    say(as_ada, one, two)
    as_ada.post(f"/contacts/persons/{two}/delete")
    assert pairs() == []


def test_it_takes_two(twins, as_ada):
    one, _, _ = twins
    assert say(as_ada, one, one).status_code == 404
    assert say(as_ada, one, 9999).status_code == 404
    assert pairs() == []


def test_it_takes_the_right_to_change_contacts(twins, as_mallory):
    one, two, _ = twins
    assert as_mallory.get(DIFFERENT).status_code == 404
    assert say(as_mallory, one, two).status_code == 403
    assert pairs() == []


# Imports.


def rows() -> list[tuple[str, bool]]:
    db.session.expire_all()
    return [(row.state, row.is_other) for row in db.session.scalars(sa.select(ImportRow).order_by(ImportRow.line))]


def test_a_row_of_an_import_that_is_somebody_else_becomes_another_contact(context, as_root):
    known = contact("Office", numbers=(NUMBER,)).id
    address = checked(as_root, FILE + f"Zoe Marsh,,{NUMBER},,\nPer Berg,,{NUMBER},,\n")
    assert rows() == [("duplicate", False), ("duplicate", False)]
    page = as_root.get(address).text
    assert page.count("Different people</button>") == 2
    assert as_root.post(f"{address}/different", data={"line": "2"}).status_code == 303
    assert rows() == [("new", True), ("duplicate", False)]
    page = as_root.get(address).text
    assert "Different people, to be added" in page
    assert page.count("Different people</button>") == 1
    as_root.post(f"{address}/run", data={"on_duplicate": "update"})
    assert work().state == "done"
    zoe = db.session.scalars(sa.select(Person.id).where(Person.name == "Zoe Marsh")).one()
    assert db.session.get_one(Person, known).name == "Per Berg"
    assert pairs() == [(known, zoe)]
    assert suggested(as_root, "number") == []
    as_root.post(f"{address}/undo")
    work()
    assert pairs() == []


def test_in_a_report_it_can_be_undone_and_nonsense_changes_nothing(context, as_root):
    contact("Office", numbers=(NUMBER,))
    address = checked(as_root, FILE + f"Zoe Marsh,,{NUMBER},,\nNew One,,+14155550123,,\n")
    for data in ({"line": "3"}, {"line": "99"}, {"line": "x"}, {}, {"line": "2", "same": "yes"}):
        assert as_root.post(f"{address}/different", data=data).status_code == 303
        assert rows() == [("duplicate", False), ("new", False)]
    as_root.post(f"{address}/different", data={"line": "2"})
    as_root.post(f"{address}/different", data={"line": "2", "same": "yes"})
    assert rows() == [("duplicate", False), ("new", False)]
    as_root.post(f"{address}/run", data={"on_duplicate": "skip"})
    work()
    as_root.post(f"{address}/different", data={"line": "2"})
    assert rows() == [("skipped", False), ("created", False)]
