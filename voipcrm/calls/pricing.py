"""Asking the provider what calls cost. It tells only over REST, minutes to hours after the end, or not at all.

So a sweep notes every call that came since, without a word on the way of a webhook, and asks for those that are due:
two minutes after the end, and each time after as long again as it has been, a day at most, for a week."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import sqlalchemy as sa
import structlog

from voipcrm.calls.callbacks import provider
from voipcrm.calls.costs import LOOK_BACK, MILLION, CostAsk, LegCost, is_billed
from voipcrm.calls.models import Call, Leg
from voipcrm.core import clock
from voipcrm.core.db import db, insert, touched
from voipcrm.telephony.errors import LegGone, TelephonyError

log = structlog.get_logger(__name__)
SOONEST, LATEST = timedelta(minutes=2), timedelta(days=1)  # between two questions
GIVE_UP = timedelta(days=7)  # after the end
CLAIMED = timedelta(minutes=10)  # for so long no other worker asks
LATE = 1000  # ids: a call whose transaction took long may appear below newer ones
AT_ONCE = 20_000  # calls noted
ASKED_AT_ONCE = 200  # calls
SWEEP_SECONDS = 50.0


def note_new() -> None:
    """A row for every call that came since, the live ones too. Commits."""
    newest = db.session.scalar(sa.select(sa.func.max(Call.id))) or 0
    reached = db.session.scalar(sa.select(sa.func.max(CostAsk.call_id)))
    oldest = clock.now() - LOOK_BACK
    after = max(reached - LATE, 0) if reached is not None else _before(oldest)
    while after < newest:
        upto = min(after + AT_ONCE, newest)
        due_at = sa.literal(clock.now() + SOONEST, CostAsk.__table__.c.due_at.type)
        some = sa.select(Call.id, due_at).where(Call.id > after, Call.id <= upto, Call.started_at >= oldest)
        rows = insert(CostAsk).from_select(["call_id", "due_at"], some.where(Call.root_sid.is_not(None)))
        db.session.execute(rows.on_conflict_do_nothing(index_elements=["call_id"]))
        db.session.commit()
        after = upto
    db.session.rollback()


def ask_due() -> None:
    """Ask for what is due, oldest first, until the sweep's time is over. Commits after each call."""
    until = time.monotonic() + SWEEP_SECONDS
    due = sa.select(CostAsk.call_id).where(CostAsk.due_at <= clock.now()).order_by(CostAsk.due_at, CostAsk.call_id)
    ids = db.session.scalars(due.limit(ASKED_AT_ONCE)).all()
    db.session.commit()
    for call_id in ids:
        if time.monotonic() > until:
            return
        if not _claim(call_id):
            continue
        try:
            _ask(call_id)
        except TelephonyError as error:  # of the account, not of this call: asked again when the claim ends
            db.session.rollback()
            log.warning("could_not_ask_for_costs", reason=error.sentence)
            return


def next_due(ended_at: datetime, *, now: datetime) -> datetime | None:
    """When to ask again about a call whose cost is not told; None: no more."""
    age = now - ended_at
    return None if age >= GIVE_UP else now + min(max(age, SOONEST), LATEST)


def in_micros(price: Decimal) -> int:
    """Millionths, of which the provider gives no parts; what it took stands below zero there."""
    return int((-price * MILLION).to_integral_value(ROUND_HALF_EVEN))


def _ask(call_id: int) -> None:
    call = db.session.get_one(Call, call_id)
    legs = [leg for leg in db.session.scalars(_untold(call_id)) if is_billed(leg)]
    is_live, started_at, ended_at = call.is_live, call.started_at, call.ended_at or call.started_at
    asked = [(leg.id, leg.sid) for leg in legs]
    db.session.commit()  # the provider may take long
    if is_live:
        _due(call_id, clock.now() + SOONEST)
        return
    told = {leg_id: cost for leg_id, sid in asked if (cost := _cost_of(sid))}
    for leg_id, (micros, currency) in told.items():
        values = {
            "leg_id": leg_id,
            "call_id": call_id,
            "started_at": started_at,
            "micros": micros,
            "currency": currency,
        }
        db.session.execute(insert(LegCost).values(values).on_conflict_do_nothing(index_elements=["leg_id"]))
    _due(call_id, next_due(ended_at, now=clock.now()) if len(told) < len(asked) else None)


def _untold(call_id: int) -> sa.Select[Leg]:
    told = sa.exists().where(LegCost.leg_id == Leg.id)
    return sa.select(Leg).where(Leg.call_id == call_id, ~told).order_by(Leg.id)


def _cost_of(sid: str) -> tuple[int, str] | None:
    """(micros, currency) of a leg. None: not told yet, or the provider has forgotten the leg. Raises TelephonyError."""
    try:
        facts = provider().fetch_call(sid)
    except LegGone:
        return None
    if facts.price is None or not facts.price_unit:
        return None
    return in_micros(facts.price), facts.price_unit.upper()


def _claim(call_id: int) -> bool:
    """Take a call that is due; False if another worker has it."""
    now = clock.now()
    mine = sa.update(CostAsk).where(CostAsk.call_id == call_id, CostAsk.due_at <= now).values(due_at=now + CLAIMED)
    taken = touched(mine) > 0
    db.session.commit()
    return taken


def _due(call_id: int, at: datetime | None) -> None:
    touched(sa.update(CostAsk).where(CostAsk.call_id == call_id).values(due_at=at))
    db.session.commit()


def _before(moment: datetime) -> int:
    """The id of the last call that began before then."""
    older = sa.select(Call.id).where(Call.started_at < moment).order_by(Call.started_at.desc(), Call.id.desc())
    return db.session.scalar(older.limit(1)) or 0
