"""The ledger's sweep: what callbacks did not tell in time is asked for, what came too early is linked, new numbers
become findable by their parts, and what ended calls left to be done is seen to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
import structlog

from voipcrm.calls import by_hand, exporting, ledger, missed, peers, pricing, wrapping_up
from voipcrm.calls.callbacks import provider
from voipcrm.calls.exports import CallExport
from voipcrm.calls.models import Call, CallEvent
from voipcrm.calls.opening import adopt_events
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.queue import job, later
from voipcrm.telephony.errors import LegGone, TelephonyError
from voipcrm.telephony.facts import Form

log = structlog.get_logger(__name__)
NEVER_CONNECTED = timedelta(minutes=2)  # the browser got an id and never called
SILENT = timedelta(minutes=3)  # no news of a live call for so long: ask the provider
AT_ONCE = 50


@job(queue="default", timeout_seconds=120)
def sweep() -> None:
    """Each minute. Every call is one small transaction, so that a trouble with one does not hold up the others."""
    link_early_events()
    never_connected()
    close_silent()
    missed.note_returned()
    wrapping_up.run_out_due()
    ring_for_exports()
    exporting.forget_old()
    by_hand.forget_deleted()
    peers.bring_in()


@job(queue="default", timeout_seconds=300)
def sweep_costs() -> None:
    """Each minute. By itself, for the provider may take long to answer."""
    pricing.note_new()
    pricing.ask_due()


@job(queue="default", timeout_seconds=3600)
def write_export(export_id: int) -> None:
    exporting.work(export_id)


def ring_for_exports() -> None:
    """Of which nobody heard, or whose worker died."""
    for export_id in CallExport.stalled(limit=AT_ONCE):
        later(write_export, export_id)


def link_early_events() -> None:
    """Give events that came before their call was known to that call."""
    mine = sa.or_(CallEvent.call_sid == Call.root_sid, CallEvent.parent_sid == Call.root_sid)
    early = sa.select(Call.id, Call.root_sid).join(CallEvent, mine).where(CallEvent.call_id.is_(None))
    for call_id, root_sid in db.session.execute(early.distinct().limit(AT_ONCE)).all():
        adopt_events(db.session.connection(), call_id, cast(str, root_sid))
        db.session.commit()


def never_connected() -> None:
    """End the calls that were opened but for which no browser ever connected."""
    too_old = sa.and_(Call.state == "created", Call.root_sid.is_(None), Call.started_at < clock.now() - NEVER_CONNECTED)
    db.session.execute(
        sa.update(Call)
        .where(too_old)
        .values(state="ended", outcome="canceled", reason="The phone did not connect.", ended_at=clock.now())
    )
    db.session.commit()


def close_silent() -> None:
    """Ask the provider about live calls of which nothing was heard lately, and enter what it says as an event."""
    heard = sa.select(sa.func.max(CallEvent.received_at)).where(CallEvent.call_id == Call.id).scalar_subquery()
    quiet = sa.and_(Call.state != "ended", Call.root_sid.is_not(None), heard < clock.now() - SILENT)
    waiting = db.session.execute(sa.select(Call.public_id, Call.root_sid).where(quiet).limit(AT_ONCE)).all()
    db.session.commit()
    for public_id, sid in cast(list[tuple[str, str]], waiting):
        try:
            known = provider().fetch_call(sid)
        except LegGone:
            status, at, seconds = "failed", None, None  # the provider knows no such call: nothing can go on
        except TelephonyError as error:
            log.warning("could_not_ask_provider", reason=error.sentence)
            return
        else:
            status, at, seconds = known.status, known.ended_at, known.duration_seconds
        ledger.enter(db.session.connection(), _as_told_by_rest(public_id, sid, status, at, seconds))
        db.session.commit()


def _as_told_by_rest(
    public_id: str, sid: str, status: str | None, at: datetime | None, seconds: int | None
) -> ledger.Entry:
    length = [("CallDuration", str(seconds))] if seconds is not None else []
    return ledger.Entry(
        kind="status",
        key=f"rest:{sid}:{status}",
        form=Form([("CallSid", sid), ("CallStatus", status or ""), ("Source", "asked"), *length]),
        public_id=public_id,
        sid=sid,
        status=status,
        at=at,
    )
