"""What stands in a CSV file of contacts: encoding, columns, and what each row says, or why it cannot be taken."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from email_validator import EmailNotValidError, validate_email

from voipcrm.contacts.folding import folded
from voipcrm.contacts.forms import LABELS, MOST_ROWS, many_lines
from voipcrm.core.texts import one_line
from voipcrm.telephony import numbers
from voipcrm.telephony.errors import NumberInvalid

ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Western European (Windows)",
    "mac_roman": "Western European (Mac)",
    "cp1250": "Central European",
    "cp1251": "Cyrillic",
    "cp1253": "Greek",
    "cp1254": "Turkish",
    "cp932": "Japanese",
    "gb18030": "Chinese, simplified",
    "big5": "Chinese, traditional",
    "cp949": "Korean",
}
DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
FIELDS = {
    "name": "Full name",
    "first": "First name",
    "last": "Last name",
    "company": "Company",
    "number": "Phone numbers",
    "label": "Label of the number before",
    "email": "E-mails",
    "owner": "Owner, by name or e-mail",
    "tags": "Tags",
    "note": "Note",
}
SEVERAL = ("number", "label", "email", "tags", "note")  # that more than one column may hold
_WORDS = {  # what headers are called, folded; the first that fits wins
    "label": ("label", "number type", "phone type", "type"),
    "email": ("mail", "courriel", "correo"),
    "number": ("phone", "number", "mobile", "cell", "tel", "handy", "fon", "mobil", "fax"),
    "first": ("first name", "given", "vorname", "prenom", "firstname", "nombre"),
    "last": ("last name", "family", "surname", "nachname", "lastname", "apellido"),
    "company": ("company", "organization", "organisation", "firma", "account", "business", "empresa", "societe"),
    "owner": ("owner", "assigned", "besitzer"),
    "tags": ("tag", "group", "categor", "label"),
    "note": ("note", "comment", "description", "notiz", "bemerkung", "remark"),
    "name": ("name", "contact", "kontakt"),
}
MOST_COLUMNS = 100
_PREVIEW_CHARACTERS = 64 * 1024
_LABELLED = re.compile(r"(.*?)\s*\(([^()0-9]{1,40})\)")


class FileUnreadable(Exception):
    """The file is no table that we can read; says why, for people."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `fields`: name, company, numbers ([E.164, label] each), emails, owner_id, tags, note. `problem`: why it
    cannot be taken; then `fields` has only its cells."""

    line: int
    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def guess_encoding(raw: bytes) -> str:
    """One of ENCODINGS, by the mark at the beginning, else by what the bytes can be."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def guess_delimiter(raw: bytes, encoding: str) -> str:
    """The one of DELIMITERS by which the first lines have most columns, the same number in each."""

    def worth(delimiter: str) -> tuple[int, int]:
        lengths = [len(cells) for _, cells in _some(raw, encoding, delimiter)]
        return (min(lengths, default=0), max(lengths, default=0))

    return max(DELIMITERS, key=worth)


def guess_mapping(columns: Sequence[str]) -> list[str]:
    """For each column the field that its name speaks of, or ""; none twice but those that may be."""
    guessed: list[str] = []
    for column in columns:
        words = folded(column)
        fits = (key for key, marks in _WORDS.items() if any(mark in words for mark in marks))
        guessed.append(next((key for key in fits if key in SEVERAL or key not in guessed), ""))
    return guessed


