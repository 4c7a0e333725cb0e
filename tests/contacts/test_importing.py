"""Imports from the sent file to the undo, over HTTP and through the jobs."""

import csv
import io
from datetime import date

import pytest
import sqlalchemy as sa
from contacts.people import contact
from contacts.test_pages import PAYLOAD, Fields
from flask import current_app
from services import wait_until

from voipcrm.accounts.models import Role, User
from voipcrm.accounts.permissions import Can
from voipcrm.contacts import importing, jobs
from voipcrm.contacts.imports import Import, ImportRow
from voipcrm.contacts.models import Organization, Person, Tag
from voipcrm.contacts.notes import Note, Task
from voipcrm.contacts.searching import page_of_persons
from voipcrm.core.db import db
from voipcrm.core.long_work import STALLED, Lost

INDEX = "/contacts/persons/imports"
FILE = "Name,Company,Phone,E-mail,Tags\n"


def send(client, text: str | bytes, name: str = "people.csv"):
    raw = text if isinstance(text, bytes) else text.encode()
    return client.post(INDEX, data={"file": (io.BytesIO(raw), name)}, content_type="multipart/form-data")


def work() -> Import:
    """What the worker does, in a context of its own as there."""
    import_id = db.session.scalars(sa.select(sa.func.max(Import.id))).one()
    db.session.rollback()
    with current_app.app_context():
        jobs.work_on_import(import_id)
    db.session.expire_all()
    return db.session.get_one(Import, import_id)


def checked(client, text: str | bytes, **mapping: str) -> str:
    """Address of a file that was sent and checked as it was guessed."""
    address = send(client, text).location
    assert address, "the file was refused"
    page = client.get(address).text
    one = db.session.scalars(sa.select(Import).order_by(Import.id.desc())).first()
    chosen = {f"column-{at}": key for at, key in enumerate(one.mapping)} | mapping
    assert "What is in the columns?" in page
    chosen |= {"encoding": one.encoding, "delimiter": one.delimiter}
    assert client.post(f"{address}/check", data=chosen).status_code == 303
    assert "Checking the file" in client.get(address).text
    assert work().state == "checked"
    return address


def imported(client, text: str | bytes, how: str = "skip") -> str:
    address = checked(client, text)
    assert client.post(f"{address}/run", data={"on_duplicate": how}).status_code == 303
    assert "Importing" in client.get(address).text
    assert work().state == "done"
    return address


def undone(client, address: str) -> str:
    assert client.post(f"{address}/undo").status_code == 303
    assert work().state == "undone"
    return client.get(address).text


def everybody() -> dict[str, Person]:
    db.session.expire_all()
    return {person.name: person for person in db.session.scalars(sa.select(Person)).unique()}


def counts(address: str) -> dict[str, int]:
    db.session.expire_all()
    return db.session.get_one(Import, int(address.rpartition("/")[2])).counts()


def rows_of_everything() -> int:
    return sum(
        db.session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Person, Organization, Tag, Note)
    )


def test_a_file_becomes_contacts_that_are_found(as_root, context):
    text = FILE + "Jörg Weiß,Acme Söhne,030 901820,J@x.example,VIP; Board\nAnn,acme sohne,(415) 555-0142,,vip\n"
    address = checked(as_root, text.replace("030", "+49 30"))
    page = as_root.get(address).text
    assert "What would happen" in page
    assert everybody() == {}
    as_root.post(f"{address}/run", data={"on_duplicate": "skip"})
    work()
    people = everybody()
    joerg = people["Jörg Weiß"]
    assert (joerg.company, [n.number for n in joerg.numbers]) == ("Acme Söhne", ["+4930901820"])
    assert [one.address for one in joerg.emails] == ["j@x.example"]
    assert [tag.name for tag in joerg.tags] == ["Board", "VIP"]
    assert people["Ann"].organization_id == joerg.organization_id
    assert [tag.name for tag in people["Ann"].tags] == ["VIP"]
    assert [one.name for one in page_of_persons(sa.select(Person), "weiss").rows] == ["Jörg Weiß"]
    assert counts(address) == {"created": 2}
    assert "Undo this import" in as_root.get(address).text


