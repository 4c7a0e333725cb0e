"""Pages of imports: send a file, say what its columns are, look at what would happen, let it happen, take it back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, flash, redirect, request, stream_with_context, url_for
from flask_login import current_user

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.contacts import import_reading as reading
from voipcrm.contacts import importing, jobs
from voipcrm.contacts.exporting import safe
from voipcrm.contacts.imports import ON_DUPLICATE, Import, ImportRow
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.core.queue import later
from voipcrm.core.security import csrf
from voipcrm.core.texts import one_line

bp = Blueprint("imports", __name__, url_prefix="/contacts/persons/imports")
ONE = "/<int(max=2147483647):import_id>"
MOST_BYTES = 20 * 1024 * 1024
SHOWN = 20  # rows of each kind in a report


@bp.get("")
@requires(Can.IMPORT_CONTACTS)
def index() -> Any:
    return _index()


@bp.post("")
@requires(Can.IMPORT_CONTACTS)
@csrf.exempt
def upload() -> Any:
    """Takes the file in. The token is asked for here, since the check for all forms would read a larger form than it
    allows; the limit of this one is set before anything is read."""
    request.max_content_length = MOST_BYTES + 64 * 1024
    csrf.protect()
    file = request.files.get("file")
    if file is None or not file.filename:
        return _index(problem="Choose a file.")
    raw = file.read()
    if len(raw) > MOST_BYTES:
        return _index(problem="The file is larger than 20 MB. Divide it, or leave out columns.")
    encoding = reading.guess_encoding(raw)
    delimiter = reading.guess_delimiter(raw, encoding)
    try:
        columns, _ = reading.preview(raw, encoding, delimiter)
    except reading.FileUnreadable as problem:
        return _index(problem=str(problem))
    one = Import(
        by_id=current_user.id,
        file_name=one_line(file.filename)[:200],
        file=raw,
        encoding=encoding,
        delimiter=delimiter,
        columns=columns,
        mapping=reading.guess_mapping(columns),
    )
    db.session.add(one)
    db.session.commit()
    return _to(one)


@bp.get(ONE)
@requires(Can.IMPORT_CONTACTS)
def show(import_id: int) -> Any:
    """The import as it stands; while something works on it the page asks again."""
    return _show(find(Import.visible_to(current_user), import_id))


@bp.post(ONE + "/check")
@requires(Can.IMPORT_CONTACTS)
def check(import_id: int) -> Any:
    """Keep what was chosen. With `again`, or another encoding or separator, the file is read anew, since its columns
    may be others; else find out what would happen."""
    one = find(Import.visible_to(current_user), import_id)
    if one.state not in {"uploaded", "checked", "failed"}:
        return _to(one)
    encoding, delimiter = request.form.get("encoding", ""), request.form.get("delimiter", "")
    if encoding not in reading.ENCODINGS or delimiter not in reading.DELIMITERS:
        return _show(one, problem="Choose an encoding and a separator."), 422
    if "again" in request.form or (encoding, delimiter) != (one.encoding, one.delimiter):
        one.encoding, one.delimiter, one.state = encoding, delimiter, "uploaded"
        try:
            one.columns, _ = reading.preview(one.file, encoding, delimiter)
        except reading.FileUnreadable as problem:
            db.session.rollback()
            return _show(one, problem=str(problem)), 422
        one.mapping = reading.guess_mapping(one.columns)
        db.session.commit()
        return _to(one)
    chosen = [request.form.get(f"column-{at}", "") for at in range(len(one.columns))]
    one.mapping = [key if key in reading.FIELDS else "" for key in chosen]
    if problem := reading.problem_of(one.mapping):
        db.session.rollback()
        return _show(one, problem=problem, chosen=chosen), 422
    return _begin(one, "checking")


@bp.post(ONE + "/run")
@requires(Can.IMPORT_CONTACTS)
def run(import_id: int) -> Any:
    one = find(Import.visible_to(current_user), import_id)
    if one.state != "checked":
        return _to(one)
    how = request.form.get("on_duplicate", "")
    if how not in ON_DUPLICATE:
        return _show(one, problem="Choose what happens to contacts that are there already."), 422
    one.on_duplicate = how
    note("imported", one, by=current_user, after={"file": one.file_name, "rows": one.total, "duplicates": how})
    return _begin(one, "running")


@bp.post(ONE + "/undo")
@requires(Can.IMPORT_CONTACTS)
def undo(import_id: int) -> Any:
    one = find(Import.visible_to(current_user), import_id)
    if one.state != "done":
        return _to(one)
    note("import-undone", one, by=current_user, before={"file": one.file_name, "rows": one.total})
    return _begin(one, "undoing")


@bp.post(ONE + "/discard")
@requires(Can.IMPORT_CONTACTS)
def discard(import_id: int) -> Any:
    """Forget a file that wrote nothing yet."""
    one = find(Import.visible_to(current_user), import_id)
    if one.state not in {"uploaded", "checking", "checked", "failed"}:
        return _to(one)
    name = one.file_name
    importing.discard(one)
    db.session.commit()
    flash(f"Discarded {name}.", "good")
    return redirect(url_for("imports.index"), code=303)


@bp.get(ONE + "/problems.csv")
@requires(Can.IMPORT_CONTACTS)
def problems(import_id: int) -> Any:
    """The rows that could not be taken, as they came, with why: to be put right and sent again."""
    one = find(Import.visible_to(current_user), import_id)
    file = stream_with_context(_problem_lines(one.id, list(one.columns)))
    headers = {
        "Content-Disposition": f'attachment; filename="import-{one.id}-problems.csv"',
        "Cache-Control": "no-store",
    }
    return Response(file, mimetype="text/csv", headers=headers)


def _index(*, problem: str = "") -> Any:
    page = page_of(Import.visible_to(current_user), Import.created_at, Import.id, cursor=cursor_of_request())
    return render("imports/index.html", page=page, problem=problem), 422 if problem else 200


def _show(one: Import, *, problem: str = "", chosen: list[str] | None = None) -> Any:
    context: dict[str, Any] = {"one": one, "problem": problem, "reading": reading, "on_duplicate": ON_DUPLICATE}
    if one.state in {"uploaded", "failed"}:
        context["mapping"] = chosen or one.mapping
        context["rows"] = reading.preview(one.file, one.encoding, one.delimiter)[1]
    elif not one.is_working:
        context["counts"] = one.counts()
        context["bad"] = _rows(one, "bad")
        context["duplicates"] = _rows(one, "duplicate") if one.state == "checked" else []
        context["kept"] = _rows(one, "kept")
    page = render("imports/show.html", "imports/_import.html", **context)
    if request.args.get("was", one.state) != one.state:
        page.headers["HX-Trigger"] = "voipcrm:import-moved"
    return page


def _rows(one: Import, state: str) -> list[ImportRow]:
    query = sa.select(ImportRow).where(ImportRow.import_id == one.id, ImportRow.state == state)
    return list(db.session.scalars(query.order_by(ImportRow.line).limit(SHOWN)))


def _begin(one: Import, state: str) -> Any:
    one.begin(state)
    db.session.commit()
    later(jobs.work_on_import, one.id)
    return _to(one)


def _to(one: Import) -> Any:
    return redirect(url_for("imports.show", import_id=one.id), code=303)


def _problem_lines(import_id: int, columns: list[str]) -> Iterator[str]:
    yield "\ufeff" + _csv([[*columns, "Problem", "Line"]])
    after = 0
    while True:
        query = sa.select(ImportRow).where(ImportRow.import_id == import_id, ImportRow.state == "bad")
        rows = db.session.scalars(query.where(ImportRow.line > after).order_by(ImportRow.line).limit(500)).all()
        if not rows:
            return
        width = len(columns)
        lines = [[*(row.fields["cells"] + [""] * width)[:width], row.reason, str(row.line)] for row in rows]
        after = rows[-1].line
        db.session.rollback()
        db.session.expunge_all()
        yield _csv(lines)


def _csv(rows: list[list[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([safe(cell) for cell in row] for row in rows)
    return file.getvalue()
