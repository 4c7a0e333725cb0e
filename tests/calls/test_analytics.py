"""Analytics: its numbers are those of the calls they lead to, in every time zone, also where clocks are changed."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from html import unescape
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import time_machine
from flask import g
from whole.crawling import PARTIAL

from voipcrm.accounts.models import User
from voipcrm.calls import exporting, history, listing
from voipcrm.calls.analytics import asked_of, report
from voipcrm.calls.exports import CallExport
from voipcrm.calls.models import Call
from voipcrm.calls.periods import Period, preset
from voipcrm.core.asking import end_of, start_of
from voipcrm.core.db import db
from voipcrm.core.pages import length

from .call_rows import NOON, after, inbound, internal, outbound

BERLIN, KATHMANDU, NEW_YORK, LORD_HOWE = "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"
# Days around a change of the clocks: an hour back, none, an hour forward, half an hour forward.
CHANGES = [
    (BERLIN, date(2026, 10, 24), date(2026, 10, 26)),
    (KATHMANDU, date(2026, 10, 24), date(2026, 10, 26)),
    (NEW_YORK, date(2026, 3, 7), date(2026, 3, 9)),
    (LORD_HOWE, date(2026, 10, 3), date(2026, 10, 5)),
]


@pytest.fixture
def busy_days(app, cast):
    """fill(since, until): a call of changing kind every 23 minutes, and some time before and after."""

    def fill(since: date, until: date) -> None:
        at = datetime(since.year, since.month, since.day, tzinfo=UTC) - timedelta(days=5)
        end = datetime(until.year, until.month, until.day, tzinfo=UTC) + timedelta(days=3)
        rows, number = [], 0
        while at < end:
            rows.append(_one(cast, number, at))
            at, number = at + timedelta(minutes=23, seconds=7), number + 1
        with app.app_context():
            db.session.add_all(rows)
            db.session.commit()

    return fill


def _one(cast, number: int, at: datetime) -> Call:
    lines = (cast.sales_id, cast.support_id, None)
    line = lines[number % 3]
    both = [cast.ada.id, cast.bo.id]
    return (
        lambda: inbound(rung=both, by=cast.ada.id, at=at, line_id=line),
        lambda: inbound(rung=both, by=cast.bo.id, at=at, line_id=line),
        lambda: inbound(rung=both, outcome="missed", at=at, line_id=line),
        lambda: inbound(rung=[cast.bo.id], outcome="abandoned", at=at, line_id=line),
        lambda: outbound(cast.ada.id, at=at, line_id=line),
        lambda: outbound(cast.bo.id, outcome="busy", at=at, line_id=line),
        lambda: internal(cast.ada.id, cast.bo.id, at=at),
        lambda: inbound(outcome="missed", at=at, line_id=line),
        lambda: inbound(rung=both, outcome="voicemail", at=at, line_id=line),
        lambda: inbound(rung=both, at=at, line_id=line),  # rings still
    )[number * 3 % 10]()


@pytest.fixture
def move(app, cast):
    """move(person, zone): where that person lives."""

    def to(person, zone: str) -> None:
        with app.app_context():
            db.session.get_one(User, person.id).time_zone = zone
            db.session.commit()

    return to


def numbers_of(browser, query: str) -> set[tuple[str, str, str]]:
    """(kind; what it says; where it leads) of every number on the page and on the part that it fetches."""
    page = browser.get(f"/analytics?{query}").text
    part = re.search(r'hx-get="(/analytics/shares[^"]+)"', page)
    assert part
    shares = browser.get(unescape(part[1]), headers=PARTIAL)
    assert shares.status_code == 200
    page += shares.text
    found = re.findall(r'data-([a-z]+)="([\d.]*)" href="([^"]+)"', page)
    assert len(found) == page.count("figures-link"), "each is compared"
    return {(kind, value, unescape(href)) for kind, value, href in found}


def rows_behind(app, person, href: str) -> tuple[int, int, list[int]]:
    """Of the calls to which a number leads: how many, seconds talked, and seconds waited of each answered one."""
    with app.test_request_context(href):
        user = db.session.get_one(User, person.id)
        login_user_for_this_request(user)
        wanted = history.Filters.of(dict(parse_qsl(urlsplit(href).query)))
        page = listing.page(user, wanted, cursor=None)
        calls = [*page.rows]
        while page.older:
            page = listing.page(user, wanted, cursor=page.older)
            calls += page.rows
        waits = [
            int((call.answered_at - call.started_at).total_seconds())
            for call in calls
            if call.outcome == "answered" and call.answered_at
        ]
        return len(calls), sum(call.talk_seconds for call in calls), waits


def expected(kind: str, count: int, talked: int, waits: list[int]) -> str:
    """What a number of this kind says over such calls."""
    waits = sorted(waits)
    return {
        "calls": str(count),
        "talk": str(talked),
        "wait": str(round(sum(waits) / len(waits))) if waits else "",
        "median": str(waits[(len(waits) - 1) // 2]) if waits else "",
        "ninth": str(waits[-(-len(waits) * 9 // 10) - 1]) if waits else "",
    }[kind]


def login_user_for_this_request(user: User) -> None:
    g._login_user = user


@pytest.mark.parametrize(("zone", "since", "until"), CHANGES)
def test_every_number_is_that_of_the_calls_it_leads_to(
    app, cast, as_root, as_bo, as_ada, busy_days, move, zone, since, until
):
    busy_days(since, until)
    for person, browser, query in (
        (cast.root, as_root, ""),
        (cast.root, as_root, f"&line={cast.sales_id}"),
        (cast.bo, as_bo, ""),
        (cast.bo, as_bo, "&scope=own"),
        (cast.ada, as_ada, ""),
    ):
        move(person, zone)
        told = numbers_of(browser, f"since={since}&until={until}{query}")
        assert len(told) > 60
        behind = {href: rows_behind(app, person, href) for href in {href for _, _, href in told}}
        counts = {href: count for href, (count, _, _) in behind.items()}
        for kind, value, href in told:
            if kind == "share":
                others = [href.replace("outcome=answered", f"outcome={one}") for one in ("unanswered", "voicemail")]
                assert float(value) == counts[href] / (counts[href] + sum(counts[one] for one in others))
            else:
                assert value == expected(kind, *behind[href]), (kind, href)


def test_a_click_on_a_number_shows_exactly_those_rows(as_bo, cast, busy_days, move):
    busy_days(date(2026, 10, 24), date(2026, 10, 26))
    move(cast.bo, BERLIN)
    clicked = Counter()
    for kind, value, href in numbers_of(as_bo, "since=2026-10-24&until=2026-10-26"):
        if kind == "calls":
            assert rows_shown(as_bo, href) == int(value), href
            clicked[bool(int(value))] += 1
    assert min(clicked.values()) > 5


def rows_shown(browser, href: str) -> int:
    """How many calls the history lists, over all of its pages."""
    count = 0
    while href:
        answer = browser.get(href)
        count += answer.text.count('<tr id="call-')
        older = re.search(r'rel="next" href="([^"]+)"', answer.text)
        href = unescape(older[1]) if older else ""
    return count


@pytest.mark.parametrize(("zone", "since", "until"), CHANGES)
def test_days_and_hours_are_those_of_the_clocks_there(app, cast, busy_days, zone, since, until):
    busy_days(since, until)
    there = ZoneInfo(zone)
    period = Period(since, until, there)
    with app.test_request_context():
        user = db.session.get_one(User, cast.root.id)
        user.time_zone = zone
        login_user_for_this_request(user)
        found = report(user, period, asked_of(period))
        outside = db.session.scalars(sa.select(Call).where(Call.direction != "internal")).all()
        local = [(call, call.started_at.astimezone(there)) for call in outside]
        local = [(call, at) for call, at in local if since <= at.date() <= until]
    assert {day: one.calls for day, one in found.days.items()} == Counter(at.date() for _, at in local)
    assert {hour: one.calls for hour, one in found.hours.items()} == Counter(at.hour for _, at in local)
    came_in = [at for call, at in local if call.direction == "inbound"]
    assert found.busy == Counter((at.weekday(), at.hour) for at in came_in)
    assert found.total.calls == len(local)
    assert (end_of(until, there) - start_of(since, there)) != timedelta(days=3) or zone == KATHMANDU


def test_the_day_on_which_the_clock_goes_back_has_one_hour_twice():
    day, there = date(2026, 10, 25), ZoneInfo(BERLIN)
    assert end_of(day, there) - start_of(day, there) == timedelta(hours=25)
    assert Period(day, day, there).before == Period(date(2026, 10, 24), date(2026, 10, 24), there)


@pytest.mark.parametrize(
    ("name", "today", "since", "until"),
    [
        ("today", "2026-03-01", "2026-03-01", "2026-03-01"),
        ("yesterday", "2026-03-01", "2026-02-28", "2026-02-28"),
        ("7d", "2026-03-01", "2026-02-23", "2026-03-01"),
        ("28d", "2026-03-01", "2026-02-02", "2026-03-01"),
        ("month", "2026-03-01", "2026-03-01", "2026-03-01"),
        ("last-month", "2026-03-31", "2026-02-01", "2026-02-28"),
        ("last-month", "2026-01-15", "2025-12-01", "2025-12-31"),
    ],
)
def test_periods_are_whole_days_up_to_today(name, today, since, until):
    period = preset(name, today=date.fromisoformat(today), zone=ZoneInfo("UTC"))
    assert (str(period.since), str(period.until)) == (since, until)


def test_the_last_moment_of_a_day_is_that_day(app, cast, as_root):
    keep(app, inbound(rung=[cast.ada.id], by=cast.ada.id, at=datetime(2026, 11, 23, 23, 59, 59, 999_999, tzinfo=UTC)))
    assert table(as_root, "hours", "since=2026-11-23&until=2026-11-23")[1][:2] == ["23:00", "1"]


def test_today_is_that_of_the_viewer(app, cast, move):
    with time_machine.travel(datetime(2026, 11, 23, 20, 0, tzinfo=UTC), tick=False):
        as_ada = app.test_client().sign_in(cast.ada)  # here, or the cookie would be of the future
        move(cast.ada, "Pacific/Auckland")
        assert "Tuesday 24 November" in as_ada.get("/analytics?period=today").text
        move(cast.ada, "America/Los_Angeles")
        assert "Monday 23 November" in as_ada.get("/analytics?period=today").text


def test_the_summary_says_how_it_was_before(app, cast, as_root):
    keep(app, *(inbound(rung=[cast.ada.id], by=cast.ada.id, at=after(60 * n)) for n in range(3)))
    keep(app, inbound(rung=[cast.ada.id], outcome="abandoned", at=after(500)))
    keep(
        app, *(inbound(rung=[cast.ada.id], outcome="missed", at=NOON - timedelta(days=1, minutes=n)) for n in range(2))
    )
    text = words(as_root.get("/analytics?since=2026-11-23&until=2026-11-23"))
    for said in (
        "4 in, 0 out; 100% more than before",
        "75.0% 3 calls; 75.0 points better than before. Talked 3:00, outgoing calls too",
        "Median wait 5 s 9 in 10 within 5 s",
        "Missed 1 0 nobody answered, 1 hung up first, 0 left a voicemail instead; 50% fewer than before",
    ):
        assert said in text


def test_waiting_is_told_by_the_middle_and_by_nine_in_ten(app, cast, as_root):
    calls = [inbound(rung=[cast.ada.id], by=cast.ada.id, at=after(100 * n)) for n in range(10)]
    for seconds, call in enumerate(calls, start=1):
        call.answered_at = call.started_at + timedelta(seconds=seconds * 10)
    keep(app, *calls)
    text = words(as_root.get("/analytics?since=2026-11-23&until=2026-11-23"))
    assert "Median wait 50 s 9 in 10 within 1:30" in text


def test_a_missed_call_stands_with_everybody_it_was_meant_for(app, cast, as_root, as_ada):
    keep(app, inbound(rung=[cast.ada.id, cast.bo.id], outcome="missed"))
    people = table(as_root, "people", "since=2026-11-23&until=2026-11-23")
    assert [(row[0], row[2]) for row in people[1:]] == [("Ada Ortiz", "1"), ("Bo Becker", "1")]
    assert "By person" in as_root.get("/analytics/shares?since=2026-11-23&until=2026-11-23").text
    assert "By person" not in as_ada.get("/analytics/shares?since=2026-11-23&until=2026-11-23").text
    assert as_ada.get("/analytics/people.csv?since=2026-11-23&until=2026-11-23").status_code == 404


def test_agents_see_figures_of_their_own_calls_only(app, cast, as_ada, as_root):
    keep(app, inbound(rung=[cast.bo.id], by=cast.bo.id), outbound(cast.ada.id))
    query = "since=2026-11-23&until=2026-11-23"
    assert [row[1:7] for row in table(as_ada, "days", query)[1:]] == [["0", "0", "0", "0", "0", "1"]]
    assert [row[1:7] for row in table(as_root, "days", query)[1:]] == [["1", "1", "0", "0", "0", "1"]]


def table(browser, name: str, query: str) -> list[list[str]]:
    answer = browser.get(f"/analytics/{name}.csv?{query}")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_each_table_is_a_file_that_a_spreadsheet_computes_nothing_in(app, cast, as_root):
    with app.app_context():
        db.session.get_one(User, cast.ada.id).name = "=1+1"
        db.session.commit()
    keep(app, inbound(rung=[cast.ada.id], by=cast.ada.id, line_id=cast.sales_id))
    query = "since=2026-11-23&until=2026-11-23"
    assert table(as_root, "days", query)[1] == ["Mon 23 Nov 2026", "1", "1", "0", "0", "0", "0", "5", "60"]
    assert table(as_root, "hours", query)[1][:3] == ["12:00", "1", "1"]
    assert table(as_root, "lines", query)[1][:3] == ["Sales line", "1", "1"]
    assert table(as_root, "people", query)[1][:2] == ["'=1+1", "1"]
    assert as_root.get(f"/analytics/everything.csv?{query}").status_code == 404
    assert as_root.get("/analytics/days.csv?since=2026-11-23&until=2026-11-01").status_code == 422


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("since=2026-11-23&until=2026-11-01", "The last day is before the first."),
        ("since=2024-01-01&until=2026-01-01", "Choose at most 400 days."),
        ("since=2026-11-01", "Choose the first and the last day."),
        ("since=2026-11-01&until=soon", "Choose the first and the last day."),
    ],
)
def test_days_that_cannot_be_reported_on_are_refused_in_words(as_ada, query, sentence):
    answer = as_ada.get(f"/analytics?{query}")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert as_ada.get(f"/analytics/shares?{query}").status_code == 422


def test_no_calls_is_said_and_strangers_see_nothing(as_ada, as_mallory):
    assert "No calls in these days" in as_ada.get("/analytics").text
    assert as_ada.get("/analytics?period=nonsense&line=x&scope=all").status_code == 200
    assert [as_mallory.get(f"/analytics{one}").status_code for one in ("", "/shares", "/days.csv")] == [404] * 3


def test_the_history_says_what_it_was_narrowed_to(app, cast, as_root):
    keep(app, inbound(rung=[cast.ada.id], by=cast.ada.id))
    query = "since=2026-11-23&until=2026-11-23&weekday=0&hour=12&outside=yes"
    page = as_root.get(f"/calls?{query}")
    assert "Only calls: with the outside, on Mondays, begun from 12:00 to 12:59." in page.text
    assert '<input type="hidden" name="hour" value="12">' in page.text
    assert page.text.count('<tr id="call-') == 1
    assert as_root.get(f"/calls?{query}".replace("hour=12", "hour=13")).text.count('<tr id="call-') == 0
    for nonsense in ("hour=24", "weekday=7", "hour=-1", "scope=everybody", "outside=no"):
        assert "Only calls" not in as_root.get(f"/calls?{nonsense}").text


def test_home_tells_of_today_what_analytics_tells(app, cast, as_root, as_bo, as_ada, busy_days, move):
    busy_days(date(2026, 10, 25), date(2026, 10, 25))
    with time_machine.travel(datetime(2026, 10, 25, 18, 0, tzinfo=UTC), tick=False):
        for person in (cast.root, cast.bo, cast.ada):
            move(person, BERLIN)
            browser = app.test_client().sign_in(person)
            home = browser.get("/calls/summary", headers=PARTIAL).text
            links = dict(re.findall(r'href="([^"]+)">([^<]+)<', home))
            assert len(links) == 4
            report_of_today = unescape(browser.get("/analytics?period=today").text)
            for href, value in links.items():
                count, talked, _ = rows_behind(app, person, unescape(href))
                assert value in {str(count), length(talked)}
                asked = set(parse_qsl(urlsplit(unescape(href)).query))
                there = re.findall(r'href="(/calls\?[^"]+)">([^<%]+)<', report_of_today)
                assert value in {said for one, said in there if set(parse_qsl(urlsplit(one).query)) == asked}


def test_a_day_without_calls_is_nought_among_others_and_a_long_period_has_all_of_its_days(app, cast, as_root):
    keep(app, *(inbound(rung=[cast.ada.id], by=cast.ada.id, at=NOON - timedelta(days=n)) for n in (0, 2, 386)))
    days = table(as_root, "days", "since=2026-11-21&until=2026-11-23")[1:]
    assert [row[1] for row in days] == ["1", "0", "1"]
    query = "since=2025-11-02&until=2026-11-23"
    assert sum(int(row[1]) for row in table(as_root, "days", query)[1:]) == 3
    assert len(table(as_root, "days", query)) == 388
    page = as_root.get(f"/analytics?{query}").text
    assert "387 days" in page
    assert page.count('class="chart__answered"') == 2 * 3 + 1, "each chart has a bar for each day with calls"
    nothing = as_root.get("/analytics?since=2026-11-22&until=2026-11-22").text
    assert "No calls in these days" in nothing
    assert 'hx-get="/analytics/shares' not in nothing


def test_ones_own_calls_behind_a_number_are_exported_by_a_job(app, cast, as_bo):
    keep(app, inbound(rung=[cast.ada.id], by=cast.ada.id), outbound(cast.bo.id))
    query = "since=2026-11-23&until=2026-11-23&outside=yes&scope=own"
    assert as_bo.post(f"/calls/exports?{query}").status_code == 303
    with app.app_context():
        one = db.session.scalars(sa.select(CallExport)).one()
        exporting.work(one.id)
        assert (one.state, one.total) == ("done", 1)


def keep(app, *rows) -> None:
    with app.app_context():
        db.session.add_all(rows)
        db.session.commit()


def words(answer) -> str:
    main = answer.text.partition("<main")[2]
    return (
        " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())
        .replace(" ,", ",")
        .replace(" ;", ";")
        .replace(" .", ".")
    )