def test_what_is_exported_is_imported_again_as_it_was(as_root, context):
    first = contact(
        "Priya Raman",
        "=Acme",
        numbers=("+14155550142", "+4930901820"),
        emails=("a@x.example", "b@x.example"),
        note="-n",
    )
    first.numbers[0].label, first.numbers[1].label = "work", "mobile"
    db.session.commit()
    with current_app.app_context():
        file = as_root.get("/contacts/persons/export").data
    as_root.post(f"/contacts/persons/{first.id}/delete")
    imported(as_root, file)
    again = everybody()["Priya Raman"]
    assert [(one.number, one.label) for one in again.numbers] == [("+14155550142", "work"), ("+4930901820", "mobile")]
    assert [one.address for one in again.emails] == ["a@x.example", "b@x.example"]
    assert (again.company, again.note) == ("=Acme", "-n")


DUPLICATES = FILE + "New Priya,Neu,+14155550142,new@x.example,VIP\nBea,,+14155550143,,\nBea Again,,,NEW@x.example,\n"


def test_duplicates_are_reported_before_anything_is_written(as_root, context):
    contact("Priya Raman", numbers=("+14155550142",))
    address = checked(as_root, DUPLICATES)
    page = as_root.get(address).text
    assert counts(address) == {"new": 1, "duplicate": 2}
    assert "Priya Raman has the same number." in page
    assert "Line 2 of the file has the same number or e-mail." in page
    assert list(everybody()) == ["Priya Raman"]


@pytest.mark.parametrize(
    ("how", "expected", "names"),
    [
        ("skip", {"created": 2, "skipped": 1}, ["Bea", "Bea Again", "Priya Raman"]),
        ("update", {"created": 1, "updated": 2}, ["Bea", "Bea Again"]),
        ("create", {"created": 3}, ["Bea", "Bea Again", "New Priya", "Priya Raman"]),
    ],
)
def test_duplicates_are_skipped_updated_or_added_and_the_undo_takes_all_of_it_back(
    as_root, context, how, expected, names
):
    contact("Priya Raman", "Alt", numbers=("+14155550142",), emails=("old@x.example",), note="Kept")
    before = importing._snapshot(everybody()["Priya Raman"])
    address = imported(as_root, DUPLICATES, how)
    assert counts(address) == expected
    assert sorted(everybody()) == names
    if how == "update":
        again = everybody()["Bea Again"]  # the third row is about whom the first updated
        assert [one.number for one in again.numbers] == ["+14155550142"]
        assert [one.address for one in again.emails] == ["old@x.example", "new@x.example"]
        assert (again.company, again.note) == ("Neu", "Kept")
    page = undone(as_root, address)
    assert "as they did before" in page
    people = everybody()
    assert list(people) == ["Priya Raman"]
    assert importing._snapshot(people["Priya Raman"]) == before
    assert db.session.scalars(sa.select(Organization.name)).all() == ["Alt"]
    assert db.session.scalars(sa.select(Tag.name)).all() == []


def test_an_undo_keeps_whom_somebody_changed_or_wrote_about(as_root, context, cast):
    address = imported(as_root, FILE + "Ann,Acme,,,\nBen,,,,\nCid,,,,\nDee,,,,\nEve,,,,\n")
    people = everybody()
    as_root.post(f"/contacts/persons/{people['Ann'].id}/edit", data={"name": "Ann B", "owner_id": "0"})
    as_root.post(f"/contacts/persons/{people['Ben'].id}/notes", data={"text": "Spoke to him"})
    as_root.post(f"/contacts/persons/{people['Cid'].id}/tags", data={"tag": "VIP"})
    db.session.add(Task(person_id=people["Dee"].id, owner_id=cast.ada.id, title="Call", due_on=date(2026, 12, 1)))
    db.session.commit()
    page = undone(as_root, address)
    assert sorted(everybody()) == ["Ann B", "Ben", "Cid", "Dee"]
    assert counts(address) == {"kept": 4, "gone": 1}
    assert page.count("Somebody changed this contact since") == 4


def test_an_undo_passes_over_whom_somebody_deleted(as_root, context):
    address = imported(as_root, FILE + "Ann,,,,\nBen,,,,\n")
    as_root.post(f"/contacts/persons/{everybody()['Ann'].id}/delete")
    undone(as_root, address)
    assert everybody() == {}


