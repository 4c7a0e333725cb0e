"""Who sees which calls, and what the filters of the history find."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from flask_login import login_user

from voipcrm.accounts.models import User, UserSession
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.history import Filters, choices, filtered
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Person, PhoneNumber
from voipcrm.core.asking import start_of
from voipcrm.core.db import db
from voipcrm.core.pages import zone

from .call_rows import PRIYA, inbound, internal, outbound


def keep(**calls: Call) -> dict[str, Call]:
    db.session.add_all(calls.values())
    db.session.commit()
    return calls


def seen(query: sa.Select, calls: dict[str, Call]) -> set[str]:
    ids = {call.id for call in db.session.scalars(query)}
    return {name for name, call in calls.items() if call.id in ids}


def user(person) -> User:
    return db.session.get_one(User, person.id)


@pytest.fixture
def everything(context, cast) -> dict[str, Call]:
    """One call of every kind between Ada, Bo (her team), Root (of no team) and people outside."""
    ada, bo, root = cast.ada.id, cast.bo.id, cast.root.id
    return keep(
        ada_placed=outbound(ada),
        ada_took=inbound(rung=[ada, bo], by=ada),
        bo_took=inbound(rung=[ada, bo], by=bo),
        both_missed=inbound(rung=[ada, bo], outcome="missed"),
        bo_missed=inbound(rung=[bo], outcome="abandoned"),
        ringing_ada=inbound(rung=[ada]),
        rang_nobody=inbound(outcome="missed"),
        bo_to_ada=internal(bo, ada, outcome="no-answer"),
        root_to_bo=internal(root, bo),
        root_placed=outbound(root),
        root_missed=inbound(rung=[root], outcome="missed"),
    )


def test_an_agent_sees_the_calls_they_had_and_those_that_rang_them_in_vain(everything, cast):
    expected = {"ada_placed", "ada_took", "both_missed", "ringing_ada", "bo_to_ada"}
    assert seen(Call.visible_to(user(cast.ada)), everything) == expected


def test_a_supervisor_sees_the_calls_of_the_team_also_those_that_the_team_missed(everything, cast):
    unseen = {"root_placed", "root_missed", "rang_nobody"}
    assert seen(Call.visible_to(user(cast.bo)), everything) == everything.keys() - unseen


def test_a_supervisor_without_a_team_sees_their_own(everything, cast):
    bo = user(cast.bo)
    bo.team_id = None
    db.session.commit()
    expected = {"bo_took", "both_missed", "bo_missed", "bo_to_ada", "root_to_bo"}
    assert seen(Call.visible_to(bo), everything) == expected


def test_an_admin_sees_every_call_and_who_may_nothing_sees_none_of_others(everything, cast):
    assert seen(Call.visible_to(user(cast.root)), everything) == everything.keys()
    assert seen(Call.visible_to(user(cast.mallory)), everything) == set()


@pytest.fixture
def as_viewer(app, context, cast):
    """Filters read days in the zone of whoever is signed in."""

    def sign_in(time_zone: str) -> None:
        ada = user(cast.ada)
        ada.time_zone = time_zone
        UserSession.begin(ada)
        db.session.commit()
        login_user(ada)

    with app.test_request_context():
        yield sign_in


def found(calls: dict[str, Call], **asked: str) -> set[str]:
    return seen(filtered(sa.select(Call), Filters.of(asked)), calls)


@pytest.mark.parametrize(
    ("time_zone", "expected"),
    [("UTC", {"noon", "late"}), ("Asia/Tokyo", {"noon", "early"}), ("America/Los_Angeles", {"noon", "late", "next"})],
)
def test_days_are_days_where_the_viewer_is(as_viewer, cast, time_zone, expected):
    calls = keep(
        early=outbound(cast.ada.id, at=datetime(2026, 11, 22, 16, 0, tzinfo=UTC)),  # the 23rd has begun in Tokyo
        noon=outbound(cast.ada.id),
        late=outbound(cast.ada.id, at=datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)),
        next=outbound(cast.ada.id, at=datetime(2026, 11, 24, 7, 59, tzinfo=UTC)),  # the 23rd goes on in Los Angeles
    )
    as_viewer(time_zone)
    assert found(calls, since="2026-11-23", until="2026-11-23") == expected


def test_a_day_begins_once_where_the_clock_change_skips_midnight():
    assert start_of(date(2026, 9, 6), zone("America/Santiago")) == datetime(2026, 9, 6, 4, 0, tzinfo=UTC)


def test_each_filter_finds_its_calls(everything, as_viewer, cast):
    as_viewer("UTC")
    calls = everything | keep(
        busy=outbound(cast.ada.id, outcome="busy", line_id=cast.sales_id, number="+442079460100"),
        withheld=inbound(rung=[cast.ada.id], outcome="abandoned", number=None, line_id=cast.support_id),
        recorded=outbound(cast.bo.id, has_recording=True, number="+498912340"),
    )
    assert found(calls, outcome="live") == {"ringing_ada"}
    assert found(calls, outcome="busy") == {"busy"}
    assert found(calls, outcome="abandoned") == {"bo_missed", "withheld"}
    missed = {"both_missed", "bo_missed", "rang_nobody", "root_missed", "withheld"}
    assert found(calls, outcome="unanswered") == missed
    assert found(calls, direction="internal") == {"bo_to_ada", "root_to_bo"}
    assert found(calls, line=str(cast.support_id)) == {"withheld"}
    assert found(calls, person=str(cast.root.id)) == {"root_to_bo", "root_placed"}
    assert found(calls, recorded="yes") == {"recorded"}
    assert found(calls, direction="outbound", line=str(cast.sales_id), outcome="busy") == {"busy"}


@pytest.mark.parametrize(
    "typed",
    ["+1 312 555 0100", "(312) 555-0100", "312-555", "13125550100", "0100", "3125550"],
)
def test_a_number_is_found_as_people_type_it(as_viewer, cast, typed):
    calls = keep(priya=outbound(cast.ada.id), other=outbound(cast.ada.id, number="+442079460199"))
    as_viewer("UTC")
    assert found(calls, number=typed) == found(calls, q=typed) == {"priya"}


def test_a_number_with_the_zero_of_its_own_country_is_found(as_viewer, cast):
    calls = keep(london=outbound(cast.ada.id, number="+442079460100"), other=outbound(cast.ada.id))
    as_viewer("UTC")
    assert found(calls, q="020 7946") == {"london"}


def test_a_name_finds_the_calls_with_its_bearers(as_viewer, cast):
    priya = Person(name="Priya Raman", numbers=[PhoneNumber(number=PRIYA)])
    calls = keep(linked=outbound(cast.ada.id, person=priya), same_number_unlinked=outbound(cast.ada.id))
    as_viewer("UTC")
    assert found(calls, q="rama pri") == {"linked"}
    assert found(calls, q="nobody") == set()
    assert found(calls, contact=str(priya.id)) == {"linked"}


def test_a_disposition_finds_its_calls_and_none_those_talked_on_without_one(as_viewer, cast):
    sold = Disposition(name="Sold")
    calls = keep(
        sold=outbound(cast.ada.id, disposition=sold),
        open=outbound(cast.ada.id),
        busy=outbound(cast.ada.id, outcome="busy"),
    )
    as_viewer("UTC")
    assert found(calls, disposition=str(sold.id)) == {"sold"}
    assert found(calls, disposition="none") == {"open"}


def test_recorded_and_not_recorded_are_two_halves(as_viewer, cast):
    calls = keep(yes=outbound(cast.ada.id, has_recording=True), no=outbound(cast.ada.id))
    as_viewer("UTC")
    assert (found(calls, recorded="yes"), found(calls, recorded="no")) == ({"yes"}, {"no"})


def test_what_cannot_be_meant_is_not_asked():
    nonsense = {
        "since": "yesterday", "until": "9999-12-31", "person": "-1", "line": "²", "direction": "sideways",
        "outcome": "fine", "number": "12", "q": "  ", "contact": "99999999999", "recorded": "maybe",
        "disposition": "some",
    }  # fmt: skip
    assert not Filters.of(nonsense).any
    assert Filters.of({"since": "2026-11-23"}).any


def test_the_choices_of_a_filter_are_what_the_viewer_may_choose(context, cast):
    priya = Person(name="Priya Raman")
    db.session.add(priya)
    db.session.commit()
    asked = Filters(contact=priya.id)
    lines = [(cast.sales_id, "Sales line"), (cast.support_id, "Support")]
    team = [(cast.ada.id, "Ada Ortiz"), (cast.bo.id, "Bo Becker")]
    assert choices(user(cast.ada), asked) == {
        "line": lines,
        "person": [],
        "disposition": [],
        "contact": [(priya.id, "Priya Raman")],
    }
    assert choices(user(cast.bo), Filters())["person"] == team
    assert [name for _, name in choices(user(cast.root), Filters())["person"]] == [
        "Ada Ortiz", "Bo Becker", "Mallory Outsider", "Root Admin",
    ]  # fmt: skip
    assert choices(user(cast.mallory), asked)["contact"] == []
