"""What calls cost: asked of the provider until it tells, kept exactly, and shown to those who may see the call."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.calls import costs, jobs, pricing
from voipcrm.calls.costs import CostAsk, LegCost
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.telephony.errors import LegGone, ProviderUnreachable
from voipcrm.telephony.provider_facts import CallFacts

from .call_rows import NOON, after, inbound, internal, outbound
from .test_exports import written
from .test_pages import keep, statements, text

__all__ = ["keep", "written"]

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
A_DAY = timedelta(days=1)


class Billing:
    """The far network: what the provider says of each leg, by SID; a leg without a price is not priced yet."""

    def __init__(self) -> None:
        self.prices: dict[str, str] = {}
        self.unit: str | None = "usd"
        self.forgotten: set[str] = set()
        self.asked: list[str] = []
        self.is_away = False

    def fetch_call(self, sid: str) -> CallFacts:
        assert not db.session().in_transaction(), "a transaction is open while the network is asked"
        self.asked.append(sid)
        if self.is_away:
            raise ProviderUnreachable("The phone provider does not answer.")
        if sid in self.forgotten:
            raise LegGone("This call is over.")
        price = Decimal(self.prices[sid]) if sid in self.prices else None
        told = {"sid": sid, "status": "completed", "ended_at": None, "duration_seconds": 60}
        return CallFacts(**told, price=price, price_unit=self.unit)


@pytest.fixture
def billing(app):
    kept = app.extensions.get("provider")
    app.extensions["provider"] = billing = Billing()
    yield billing
    app.extensions["provider"] = kept


@pytest.fixture
def sweep(app):
    """sweep(after): the sweep so long after noon, when the calls of these tests began."""

    def run(later: timedelta) -> None:
        with time_machine.travel(NOON + later, tick=False), app.app_context():
            jobs.sweep_costs()

    return run


@pytest.fixture
def priced(app, keep, billing, sweep):
    """priced(call, "-0.004", …): kept, and its legs cost that, in their order; its address."""

    def make(call: Call, *prices: str) -> str:
        (public_id,) = keep(call)
        with app.app_context():
            legs = db.session.scalars(sa.select(Call).where(Call.public_id == public_id)).one().legs
            billing.prices |= dict(zip((leg.sid for leg in legs), prices, strict=False))
        with time_machine.travel(NOON, tick=False), app.app_context():
            pricing.note_new()
        sweep(timedelta(hours=1))
        return f"/calls/{public_id}"

    return make


def cost_on(page) -> str:
    found = re.search(r'<dd id="call-cost">(.*?)</dd>', page.text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def due(app) -> list[datetime | None]:
    with app.app_context():
        return list(db.session.scalars(sa.select(CostAsk.due_at).order_by(CostAsk.call_id)))


def test_the_page_and_the_file_say_what_each_leg_and_the_call_cost(priced, written, as_ada, cast):
    page = as_ada.get(priced(outbound(cast.ada.id), "-0.00400", "-0.014000"))
    assert cost_on(page) == "0.018 USD Ada Ortiz: 0.004 USD (312) 555-0100: 0.014 USD"
    header, row = written(as_ada)
    told = dict(zip(header, row, strict=True))
    assert (told["Cost"], told["Currency"]) == ("0.018", "USD")


def test_until_it_is_told_it_is_not_known_and_then_nobody_asks_again(keep, billing, sweep, as_ada, app, cast):
    call = outbound(cast.ada.id)
    sids = [leg.sid for leg in call.legs]
    (public_id,) = keep(call)
    sweep(timedelta(seconds=70))
    assert billing.asked == [], "not before the first two minutes are over"
    assert cost_on(as_ada.get(f"/calls/{public_id}")).startswith("Not known yet")
    sweep(timedelta(minutes=4))
    assert sorted(billing.asked) == sorted(sids)
    billing.prices[sids[0]] = "-0.004"
    sweep(timedelta(hours=1))
    assert "0.004 USD and a part that is not known yet" in cost_on(as_ada.get(f"/calls/{public_id}"))
    billing.prices[sids[1]] = "-0.014"
    billing.asked.clear()
    sweep(timedelta(hours=3))
    assert billing.asked == [sids[1]], "only what is not known"
    assert cost_on(as_ada.get(f"/calls/{public_id}")).startswith("0.018 USD")
    assert due(app) == [None]
    billing.asked.clear()
    sweep(timedelta(days=3))
    assert billing.asked == []


def test_it_is_asked_less_and_less_often_and_after_a_week_no_more(keep, billing, sweep, as_ada, app, cast):
    (public_id,) = keep(outbound(cast.ada.id))
    with time_machine.travel(NOON, tick=False), app.app_context():
        pricing.note_new()
    times, now = [], NOON
    while (at := due(app)[0]) is not None:
        now = max(at, now)
        sweep(now - NOON)
        times.append(now)
    gaps = [later - before for before, later in pairwise(times)]
    assert gaps == sorted(gaps)
    assert max(gaps) <= A_DAY
    assert timedelta(days=7) <= times[-1] - NOON < timedelta(days=9)
    assert len(times) < 25
    assert cost_on(as_ada.get(f"/calls/{public_id}")).startswith("Not told by the provider")


def test_a_live_call_is_not_asked_about(keep, billing, sweep, as_ada, app, cast):
    call = inbound(rung=[cast.ada.id], by=cast.ada.id)
    call.state, call.outcome, call.ended_at = "in-progress", None, None
    (public_id,) = keep(call)
    for hours in (1, 2):
        sweep(timedelta(hours=hours))
    assert billing.asked == []
    assert due(app) != [None]
    assert cost_on(as_ada.get(f"/calls/{public_id}")) == "Not known yet"


def test_nobody_asks_for_legs_that_were_never_answered(keep, billing, sweep, app, cast):
    call = inbound(rung=[cast.ada.id, cast.bo.id], by=cast.bo.id)
    busy = outbound(cast.ada.id, outcome="busy")
    billed = {call.legs[0].sid, next(leg.sid for leg in call.legs if leg.user_id == cast.bo.id), busy.legs[0].sid}
    keep(call, busy)
    for hours in (1, 2):
        sweep(timedelta(hours=hours))
    assert set(billing.asked) == billed


@pytest.mark.parametrize("unit", [None, ""])
def test_a_price_without_a_currency_is_no_price(priced, billing, as_ada, cast, unit):
    billing.unit = unit
    assert cost_on(as_ada.get(priced(outbound(cast.ada.id), "-1", "-1"))).startswith("Not known yet")


def test_a_leg_that_the_provider_has_forgotten_does_not_hold_up_the_others(keep, billing, sweep, as_ada, app, cast):
    call = outbound(cast.ada.id)
    billing.forgotten, billing.prices = {call.legs[0].sid}, {call.legs[1].sid: "-0.5"}
    (public_id,) = keep(call)
    for hours in (1, 2):
        sweep(timedelta(hours=hours))
    assert "0.50 USD" in cost_on(as_ada.get(f"/calls/{public_id}"))


def test_while_the_provider_is_away_nothing_is_lost_and_it_is_asked_once_a_sweep(keep, billing, sweep, app, cast):
    keep(outbound(cast.ada.id), outbound(cast.ada.id, at=after(1)))
    billing.is_away = True
    with time_machine.travel(NOON, tick=False), app.app_context():
        pricing.note_new()
    sweep(timedelta(hours=1))
    assert len(billing.asked) == 1
    billing.is_away = False
    sweep(timedelta(hours=2))
    assert len(set(billing.asked)) == 4


def test_two_workers_ask_for_a_call_once(keep, billing, app, cast):
    keep(outbound(cast.ada.id))
    with time_machine.travel(NOON, tick=False), app.app_context():
        pricing.note_new()
        (call_id,) = db.session.scalars(sa.select(CostAsk.call_id))
        db.session.commit()
    with time_machine.travel(NOON + timedelta(hours=1), tick=False), app.app_context():
        assert pricing._claim(call_id)
        assert not pricing._claim(call_id)


def test_of_a_house_that_is_upgraded_only_the_last_month_is_asked(keep, billing, sweep, as_ada, app, cast):
    ages = (timedelta(days=400), timedelta(days=20))
    old, _ = keep(*(outbound(cast.ada.id, at=NOON - age) for age in ages))
    sweep(timedelta())
    sweep(timedelta(hours=1))
    assert len(billing.asked) == 2
    assert due(app) == [None], "and once only, for it is long ago"
    assert cost_on(as_ada.get(f"/calls/{old}")).startswith("Not told by the provider")


@pytest.mark.parametrize(
    ("price", "micros", "shown"),
    [
        ("-0.0085", 8500, "0.0085"),
        ("-0.1", 100_000, "0.10"),
        ("-12", 12_000_000, "12.00"),
        ("-0.000001", 1, "0.000001"),
        ("0", 0, "0.00"),
        ("0.02", -20_000, "-0.02"),
        ("-2147.483648", 2_147_483_648, "2147.483648"),
    ],
)
def test_money_is_exact(priced, app, cast, price, micros, shown):
    assert (pricing.in_micros(Decimal(price)), costs.amount(micros)) == (micros, shown)
    priced(internal(cast.ada.id, cast.bo.id), price)
    with app.app_context():
        assert db.session.scalars(sa.select(LegCost.micros)).all() == [micros]


def test_currencies_are_never_added_up(priced, written, app, cast):
    with time_machine.travel(NOON + timedelta(hours=2), tick=False):
        address = priced(outbound(cast.ada.id), "-0.25", "-1")
        with app.app_context():
            first = db.session.scalars(sa.select(LegCost).order_by(LegCost.leg_id)).first()
            assert first is not None
            first.currency = "EUR"
            db.session.commit()
        ada, root = (app.test_client().sign_in(one) for one in (cast.ada, cast.root))
        assert cost_on(ada.get(address)).startswith("0.25 EUR + 1.00 USD")
        assert dict(zip(*written(ada), strict=True))["Cost"] == "0.25 + 1.00"
        assert re.findall(r">([\d.]+ [A-Z]{3})<", root.get("/calls/costs", headers=PARTIAL).text) == [
            "0.25 EUR",
            "1.00 USD",
        ]


@pytest.mark.parametrize(("zone", "total"), [("Pacific/Honolulu", "1.00"), ("Pacific/Kiritimati", "3.00")])
def test_the_month_begins_where_the_viewer_is_and_the_number_leads_to_its_calls(priced, app, cast, zone, total):
    """Of three calls around the first of November, two began in October on Honolulu and none on Kiritimati."""
    with app.app_context():
        db.session.execute(sa.text("UPDATE users SET time_zone = :zone"), {"zone": zone})
        db.session.commit()
    with time_machine.travel(NOON + timedelta(hours=2), tick=False):
        for at in ((10, 31, 11), (11, 1, 9), (11, 1, 11)):
            priced(internal(cast.ada.id, cast.bo.id, at=datetime(2026, *at, tzinfo=UTC)), "-0.75", "-0.25")
        root = app.test_client().sign_in(cast.root)
        part = root.get("/calls/costs", headers=PARTIAL).text
        ((href, shown),) = re.findall(r'<a href="([^"]*)">([^<]*)</a>', part)
        assert shown == f"{total} USD"
        listed = root.get(href.replace("&amp;", "&")).text
        assert len(re.findall(r'<tr id="call-', listed)) == int(float(total))


def test_the_month_is_for_those_who_run_the_house(keep, as_ada, as_bo, as_root, cast):
    keep(outbound(cast.ada.id, at=clock.now()))
    for browser in (as_ada, as_bo):
        assert browser.get("/calls/costs", headers=PARTIAL).status_code == 404
        assert "/calls/costs" not in browser.get("/").text
    assert "/calls/costs" in as_root.get("/").text
    assert as_root.get("/calls/costs").headers["Location"] == "/"
    assert "Nothing billed yet" in as_root.get("/calls/costs", headers=PARTIAL).text


def test_how_many_are_not_priced_yet_stands_beside_the_sum(keep, billing, app, cast):
    keep(outbound(cast.ada.id), outbound(cast.ada.id, at=after(1)))
    with time_machine.travel(NOON + timedelta(hours=2), tick=False):
        with app.app_context():
            pricing.note_new()
        part = app.test_client().sign_in(cast.root).get("/calls/costs", headers=PARTIAL)
        assert "2 calls are not priced yet" in text(part)


def test_the_cost_of_a_page_does_not_grow_with_its_legs(priced, app, as_root, cast):
    few = statements(app, as_root, priced(outbound(cast.ada.id), "-1", "-1"))
    many = inbound(rung=[cast.ada.id, cast.bo.id, cast.root.id], by=cast.bo.id)
    assert len(statements(app, as_root, priced(many, "-1", "-1", "-1", "-1"))) == len(few)