def preview(raw: bytes, encoding: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """The columns' names and the first five rows. Raises FileUnreadable."""
    rows = [cells for _, cells in _some(raw, encoding, delimiter)]
    if not rows:
        raise FileUnreadable("There is nothing in this file.")
    return [one_line(cell)[:100] for cell in rows[0]], rows[1:6]


def problem_of(mapping: Sequence[str]) -> str:
    """Why these columns make no contacts; empty if they do."""
    twice = next((one for one in mapping if one and one not in SEVERAL and mapping.count(one) > 1), None)
    if twice:
        return f"Only one column can be “{FIELDS[twice]}”."
    if not {"name", "first", "last", "company", "email"} & set(mapping):
        return "Choose the column that holds the name."
    return ""


def cells_of(raw: bytes, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row below the first that is not empty. Raises FileUnreadable where it makes no sense."""
    rows = _read(io.TextIOWrapper(io.BytesIO(raw), encoding, newline=""), delimiter)
    next(rows, None)
    yield from rows


def understand(line: int, cells: Sequence[str], mapping: Sequence[str], *, country: str, owners: dict[str, int]) -> Row:
    """What a row says. `country`: of numbers without a country code; `owners`: user ids by folded name and e-mail."""
    said = _by_field(cells, mapping)
    company = one_line(" ".join(said["company"]))
    emails_typed = [part for text in said["email"] for part in _parts(text, ";,|\n")]
    name = one_line(" ".join(said["name"])) or one_line(" ".join(said["first"] + said["last"]))
    name = name or company or (emails_typed[0] if emails_typed else "")
    try:
        if not folded(name):
            raise FileUnreadable("There is no name.")
        for what, text in (("name", name), ("company", company)):
            if len(text) > 200:
                raise FileUnreadable(f"The {what} is longer than 200 characters.")
        fields = {
            "name": name,
            "company": company,
            "numbers": _numbers(said["number"], country),
            "emails": _emails(emails_typed),
            "owner_id": _owner(said["owner"], owners),
            "tags": _tags(said["tags"]),
            "note": _note(said["note"]),
        }
    except FileUnreadable as problem:
        return Row(line, name[:200], {"cells": [cell.replace("\x00", "") for cell in cells]}, str(problem))
    return Row(line, name, fields)


def _by_field(cells: Sequence[str], mapping: Sequence[str]) -> dict[str, list[Any]]:
    """The texts of each field; `number` as (text, label) with the label that its column or the one after it gives."""
    said: dict[str, list[Any]] = {key: [] for key in FIELDS}
    for key, cell in zip(mapping, cells, strict=False):
        text = cell.strip()
        if text.startswith("'") and text[1:2] in tuple("=+-@＝＋－＠"):
            text = text[1:]  # as exports write what could be taken for a formula
        if key == "label" and said["number"]:
            said["number"][-1] = (said["number"][-1][0], one_line(text)[:40])
        elif key == "number":
            said["number"].append((text, ""))
        elif key and key != "label" and text:
            said[key].append(text)
    return said


def _numbers(texts: list[tuple[str, str]], country: str) -> list[list[str]]:
    found: dict[str, str] = {}
    for text, column_label in texts:
        for part in _parts(text, ";|\n"):
            match = _LABELLED.fullmatch(part)
            typed, label = (match[1], match[2]) if match else (part, column_label)
            try:
                number = numbers.parse(typed.removeprefix("'"), country)
            except NumberInvalid as refusal:
                raise FileUnreadable(f"Phone “{typed[:64]}”: {refusal}") from None
            plain = one_line(label)
            found.setdefault(number, plain.lower() if plain.lower() in LABELS else plain)
    if len(found) > MOST_ROWS:
        raise FileUnreadable(f"There are more than {MOST_ROWS} phone numbers.")
    return [list(one) for one in found.items()]


def _emails(typed: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for one in typed:
        try:
            found[validate_email(one, check_deliverability=False).normalized.lower()] = None
        except EmailNotValidError:
            raise FileUnreadable(f"“{one[:64]}” is not an e-mail address.") from None
    if len(found) > MOST_ROWS:
        raise FileUnreadable(f"There are more than {MOST_ROWS} e-mails.")
    return list(found)


def _owner(texts: list[str], owners: dict[str, int]) -> int | None:
    if not texts:
        return None
    if (known := owners.get(folded(texts[0]))) is None:
        raise FileUnreadable(f"There is no colleague “{one_line(texts[0])[:64]}” to be the owner.")
    return known


def _tags(texts: list[str]) -> list[str]:
    found = {folded(part): part for text in texts for part in _parts(text, ";,|\n") if folded(part)}
    if any(len(tag) > 40 for tag in found.values()):
        raise FileUnreadable("A tag is longer than 40 characters.")
    if len(found) > 30:
        raise FileUnreadable("There are more than 30 tags.")
    return list(found.values())


def _note(texts: list[str]) -> str:
    note = many_lines("\n".join(texts))
    if len(note) > 10_000:
        raise FileUnreadable("The note is longer than 10,000 characters.")
    return note


def _parts(text: str, separators: str) -> list[str]:
    return [part for one in re.split(f"[{re.escape(separators)}]", text) if (part := one_line(one))]


def _some(raw: bytes, encoding: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The first rows, up to 20; the last one may be cut. Raises FileUnreadable for the first."""
    text = raw[: _PREVIEW_CHARACTERS * 4].decode(encoding, "replace")[:_PREVIEW_CHARACTERS]
    found: list[tuple[int, list[str]]] = []
    try:
        for row in _read(io.StringIO(text, newline=""), delimiter):
            found.append(row)
            if len(found) == 20:
                break
    except FileUnreadable:
        if not found:
            raise
    return found


def _read(lines: Any, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=delimiter)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) > MOST_COLUMNS:
                    raise FileUnreadable(f"Line {begins} has more than {MOST_COLUMNS} columns.")
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise FileUnreadable(f"Line {begins} cannot be read: {error}.") from None
    except UnicodeError:
        raise FileUnreadable(f"From line {begins} on the text is not in this encoding. Choose another.") from None
