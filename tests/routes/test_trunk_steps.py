"""Steps through a trunk, as admins write them and the linter sees them."""

from __future__ import annotations

import pytest
from cast import SUPPORT
from trunks.made import trunk

from voipcrm.core.db import db
from voipcrm.routes.linting import problems, routes_with_everybody
from voipcrm.routes.models import InboundRoute, RouteStep
from voipcrm.trunks.models import Trunk

FORM = {
    "description": "To the old system",
    "did": "any",
    "active": "y",
    "prefix": "",
    "time_zone": "",
    **{f"days-{day}": "" for day in range(7)},
    "steps-0-kind": "trunk",
    "steps-0-group_id": "0",
    "steps-0-sip_user": "100",
    "steps-0-ring_seconds": "20",
}
CREATE = "/admin/voip/routes/create"


@pytest.fixture
def berlin(app, cast) -> int:
    with app.app_context():
        for old in db.session.scalars(InboundRoute.in_order()):
            db.session.delete(old)
        made = trunk("Berlin SIP")
        db.session.commit()
        return made.id


def step(app) -> RouteStep:
    with app.app_context():
        one = db.session.query(RouteStep).one()
        db.session.expunge(one)
        return one


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("100", "100"), ("reception", "reception"), ("+1 212 555 0108", "+12125550108"), ("a.b-c_d", "a.b-c_d")],
)
def test_a_step_through_a_trunk_is_kept_as_it_was_written(app, as_root, berlin, typed, kept):
    answer = as_root.post(CREATE, data=FORM | {"steps-0-trunk_id": str(berlin), "steps-0-sip_user": typed})
    assert answer.status_code == 303
    assert (step(app).kind, step(app).trunk_id, step(app).sip_user) == ("trunk", berlin, kept)
    page = as_root.get("/admin/voip/routes/").text
    assert "through Berlin SIP for 20 s" in page
    with app.app_context():
        route_id = db.session.query(InboundRoute.id).scalar()
    form = as_root.get(f"/admin/voip/routes/{route_id}/edit").text
    assert "call through a trunk" in form
    assert f'value="{kept}"' in form


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"steps-0-trunk_id": "0"}, "Choose a trunk."),
        ({"steps-0-trunk_id": "99999"}, "Not a valid choice"),
        ({"steps-0-sip_user": ""}, "Use letters, digits"),
        ({"steps-0-sip_user": "x@y"}, "Use letters, digits"),
        ({"steps-0-sip_user": "a b"}, "Use letters, digits"),
        ({"steps-0-sip_user": "00493090182"}, "Write a phone number with + and its country code."),
        ({"steps-0-sip_user": "0-900-555-1234"}, "Write a phone number with + and its country code."),
        ({"steps-0-sip_user": "+19005551234"}, "Premium-rate numbers"),
        ({"steps-0-sip_user": "+4930901820"}, "not allowed"),
        ({"steps-0-sip_user": SUPPORT}, "a number of ours"),
        ({"steps-0-ring_seconds": "3"}, "Enter 5 to 120 seconds."),
    ],
)
def test_what_can_not_be_is_refused(app, as_root, berlin, changed, words):
    answer = as_root.post(CREATE, data=FORM | {"steps-0-trunk_id": str(berlin)} | changed)
    assert answer.status_code == 422
    assert words in answer.text


def test_such_a_step_can_be_added_only_where_there_is_a_trunk(app, as_root, berlin):
    words = "Add step: call through a trunk"
    assert words in as_root.get(CREATE).text
    added = as_root.post(CREATE, data=FORM | {"steps-0-trunk_id": str(berlin), "add": "trunk"})
    assert added.text.count(": call through a trunk</legend>") == 2
    with app.app_context():
        db.session.delete(db.session.get(Trunk, berlin))
        db.session.commit()
    assert words not in as_root.get(CREATE).text


def test_a_trunk_that_a_route_uses_is_retired_and_the_linter_tells(app, as_root, berlin):
    as_root.post(CREATE, data=FORM | {"steps-0-trunk_id": str(berlin)})

    def found() -> list[tuple[str, str]]:
        with app.app_context():
            return [(one.kind, one.text) for one in problems(routes_with_everybody()) if one.route]

    assert found() == []
    as_root.post(f"/admin/voip/trunks/{berlin}/activations", data={"active": "no"})
    assert found() == [("unreachable", "Step 1 calls through “Berlin SIP”, which is turned off.")]
    as_root.post(f"/admin/voip/trunks/{berlin}/delete")
    assert found() == [("unreachable", "Step 1 calls through “Berlin SIP”, which is no longer there.")]
    with app.app_context():
        assert db.session.get(Trunk, berlin).retired_at is not None
        db.session.query(RouteStep).one().sip_user = SUPPORT
        db.session.commit()
    assert [kind for kind, _ in found()] == ["unreachable", "looping"]


def test_the_simulator_tells_whom_a_trunk_is_asked_for(as_root, berlin):
    as_root.post(CREATE, data=FORM | {"steps-0-trunk_id": str(berlin)})
    page = as_root.get(f"/admin/voip/routes/simulator?to={SUPPORT}".replace("+", "%2B"))
    assert "Step 1 calls 100 through Berlin SIP for 20 s." in page.text