def test_rows_that_cannot_be_taken_say_why_and_can_be_downloaded(as_root, context):
    address = imported(as_root, FILE + "Ann,,12,,\n,,,,VIP\nBen,,+14155550142,,\n=1+1,,x,,\n")
    assert counts(address) == {"bad": 3, "created": 1}
    page = as_root.get(address).text
    assert "Phone “12”: This number is too short." in page
    answer = as_root.get(f"{address}/problems.csv")
    found = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["Line"], row["Name"], row["Problem"]) for row in found] == [
        ("2", "Ann", "Phone “12”: This number is too short."),
        ("3", "", "There is no name."),
        ("5", "'=1+1", "Phone “x”: This is not a phone number."),
    ]


@pytest.mark.parametrize(
    ("sent", "words"),
    [(b"", "There is nothing in this file."), (b"x" * (20 * 1024 * 1024 + 1), "larger than 20 MB")],
    ids=["empty", "large"],
)
def test_a_file_that_is_no_use_is_refused_at_its_field(as_root, context, sent, words):
    answer = send(as_root, sent)
    assert answer.status_code == 422
    assert words in Fields(answer.text).errors["file"]
    assert db.session.scalar(sa.select(sa.func.count(Import.id))) == 0


def test_no_file_and_far_too_large_a_one_are_refused(as_root, context):
    assert "Choose a file." in as_root.post(INDEX, data={}).text
    assert send(as_root, b"x" * (21 * 1024 * 1024)).status_code == 413


def test_a_file_is_not_taken_without_a_token(as_root, context):
    as_root.token = None
    assert send(as_root, FILE).status_code == 400
    assert db.session.scalar(sa.select(sa.func.count(Import.id))) == 0


def test_encoding_and_separator_are_chosen_anew_where_the_guess_was_wrong(as_root, context):
    address = send(as_root, "Имя|Телефон\nЖанна|+14155550142\n".encode("cp1251")).location
    assert "Жанна" not in as_root.get(address).text
    chosen = {"encoding": "cp1251", "delimiter": "|", "again": "yes"}
    assert as_root.post(f"{address}/check", data=chosen).status_code == 303
    assert "Жанна" in as_root.get(address).text
    del chosen["again"]
    refused = as_root.post(f"{address}/check", data={**chosen, "column-1": "number"})
    assert (refused.status_code, "Choose the column that holds the name." in refused.text) == (422, True)
    as_root.post(f"{address}/check", data={**chosen, "column-0": "name", "column-1": "number"})
    assert work().state == "checked"


def test_a_file_that_cannot_be_read_to_its_end_fails_with_the_line_and_can_be_tried_again(as_root, context):
    address = send(as_root, b"Name,x\n" + b"Ann,1\n" * 60_000 + b"\xff\xfe,1\n").location
    for encoding, state in (("utf-8-sig", "failed"), ("cp1252", "checked")):
        chosen = {"encoding": encoding, "delimiter": ",", "column-0": "name"}
        for _ in range(2):  # another encoding: first it shows the columns as they are then
            assert "What is in the columns?" in as_root.get(address).text
            as_root.post(f"{address}/check", data=chosen)
        assert work().state == state
    assert counts(address) == {"new": 60_001}


def test_a_file_is_discarded_with_its_rows_and_one_that_wrote_is_not(as_root, context):
    address = checked(as_root, FILE + "Ann,,,,\n")
    assert as_root.post(f"{address}/discard").location == INDEX
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ImportRow)) == 0
    assert as_root.get(address).status_code == 404
    done = imported(as_root, FILE + "Ann,,,,\n")
    as_root.post(f"{done}/discard")
    assert as_root.get(done).status_code == 200


def test_a_work_that_was_cut_off_goes_on_where_it_was_and_writes_nobody_twice(as_root, context, monkeypatch):
    monkeypatch.setattr(importing, "WRITTEN_AT_ONCE", 2)
    address = checked(as_root, FILE + "".join(f"P{n},,+1415555{n:04},,\n" for n in range(100, 107)))
    as_root.post(f"{address}/run", data={"on_duplicate": "create"})
    whole, batches = importing._write, []

    def cut_off(one, rows):
        if len(batches) == 2:
            raise RuntimeError("power cut")
        batches.append(len(rows))
        whole(one, rows)

    monkeypatch.setattr(importing, "_write", cut_off)
    with pytest.raises(RuntimeError):
        work()
    db.session.rollback()
    assert len(everybody()) == 4
    monkeypatch.setattr(importing, "_write", whole)
    assert work().state == "done"
    assert len(everybody()) == 7
    assert work().state == "done"  # rung twice
    assert len(everybody()) == 7


