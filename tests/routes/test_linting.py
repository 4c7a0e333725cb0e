"""What is wrong with routes is found, with a remedy, and what is in order is left in peace."""

import pytest
from cast import SUPPORT
from sqlalchemy import event

from routes.situations import MOBILE, People, mailbox, number, ring, route, s, set_up
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.routes.linting import problems, routes_with_everybody
from voipcrm.trunks.models import Line

CATCH_ALL = route(ring("bo"))
SECOND = [("shadowed", "Route 2")]


def found(cast, *routes, **more) -> list[tuple[str, str]]:
    """(kind, name of the route) of every problem."""
    set_up(s("", *routes, expected=(), **more), cast)
    return [(one.kind, one.route.description if one.route else "") for one in problems(routes_with_everybody())]


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ((route(ring("ada"), line="sales"), CATCH_ALL), []),
        ((CATCH_ALL, route(ring("ada"), line="sales")), SECOND),
        ((CATCH_ALL, route(ring("ada"), line="sales", active=False)), []),
        ((route(ring("bo"), active=False), CATCH_ALL), []),
        ((route(ring("ada"), prefix="+1202"), route(ring("bo"), line="sales"), CATCH_ALL), SECOND),
        ((route(ring("ada"), prefix="+1202"), route(ring("bo"), prefix="+12025"), CATCH_ALL), SECOND),
        ((route(ring("ada"), prefix="+12025"), route(ring("bo"), prefix="+1202"), CATCH_ALL), []),
        ((route(ring("ada"), line="sales"), route(ring("bo"), prefix="+1202"), CATCH_ALL), []),
        ((route(ring("ada"), caller_prefix="+49"), CATCH_ALL), []),
        ((route(ring("ada"), caller_prefix="+49"), route(ring("bo"), caller_prefix="+4930"), CATCH_ALL), SECOND),
        ((route(number(SUPPORT), message="Bye."), ), [("looping", "Route 1")]),
        ((route(number("+19005551234")), ), [("forbidden", "Route 1")]),
        ((route(number(MOBILE)), ), []),
        ((route(), ), [("empty", "Route 1")]),
        ((route(message="We moved."), ), []),
        ((route(People(), message="Bye."), ), [("empty", "Route 1")]),
        ((route(ring("mallory", "ada")), ), [("unreachable", "Route 1")]),
        ((route(ring("ada"), mailbox("ada")), ), []),
        ((route(mailbox("ada")), ), []),
        ((route(mailbox("ada"), ring("bo")), ), [("unreachable", "Route 1")]),
        ((route(ring("ada"), line="sales"), route(ring("bo"), line="support")), [("unrouted", "")]),
        ((), [("unrouted", ""), ("unrouted", ""), ("unrouted", "")]),
        ((route(ring("ada"), line="sales", caller_prefix="+1"), route(ring("bo"), line="support")),
         [("unrouted", ""), ("unrouted", "")]),
    ],
)  # fmt: skip
def test_problems_are_found(context, cast, routes, expected):
    assert found(cast, *routes) == expected


def test_a_deactivated_person_is_named_and_whether_anybody_is_left(context, cast):
    set_up(s("", route(ring("ada")), gone=("ada",), expected=()), cast)
    (problem,) = problems(routes_with_everybody())
    assert problem.text.startswith("Step 1 names Ada Ortiz, who can’t receive calls")
    assert "Nobody is left to ring." in problem.text


def test_a_mailbox_that_nobody_reads_is_named(context, cast):
    set_up(s("", route(mailbox("ada")), gone=("ada",), expected=()), cast)
    (problem,) = problems(routes_with_everybody())
    assert (problem.kind, problem.remedy) == ("unreachable", "Give the mailbox to somebody else.")


def test_a_route_of_a_retired_line_is_named(context, cast):
    set_up(s("", route(ring("ada"), line="sales"), CATCH_ALL, expected=()), cast)
    db.session.get(Line, cast.sales_id).retired_at = clock.now()
    assert [one.kind for one in problems(routes_with_everybody())] == ["retired"]


def test_every_problem_has_a_remedy_and_stands_on_the_page(app, cast, as_root):
    with app.app_context():
        set_up(s("", CATCH_ALL, route(number(SUPPORT), line="sales"), route(), expected=()), cast)
        listed = problems(routes_with_everybody())
    assert all(one.remedy.endswith(".") for one in listed)
    page = as_root.get("/admin/voip/routes/").text
    for one in listed:
        assert one.text.split("“")[0] in page
        assert one.remedy in page


def test_the_page_asks_no_more_often_for_many_routes(app, cast, as_root):
    counted = []
    with app.app_context():
        engine = db.engine
    listen = lambda *_: counted.append(1)  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    try:
        as_root.get("/admin/voip/routes/")
        few = len(counted)
        with app.app_context():
            set_up(s("", *[route(ring("ada", "bo"), ring("bo"), line="sales")] * 30, CATCH_ALL, expected=()), cast)
        counted.clear()
        as_root.get("/admin/voip/routes/")
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert len(counted) <= few + 2
