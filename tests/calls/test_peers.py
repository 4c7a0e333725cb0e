"""Calls found by a part of their number, brought in by the sweep or not yet."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from calls.call_rows import outbound
from voipcrm.calls import peers
from voipcrm.calls.models import Call
from voipcrm.calls.peers import PeerNumber, PeerReach
from voipcrm.core.db import db


@pytest.fixture
def call(context, cast):
    """call(number): a committed call; its id."""

    def commit(number: str | None) -> int:
        row = outbound(cast.ada.id, number=number)
        db.session.add(row)
        db.session.commit()
        return row.id

    return commit


def found(digits: str) -> set[int]:
    return set(db.session.scalars(sa.select(Call.id).where(peers.having(digits))))


def test_a_part_is_found_before_the_sweep_and_after_it(call):
    berlin, again, other = call("+4930901820"), call("+4930901820"), call("+13125550100")
    call(None)
    assert found("90182") == {berlin, again}
    peers.bring_in()
    assert db.session.scalars(sa.select(PeerNumber.number).order_by(PeerNumber.number)).all() == [
        "+13125550100",
        "+4930901820",
    ]
    assert found("90182") == {berlin, again}
    later = call("+4930901821")
    assert found("90182") == {berlin, again, later}
    assert found("5550100") == {other}
    assert found("777777") == set()


def test_the_sweep_is_short_of_nothing_when_a_call_appears_below_a_newer_one(call):
    call("+13125550100")
    late = call("+13125550101")
    newest = call("+13125550102")
    db.session.execute(sa.insert(PeerReach).values(id=1, call_id=newest))
    db.session.commit()
    peers.bring_in()
    assert late in found("5550101")


def test_a_part_that_too_many_numbers_have_is_still_found(call, monkeypatch):
    monkeypatch.setattr(peers, "MANY", 2)
    ids = {call(f"+131255501{at:02}") for at in range(5)}
    peers.bring_in()
    assert found("31255501") == ids


def test_a_part_of_one_digit_needs_no_index(call):
    one = call("+4930901820")
    peers.bring_in()
    assert found("9") == {one}