def test_whoever_was_taken_over_writes_no_more(as_root, context):
    address = checked(as_root, FILE + "Ann,,,,\n")
    as_root.post(f"{address}/run", data={"on_duplicate": "skip"})
    one = db.session.scalars(sa.select(Import)).one()
    one.claim = "of another"
    db.session.commit()
    with pytest.raises(Lost):
        importing._run(one.id, "mine")
    db.session.rollback()
    assert everybody() == {}


def test_the_sweep_rings_for_works_of_which_nobody_heard(as_root, context, monkeypatch):
    address = checked(as_root, FILE + "Ann,,,,\n")
    as_root.post(f"{address}/run", data={"on_duplicate": "skip"})
    rung = []
    monkeypatch.setattr(jobs, "later", lambda job, import_id: rung.append(import_id))
    db.session.rollback()
    with current_app.app_context():
        jobs.sweep()
    assert rung == []
    one = db.session.scalars(sa.select(Import)).one()
    one.reached_at -= 2 * STALLED
    db.session.commit()
    import_id = one.id
    db.session.rollback()
    with current_app.app_context():
        jobs.sweep()
    assert rung == [import_id]


def test_a_real_worker_imports(as_root, app, worker, context):
    address = send(as_root, FILE + "Ann,,,,\n").location
    as_root.post(f"{address}/check", data={"encoding": "utf-8-sig", "delimiter": ",", "column-0": "name"})

    def state() -> str:
        value = db.session.scalars(sa.select(Import.state)).one()
        db.session.rollback()  # outside a request a transaction locks the others out
        return value

    db.session.rollback()
    wait_until(lambda: state() == "checked", 30, worker)
    as_root.post(f"{address}/run", data={"on_duplicate": "skip"})
    db.session.rollback()
    wait_until(lambda: state() == "done", 30, worker)
    assert list(everybody()) == ["Ann"]


def test_markup_in_a_file_stays_text(as_root, context):
    cell = PAYLOAD.replace('"', '""')
    text = f'"{cell}","Phone"\n"{cell}","+14155550142"\n"{cell}","{cell[:60]}"\n'
    address = send(as_root, text, name=f"{PAYLOAD}.csv").location
    pages = [as_root.get(address).text, as_root.get(INDEX).text]
    as_root.post(
        f"{address}/check",
        data={"encoding": "utf-8-sig", "delimiter": ",", "column-0": "name", "column-1": "number"},
    )
    work()
    pages.append(as_root.get(address).text)
    for page in pages:
        assert not [kind for kind, given in Fields(page).tags if "onerror" in given or given.get("src") == "x"]
        assert not [kind for kind, given in Fields(page).tags if kind == "script" and not given.get("src")]


def test_who_may_not_import_finds_no_import(as_bo, context):
    one = Import(file_name="x", file=b"", encoding="utf-8-sig", delimiter=",", columns=[], mapping=[])
    db.session.add(one)
    db.session.commit()
    for address in (INDEX, f"{INDEX}/{one.id}", f"{INDEX}/{one.id}/problems.csv"):
        assert as_bo.get(address).status_code == 404
    for verb in ("check", "run", "undo", "discard"):
        assert as_bo.post(f"{INDEX}/{one.id}/{verb}").status_code == 403
    assert INDEX not in as_bo.get("/contacts/persons").text


def test_who_may_import_but_not_see_contacts_sees_no_report(app, cast, context):
    one = Import(file_name="x", file=b"Name", encoding="utf-8-sig", delimiter=",", columns=["Name"], mapping=["name"])
    db.session.add(one)
    mallory = db.session.get_one(User, cast.mallory.id)
    mallory.roles.append(Role(name="odd", permissions=[Can.IMPORT_CONTACTS]))
    db.session.commit()
    client = app.test_client().sign_in(cast.mallory)
    assert client.get(f"{INDEX}/{one.id}").status_code == 404
    assert "No imports yet" in client.get(INDEX).text
