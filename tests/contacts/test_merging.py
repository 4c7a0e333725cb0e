"""Two contacts become one, and two again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from calls.call_rows import outbound
from contacts.people import contact

from voipcrm.accounts.audit import AuditEntry
from voipcrm.calls.models import Call
from voipcrm.contacts import merging
from voipcrm.contacts.merging import Merge
from voipcrm.contacts.models import Organization, Person, Tag, Tagging
from voipcrm.contacts.notes import Note, Task
from voipcrm.contacts.searching import page_of_persons
from voipcrm.core import clock
from voipcrm.core.db import db

ONE, TWO, THREE = "+13125550101", "+13125550102", "+13125550103"


def tagged(person: Person, *names: str) -> Person:
    for name in names:
        person.taggings.append(Tagging(tag=Tag.named(name)))
    db.session.commit()
    return person


def two_anas(cast) -> tuple[int, int]:
    """The same person twice, with a note, a task and a call each: their ids."""
    old = contact("Ana Silva", "Acme", numbers=(ONE, TWO), emails=("ana@acme.example",), note="Old note")
    new = contact("Ana  da Silva", numbers=(TWO, THREE), emails=("ana@home.example",), note="New note")
    tagged(old, "vip", "east")
    tagged(new, "vip", "new")
    for person in (old, new):
        db.session.add(Note(person_id=person.id, by_id=cast.ada.id, text=f"About {person.id}"))
        db.session.add(Task(person_id=person.id, owner_id=cast.ada.id, title="Call", due_on=clock.now().date()))
        db.session.add(outbound(cast.ada.id, person_id=person.id))
    db.session.commit()
    return old.id, new.id


def merge(browser, one: int, other: int, **fields: str):
    chosen = {"name": "one", "organization_id": "one", "owner_id": "one", "note": "both", **fields}
    return browser.post(f"/contacts/persons/{one}/merge/{other}", data=chosen)


def undo(browser):
    db.session.rollback()
    row = db.session.scalars(sa.select(Merge).order_by(Merge.id.desc())).first()
    answer = browser.post(f"/contacts/merges/{row.id}/undo")
    db.session.rollback()
    return answer


def about(person_id: int) -> dict:
    db.session.rollback()
    person = db.session.get_one(Person, person_id)
    count = {
        model.__name__: db.session.scalar(sa.select(sa.func.count()).where(model.person_id == person_id))
        for model in (Note, Task, Call)
    }
    return {
        "name": person.name,
        "company": person.company,
        "note": person.note,
        "numbers": sorted(one.number for one in person.numbers),
        "emails": sorted(one.address for one in person.emails),
        "tags": sorted(tag.name for tag in person.tags),
        **count,
    }


def found(query: str) -> list[int]:
    return [one.id for one in page_of_persons(sa.select(Person), query).rows]


def test_all_of_both_is_in_one_and_the_old_address_leads_there(context, as_ada, cast):
    old, new = two_anas(cast)
    answer = merge(as_ada, old, new)
    assert (answer.status_code, answer.location) == (303, f"/contacts/persons/{new}")
    assert about(new) == {
        "name": "Ana Silva",
        "company": "Acme",
        "note": "Old note\nNew note",
        "numbers": [ONE, TWO, THREE],
        "emails": ["ana@acme.example", "ana@home.example"],
        "tags": ["east", "new", "vip"],
        "Note": 2,
        "Task": 2,
        "Call": 2,
    }
    assert db.session.get(Person, old) is None
    assert as_ada.get(f"/contacts/persons/{old}").location == f"/contacts/persons/{new}"
    assert found("acme") == found("5550103") == [new]
    page = as_ada.get(f"/contacts/persons/{new}").text
    assert "Undo merge with Ana Silva" in page
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.verb == "merged")).one()
    assert (entry.user_id, entry.subject_id) == (cast.ada.id, new)


def test_undo_makes_two_again_as_they_were(context, as_ada, as_bo, cast):
    old, new = two_anas(cast)
    before = about(old), about(new)
    merge(as_ada, new, old, name="other")
    assert undo(as_bo).status_code == 303
    assert (about(old), about(new)) == before
    assert found("acme") == [old]
    assert as_ada.get(f"/contacts/persons/{old}").status_code == 200
    assert db.session.scalars(sa.select(AuditEntry).where(AuditEntry.verb == "merge-undone")).one().user_id


def test_undo_leaves_what_was_changed_since(context, as_ada, cast):
    old, new = two_anas(cast)
    merge(as_ada, old, new)
    db.session.rollback()
    kept = db.session.get_one(Person, new)
    kept.name = "Ana Castro"
    db.session.add(Note(person_id=new, text="Since"))
    db.session.commit()
    undo(as_ada)
    assert about(new)["name"] == "Ana Castro"
    assert (about(new)["Note"], about(old)["Note"]) == (2, 1)


def test_undo_is_over_after_thirty_days(context, as_ada, cast):
    old, new = two_anas(cast)
    merge(as_ada, old, new)
    with time_machine.travel(clock.now() + timedelta(days=31), tick=True):
        assert "Undo merge" not in as_ada.get(f"/contacts/persons/{new}").text
        db.session.rollback()
        row = db.session.scalars(sa.select(Merge)).one()
        with pytest.raises(merging.CannotUndo, match="any more"):
            merging.undo(row, by=None)
    assert db.session.get(Person, old) is None


def test_a_merge_of_a_merge_is_undone_from_the_last_on(context, as_ada, cast):
    old, new = two_anas(cast)
    newest = contact("A. Silva", numbers=("+13125550109",)).id
    merge(as_ada, old, new)
    merge(as_ada, new, newest)
    assert as_ada.get(f"/contacts/persons/{old}").location == f"/contacts/persons/{newest}"
    db.session.rollback()
    first = db.session.scalars(sa.select(Merge).order_by(Merge.id)).first()
    as_ada.post(f"/contacts/merges/{first.id}/undo")
    assert "Undo that first" in as_ada.get(f"/contacts/persons/{newest}").text
    undo(as_ada)
    as_ada.post(f"/contacts/merges/{first.id}/undo")
    assert about(old)["numbers"] == [ONE, TWO]
    assert about(newest)["Call"] == 0


def test_everything_that_refers_to_a_person_is_moved(context):
    """A new table that refers to contacts is moved without a word here; one that is a part of them must be named."""
    places = {f"{one.table.name}.{one.name}" for one in merging._references("persons")}
    assert {"calls.person_id", "notes.person_id", "tasks.person_id", "number_choices.person_id"} <= places
    assert not {"phone_numbers.person_id", "email_addresses.person_id", "taggings.person_id"} & places


def test_organizations_merge_with_their_people_who_are_found_by_the_new_name(context, as_ada):
    ana, ben = contact("Ana Silva", "Acme"), contact("Ben Okafor", "Acme Inc")
    acme, inc = ana.organization_id, ben.organization_id
    fields = {"name": "one", "website": "one", "note": "one"}
    answer = as_ada.post(f"/contacts/organizations/{acme}/merge/{inc}", data=fields)
    assert answer.location == f"/contacts/organizations/{inc}"
    db.session.rollback()
    assert {one.company for one in db.session.scalars(sa.select(Person)).unique()} == {"Acme"}
    assert found("inc") == []
    assert as_ada.get(f"/contacts/organizations/{acme}").location == f"/contacts/organizations/{inc}"
    undo(as_ada)
    assert {one.company for one in db.session.scalars(sa.select(Person)).unique()} == {"Acme", "Acme Inc"}
    assert found("inc") == [ben.id]
    assert db.session.get_one(Organization, acme).name == "Acme"


def test_what_differs_must_be_chosen(context, as_ada, cast):
    old, new = two_anas(cast)
    answer = as_ada.post(f"/contacts/persons/{old}/merge/{new}", data={"name": "one"})
    assert (answer.status_code, "Choose what stays" in answer.text) == (422, True)
    assert db.session.get(Person, old) is not None


@pytest.mark.parametrize(("by", "shared"), [("name", "Zoe Marsh"), ("email", "z@x.example"), ("number", "+44 20")])
def test_duplicates_are_found_by_name_e_mail_and_number(context, as_ada, by, shared):
    other = {"name": "zoë marsh", "email": "Other", "number": "Another"}[by]
    contact("Zoe Marsh", numbers=("+442079460123",), emails=("z@x.example",))
    email, number = {"name": ((), ()), "email": (("z@x.example",), ()), "number": ((), ("+442079460123",))}[by]
    twin = contact(other, numbers=number, emails=email)
    contact("Somebody Else", numbers=("+13125550199",), emails=("else@x.example",))
    page = as_ada.get(f"/contacts/duplicates?by={by}").text
    assert shared in page
    assert f"/merge/{twin.id}" in page
    assert "Somebody Else" not in page
    likely = as_ada.get(f"/contacts/persons/{twin.id}/merge").text
    assert "Same " + {"name": "name", "email": "e-mail", "number": "number"}[by] in likely


def test_duplicates_are_paged_and_their_absence_is_told(context, as_ada):
    assert "No duplicates here" in as_ada.get("/contacts/duplicates").text
    for at in range(25):
        for _ in range(2):
            contact(f"Twin {at:02}")
    first = as_ada.get("/contacts/duplicates").text
    assert "Twin 19" in first
    assert "Twin 20" not in first
    second = as_ada.get("/contacts/duplicates?by=name&after=twin+19").text
    assert "Twin 20" in second
    assert "Next" not in second


def test_those_who_may_not_edit_merge_nothing(context, as_mallory, as_ada, cast):
    old, new = two_anas(cast)
    assert as_mallory.get("/contacts/duplicates").status_code == 404
    assert merge(as_mallory, old, new).status_code == 403
    assert as_ada.get(f"/contacts/persons/{old}/merge/{old}").status_code == 404
    assert as_ada.get(f"/contacts/persons/{old}/merge/9999").status_code == 404
