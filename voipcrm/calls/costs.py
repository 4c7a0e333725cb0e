"""What calls cost, as the provider bills their legs: kept for each leg, summed when asked.

Only what it says of the legs: neither the rent of numbers nor fees for recordings, nor what the carrier behind a trunk
of ours bills by itself. Money is whole millionths of its currency, never a float."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from voipcrm.calls.models import Call, Leg
from voipcrm.calls.telling import Cast, at_the_end_of
from voipcrm.core import clock
from voipcrm.core.db import Model, db, partial_index

MILLION = 1_000_000
LOOK_BACK = timedelta(days=31)  # of no older calls the cost is asked, as after an upgrade
NOT_YET = "Not known yet"
NEVER_TOLD = "Not told by the provider"
Sums = Mapping[str, int]  # micros by currency


class LegCost(Model):
    """What the provider billed for one leg."""

    __tablename__ = "leg_costs"
    __table_args__ = (sa.Index("ix_leg_costs_started", "started_at", "currency", "micros"),)

    leg_id: Mapped[int] = mapped_column(
        sa.ForeignKey("legs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    call_id: Mapped[int] = mapped_column(sa.ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    started_at: Mapped[datetime]  # the call's: to its month the cost belongs
    micros: Mapped[int] = mapped_column(sa.BigInteger)  # millionths; below zero: credited
    currency: Mapped[str]  # ISO 4217


class CostAsk(Model):
    """Whether the provider is still to be asked what a call cost. calls.pricing writes these rows, one for each call
    once it has come to it."""

    __tablename__ = "cost_asks"
    __table_args__ = (partial_index("ix_cost_asks_due", "due_at", "call_id", where="due_at IS NOT NULL"),)

    call_id: Mapped[int] = mapped_column(
        sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    due_at: Mapped[datetime | None]  # None: nothing more will be asked


@dataclass(frozen=True, slots=True)
class Bill:
    """A call's cost in words: `total`, and of each leg (who was at its end, what it cost)."""

    total: str
    legs: Sequence[tuple[str, str]]


def is_billed(leg: Leg) -> bool:
    """Does the provider take money for it? Not for one that was never answered."""
    return leg.status == "completed" or leg.answered_at is not None


def bill(call: Call, legs: Sequence[Leg], cast: Cast) -> Bill | None:
    """None for a call that can cost nothing: nobody was connected, or it did not go through the provider."""
    billed = [leg for leg in legs if is_billed(leg)]
    if call.is_live:
        return Bill(NOT_YET, ())
    if not billed:
        return None
    known = {one.leg_id: one for one in db.session.scalars(sa.select(LegCost).where(LegCost.call_id == call.id))}
    ask = db.session.get(CostAsk, call.id)
    is_coming = ask.due_at is not None if ask else call.started_at > clock.now() - LOOK_BACK
    silent = NOT_YET if is_coming else NEVER_TOLD
    texts = [money(known[leg.id].micros, known[leg.id].currency) if leg.id in known else silent for leg in billed]
    sums: dict[str, int] = {}
    for one in known.values():
        sums[one.currency] = sums.get(one.currency, 0) + one.micros
    total = in_words(sums) if sums else silent
    if sums and silent in texts:
        total += f" and a part that is {silent[0].lower()}{silent[1:]}"
    who = [at_the_end_of(call, leg, cast) for leg in billed]
    return Bill(total, list(zip(who, texts, strict=True)))


def of_calls(call_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """What each of these calls cost as far as it is known, by its id. One statement."""
    total = sa.func.sum(LegCost.micros)
    query = sa.select(LegCost.call_id, LegCost.currency, total).where(LegCost.call_id.in_(list(call_ids)))
    found: dict[int, dict[str, int]] = {}
    for call_id, currency, micros in db.session.execute(query.group_by(LegCost.call_id, LegCost.currency)):
        found.setdefault(call_id, {})[currency] = int(micros)
    return found


def since(moment: datetime) -> tuple[Sums, int]:
    """What the calls that began since then cost, and of how many the provider is still to be asked. An index alone
    gives the sum."""
    total = sa.func.sum(LegCost.micros)
    query = sa.select(LegCost.currency, total).where(LegCost.started_at >= moment).group_by(LegCost.currency)
    sums = {currency: int(micros) for currency, micros in db.session.execute(query)}
    still = sa.select(sa.func.count()).select_from(CostAsk).join(Call, Call.id == CostAsk.call_id)
    still = still.where(CostAsk.due_at.is_not(None), Call.started_at >= moment)
    return sums, db.session.scalar(still) or 0


def amount(micros: int) -> str:
    """'0.0085', '12.00': exact, two places at least."""
    whole = f"{Decimal(micros) / MILLION:.6f}"
    return whole[:-4] + whole[-4:].rstrip("0")


def money(micros: int, currency: str) -> str:
    return f"{amount(micros)} {currency}"


def in_words(sums: Sums) -> str:
    return " + ".join(money(micros, currency) for currency, micros in sorted(sums.items()))
