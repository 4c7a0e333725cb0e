"""Writing an export: the calls of its filters, newest first, a batch at a time, straight into the storage. Between
batches no transaction is open, so that it holds up nobody; calls that arrive meanwhile are not in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.calls import costs, history
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.exports import KEPT_FOR, CallExport
from voipcrm.calls.models import Call
from voipcrm.contacts.exporting import safe
from voipcrm.contacts.models import Organization, Person
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.long_work import Lost
from voipcrm.core.pages import zone
from voipcrm.core.storage import DRAFTS, storage
from voipcrm.trunks.models import Line

BATCH = 1000  # rows
AT_ONCE = 50
HEADER = (
    "Call", "Direction", "Outcome", "Reason", "Contact", "Company", "Number", "Line", "Handled by", "Colleague",
    "Answered", "Talk seconds", "Recorded", "Disposition", "Logged by hand", "Cost", "Currency",
)  # fmt: skip


def work(export_id: int) -> None:
    """Write the file of an export that is owed, from its beginning. Commits as it goes."""
    one = CallExport.take(export_id)
    if one is None:
        return
    claim, one.written = one.claim, 0
    asked, in_zone, user = dict(one.asked), zone(one.time_zone), one.by
    if not user.may(Can.VIEW_CALLS):
        one.state, one.reason = "failed", "You may no longer see calls."
        db.session.commit()
        return
    query = history.filtered(Call.visible_to(user), history.Filters.of(asked), in_zone, viewer=user)
    query = query.where(Call.id <= _newest())
    one.total = db.session.scalar(sa.select(sa.func.count()).select_from(query.with_only_columns(Call.id).subquery()))
    db.session.commit()
    draft, path = f"{DRAFTS}/call-export-{claim}", f"exports/calls-{claim}.csv"
    try:
        storage().put(draft, _pieces(export_id, claim, query, in_zone))
    except Lost:
        storage().delete(draft)
        return
    storage().publish(draft, path)
    try:
        one = CallExport.mine(export_id, claim)
    except Lost:
        storage().delete(path)
        return
    one.state, one.path, one.done_at = "done", path, clock.now()
    db.session.commit()


def discard(one: CallExport) -> None:
    """Stop it, or throw its file away. The caller commits."""
    if one.path:
        storage().delete(one.path)
    one.state, one.claim, one.path = "canceled", "", None


def forget_old() -> None:
    """The sweep: files that nobody can fetch any more. Commits."""
    old = sa.select(CallExport).where(CallExport.created_at < clock.now() - 2 * KEPT_FOR)
    for one in db.session.scalars(old.limit(AT_ONCE)).all():
        discard(one)
        db.session.delete(one)
    db.session.commit()


def _newest() -> int:
    return db.session.scalar(sa.select(sa.func.max(Call.id))) or 0


def _pieces(export_id: int, claim: str, query: sa.Select[Call], in_zone: ZoneInfo) -> Iterator[bytes]:
    # The mark makes Excel read UTF-8.
    yield "\ufeff".encode() + _csv([(f"When ({in_zone.key})", *HEADER)])
    rows = _with_columns(query).order_by(Call.started_at.desc(), Call.id.desc()).limit(BATCH)
    edge: Any = None
    while True:
        page = rows if edge is None else rows.where(sa.tuple_(Call.started_at, Call.id) < edge)
        found = db.session.execute(page).all()
        cost = costs.of_calls(row.id for row in found)
        db.session.rollback()
        if not found:
            return
        edge = sa.tuple_(sa.literal(found[-1].started_at, Call.started_at.type), sa.literal(found[-1].id))
        yield _csv([_cells(row, in_zone, cost.get(row.id, {})) for row in found])
        CallExport.mine(export_id, claim).written += len(found)
        db.session.commit()


def _with_columns(query: sa.Select[Call]) -> sa.Select[Any]:
    colleague = aliased(User)
    columns: Any = query.with_only_columns(
        Call.id, Call.started_at, Call.public_id, Call.direction, Call.outcome, Call.state, Call.reason,
        Person.name.label("person"), Organization.name.label("company"), Call.peer_number, Call.peer_text,
        Line.label.label("line"), User.name.label("user"), colleague.name.label("colleague"), Call.answered_at,
        Call.talk_seconds, Call.has_recording, Call.is_by_hand, Disposition.name.label("disposition"),
    )  # fmt: skip
    return (
        columns.outerjoin(Person, Person.id == Call.person_id)
        .outerjoin(Organization, Organization.id == Person.organization_id)
        .outerjoin(Line, Line.id == Call.line_id)
        .outerjoin(User, User.id == Call.user_id)
        .outerjoin(colleague, colleague.id == Call.other_user_id)
        .outerjoin(Disposition, Disposition.id == Call.disposition_id)
    )


def _cells(row: Any, in_zone: ZoneInfo, cost: costs.Sums) -> tuple[str, ...]:
    def at(moment: Any) -> str:
        return f"{moment.astimezone(in_zone):%Y-%m-%d %H:%M:%S}" if moment else ""

    return (
        at(row.started_at), row.public_id, row.direction, row.outcome or row.state, row.reason or "",
        row.person or "", row.company or "", row.peer_number or row.peer_text or "", row.line or "",
        row.user or "", row.colleague or "", at(row.answered_at), str(row.talk_seconds),
        "yes" if row.has_recording else "no", row.disposition or "", "yes" if row.is_by_hand else "no",
        " + ".join(costs.amount(cost[currency]) for currency in sorted(cost)), " + ".join(sorted(cost)),
    )  # fmt: skip


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([safe(cell) for cell in row] for row in rows)
    return file.getvalue().encode()
