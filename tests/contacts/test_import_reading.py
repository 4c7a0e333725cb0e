"""What is read out of files of many kinds, without a database."""

import codecs

import pytest

from voipcrm.contacts import import_reading as reading
from voipcrm.contacts.exporting import COLUMNS
from voipcrm.contacts.folding import folded

TABLE = "Name;E-Mail;Telefon\nJörg Weiß;j@x.example;030 901820\nŁukasz;;\n"


@pytest.mark.parametrize(
    ("encoding", "guessed"),
    [("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-be", None)],
)
def test_the_encoding_is_guessed_by_its_mark_or_by_what_can_be_read(encoding, guessed):
    raw = TABLE.encode(encoding)
    if encoding == "utf-16-be":
        raw, guessed = codecs.BOM_UTF16_BE + raw, "utf-16"
    assert reading.guess_encoding(raw) == guessed
    assert reading.guess_delimiter(raw, guessed) == ";"
    assert reading.preview(raw, guessed, ";")[1][0][0] == "Jörg Weiß"


def test_what_is_no_unicode_is_taken_for_windows():
    raw = "Name,Stadt\nJörg,Köln\n".encode("cp1252")
    assert reading.guess_encoding(raw) == "cp1252"
    assert reading.preview(raw, "cp1252", ",")[1] == [["Jörg", "Köln"]]


@pytest.mark.parametrize("delimiter", reading.DELIMITERS)
def test_the_delimiter_is_the_one_that_makes_columns(delimiter):
    rows = [["Name", "Note"], ["Ann", "a, b; c\nd"], ["Ben", ""]]
    raw = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows).encode()
    assert reading.guess_delimiter(raw, "utf-8-sig") == delimiter
    assert list(reading.cells_of(raw, "utf-8-sig", delimiter)) == [(2, rows[1]), (4, rows[2])]


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [
        (["Name", "Company", "Phone", "Mobile", "E-mail"], ["name", "company", "number", "number", "email"]),
        (["First Name", "Last Name", "Organization"], ["first", "last", "company"]),
        (["Vorname", "Nachname", "Firma", "Telefon", "Bemerkung"], ["first", "last", "company", "number", "note"]),
        (["Name", "Display name", "Zodiac"], ["name", "", ""]),
        (list(COLUMNS), ["name", "company", "number", "label", "number", "email", "email", "owner", "tags", "note"]),
    ],
)
def test_columns_are_guessed_by_their_names(columns, mapping):
    assert reading.guess_mapping(columns) == mapping


def understood(cells: list[str], mapping: list[str]) -> reading.Row:
    return reading.understand(2, cells, mapping, country="US", owners={folded("Ada Ortiz"): 7, "ada@example.com": 7})


def test_a_row_says_a_person():
    row = understood(
        [
            "Priya",
            "Raman",
            "Acme",
            "(415) 555-0142",
            "work",
            "'+4930901820 (mobile); 415 555 0143",
            "P@x.example",
            "VIP; Board",
        ],
        ["first", "last", "company", "number", "label", "number", "email", "tags"],
    )
    assert row.problem == ""
    assert row.fields == {
        "name": "Priya Raman",
        "company": "Acme",
        "numbers": [["+14155550142", "work"], ["+4930901820", "mobile"], ["+14155550143", ""]],
        "emails": ["p@x.example"],
        "owner_id": None,
        "tags": ["VIP", "Board"],
        "note": "",
    }


@pytest.mark.parametrize("owner", ["Ada Ortiz", "ADA@example.com"])
def test_an_owner_is_named_or_mailed(owner):
    assert understood(["P", owner], ["name", "owner"]).fields["owner_id"] == 7


@pytest.mark.parametrize(
    ("cells", "mapping", "problem"),
    [
        (["", "x"], ["name", ""], "There is no name."),
        (["x" * 201], ["name"], "The name is longer than 200 characters."),
        (["P", "12"], ["name", "number"], "Phone “12”: This number is too short."),
        (["P", "nope"], ["name", "email"], "“nope” is not an e-mail address."),
        (["P", "Eve"], ["name", "owner"], "There is no colleague “Eve” to be the owner."),
        (["P", "x" * 41], ["name", "tags"], "A tag is longer than 40 characters."),
        (["P", "x" * 10_001], ["name", "note"], "The note is longer than 10,000 characters."),
    ],
)
def test_a_row_that_cannot_be_taken_says_why_and_keeps_its_cells(cells, mapping, problem):
    row = understood(cells, mapping)
    assert row.problem == problem
    assert row.fields == {"cells": cells}


@pytest.mark.parametrize(
    ("cells", "mapping", "name"),
    [(["", "Acme"], ["name", "company"], "Acme"), (["", "a@b.example"], ["name", "email"], "a@b.example")],
)
def test_without_a_name_the_company_or_e_mail_is_one(cells, mapping, name):
    assert understood(cells, mapping).name == name


@pytest.mark.parametrize(
    ("raw", "encoding", "words"),
    [
        (b"", "utf-8-sig", "There is nothing in this file."),
        (b"\n \n", "utf-8-sig", "There is nothing in this file."),
        (b"a," * 101, "utf-8-sig", "Line 1 has more than 100 columns."),
    ],
)
def test_a_file_that_is_no_table_says_so(raw, encoding, words):
    with pytest.raises(reading.FileUnreadable, match=words):
        reading.preview(raw, encoding, ",")


def test_a_file_that_turns_unreadable_says_where():
    raw = b"Name\nAnn\n\xff\xfe\x00\n"
    with pytest.raises(reading.FileUnreadable, match="not in this encoding"):
        list(reading.cells_of(raw, "utf-8-sig", ","))


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (["name", "number", "number"], ""),
        (["email"], ""),
        (["number"], "Choose the column that holds the name."),
        (["", ""], "Choose the column that holds the name."),
        (["name", "name"], "Only one column can be “Full name”."),
    ],
)
def test_a_mapping_must_make_contacts(mapping, problem):
    assert reading.problem_of(mapping) == problem
