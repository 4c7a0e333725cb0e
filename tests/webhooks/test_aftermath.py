"""What the end of a call leaves to be done, told over HTTP as the provider tells it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from voipcrm.calls.missed import MissedCall
from voipcrm.calls.models import Call
from voipcrm.calls.wrapping_up import WrapUp, WrapUpPolicy
from voipcrm.core.db import db

ROOT, CHILD = "CA" + "a" * 32, "CA" + "b" * 32


@pytest.fixture
def asked(app, cast) -> None:
    """Agents wrap up."""
    with app.app_context():
        db.session.add(WrapUpPolicy(id=1, is_on=True, limit_seconds=30))
        db.session.commit()


@pytest.fixture
def placed(app, cast) -> None:
    with app.app_context():
        db.session.add(Call(direction="outbound", user_id=cast.ada.id, root_sid=ROOT, peer_number="+12125550108"))
        db.session.commit()


def rows(app, model) -> list:
    with app.app_context():
        return list(db.session.scalars(sa.select(model)))


def test_the_end_of_a_talk_opens_a_wrap_up_once(app, cast, provider, asked, placed):
    for word, second in (("ringing", 1), ("in-progress", 5), ("completed", 47)):
        provider.tell(provider.status(CHILD, word, second, ParentCallSid=ROOT))
    assert rows(app, WrapUp) == []
    end = provider.status(ROOT, "completed", 47)
    provider.tell(end)
    provider.tell(end)
    assert [(one.user_id, one.limit_seconds) for one in rows(app, WrapUp)] == [(cast.ada.id, 30)]


def test_word_of_the_answer_that_comes_after_the_end_opens_it_too(app, cast, provider, asked, placed):
    provider.tell(provider.status(ROOT, "completed", 47))
    assert rows(app, WrapUp) == []
    provider.tell(provider.status(CHILD, "in-progress", 5, ParentCallSid=ROOT))
    assert [one.user_id for one in rows(app, WrapUp)] == [cast.ada.id]


def test_a_caller_who_gives_up_is_in_the_inbox_once(app, cast, provider):
    for sid, second in ((ROOT, 20), (CHILD, 50)):
        provider.ask(sid, from_="+13125550100")
        end = provider.status(sid, "completed", second, from_="+13125550100")
        provider.tell(end)
        provider.tell(end)
    (one,) = rows(app, MissedCall)
    assert (one.number, one.times, one.owner_id) == ("+13125550100", 2, cast.ada.id)
