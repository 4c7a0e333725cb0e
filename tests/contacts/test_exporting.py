"""Contacts as CSV."""

import csv
import io

import pytest
from contacts.people import contact

from voipcrm.accounts.models import Role, User
from voipcrm.accounts.permissions import Can
from voipcrm.contacts import exporting, views
from voipcrm.contacts.models import Tag, Tagging
from voipcrm.core.db import db

EXPORT = "/contacts/persons/export"


def rows(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_everything_of_a_person_is_in_the_file_and_numbers_stay_text(as_bo, cast, context):
    priya = contact(
        "Priya Räman",
        "Acme; Söhne",
        numbers=("+14155550142", "+4930901820"),
        emails=("a@acme.example", "b@acme.example"),
        owner_id=cast.ada.id,
        note='Says "hi",\nmornings',
    )
    priya.numbers[0].label, priya.numbers[1].label = "work", "mobile"
    priya.taggings += [Tagging(tag=Tag(name=name, sort_name=name.lower())) for name in ("VIP", "Board")]
    db.session.commit()
    answer = as_bo.get(EXPORT)
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="contacts-2')
    assert rows(answer) == [
        {
            "Name": "Priya Räman",
            "Company": "Acme; Söhne",
            "Phone": "'+14155550142",
            "Phone label": "work",
            "Other phones": "'+4930901820 (mobile)",
            "E-mail": "a@acme.example",
            "Other e-mails": "b@acme.example",
            "Owner": "Ada Ortiz",
            "Tags": "Board; VIP",
            "Note": 'Says "hi",\nmornings',
        }
    ]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_nothing_in_the_file_is_a_formula(begin):
    assert exporting.safe(f"{begin}HYPERLINK(1)") == f"'{begin}HYPERLINK(1)"
    assert exporting.safe(f"a{begin}") == f"a{begin}"


def test_no_cell_of_a_hostile_person_begins_a_formula(as_bo, context):
    bad = "=cmd|' /C calc'!A0"
    person = contact(bad, bad, note=bad, emails=("=x@y.example",))
    person.taggings.append(Tagging(tag=Tag(name=bad, sort_name=bad)))
    db.session.commit()
    (row,) = rows(as_bo.get(EXPORT))
    assert [cell for cell in row.values() if cell.startswith("=")] == []
    assert row["Name"] == f"'{bad}"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["Ann A", "Ben B", "Cid A"]),
        ({"q": "a"}, ["Ann A", "Cid A"]),
        ({"q": "ben"}, ["Ben B"]),
        ({"owner": "ada"}, ["Ann A", "Ben B"]),
        ({"owner": 0}, ["Cid A"]),
        ({"tag": "vip"}, ["Ben B", "Cid A"]),
        ({"tag": "vip", "owner": "ada"}, ["Ben B"]),
        ({"tag": "vip", "q": "a"}, ["Cid A"]),
        ({"q": "zzz"}, []),
    ],
)
def test_the_file_has_those_of_the_present_filter_however_many_batches(as_bo, cast, context, monkeypatch, asked, names):
    monkeypatch.setattr(exporting, "BATCH", 1)
    vip = Tag(name="VIP", sort_name="vip")
    for name, owner in (("Ann A", cast.ada.id), ("Ben B", cast.ada.id), ("Cid A", None)):
        person = contact(name, owner_id=owner)
        if name != "Ann A":
            person.taggings.append(Tagging(tag=vip))
    db.session.commit()
    known = {"ada": cast.ada.id, "vip": vip.id}
    query = {key: known.get(value, value) for key, value in asked.items()}
    assert [row["Name"] for row in rows(as_bo.get(EXPORT, query_string=query))] == names


def test_the_list_offers_the_file_of_its_filter_to_those_who_may(as_ada, as_bo, context):
    contact("Priya Raman")
    assert f"{EXPORT}?q=priya" in as_bo.get("/contacts/persons?q=priya").text


def test_who_may_not_export_is_offered_nothing(as_ada, context):
    contact("Priya Raman")
    assert EXPORT not in as_ada.get("/contacts/persons").text
    assert as_ada.get(EXPORT).status_code == 404


def test_who_may_export_but_not_see_gets_an_empty_file(app, cast, context):
    contact("Priya Raman")
    mallory = db.session.get_one(User, cast.mallory.id)
    mallory.roles.append(Role(name="odd", permissions=[Can.EXPORT_CONTACTS]))
    db.session.commit()
    assert rows(app.test_client().sign_in(cast.mallory).get(EXPORT)) == []


def test_exports_that_nobody_reads_leave_threads_for_others(as_bo, context):
    for _ in range(views.EXPORTS_AT_ONCE):
        assert views._exports.acquire(blocking=False)
    refused = as_bo.get(EXPORT + "?q=x")
    assert (refused.status_code, refused.location) == (303, "/contacts/persons?q=x")
    for _ in range(views.EXPORTS_AT_ONCE):
        views._exports.release()


def test_an_export_makes_room_for_the_next_whether_read_or_not(as_bo, context):
    for n in range(views.EXPORTS_AT_ONCE * 3):
        answer = as_bo.get(EXPORT)
        assert answer.status_code == 200
        if n % 2:
            assert rows(answer) == []
        answer.close()
