"""The pages of calls: who may open them, what they say, what htmx gets, and what they cost."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
import time_machine
from flask import url_for
from sqlalchemy import event

from voipcrm.calls.models import Call, CallEvent
from voipcrm.contacts.models import Person, PhoneNumber
from voipcrm.core.db import db

from .call_rows import PRIYA, after, inbound, internal, note_missed, outbound

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
FILTERING = {**PARTIAL, "HX-Source": "form"}


@pytest.fixture
def keep(app, cast):
    """Writes rows and gives back the public ids of the calls among them."""

    def write(*rows) -> list[str]:
        with app.app_context():
            db.session.add_all(rows)
            db.session.commit()
            return [row.public_id for row in rows if isinstance(row, Call)]

    return write


def listed(answer) -> list[str]:
    """Public ids of the calls in a list, in its order."""
    return list(dict.fromkeys(re.findall(r'href="/calls/([0-9a-f]{20})"', answer.text)))


def text(answer) -> str:
    """What is read on it, without the tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_history_lists_the_newest_first_and_only_what_one_may_see(keep, as_ada, as_bo, cast):
    old, new, of_bo = keep(
        outbound(cast.ada.id), inbound(rung=[cast.ada.id], outcome="missed", at=after(60)), outbound(cast.bo.id)
    )
    assert listed(as_ada.get("/calls")) == [new, old]
    assert set(listed(as_bo.get("/calls"))) == {new, old, of_bo}


def test_a_row_says_whom_which_way_on_which_line_and_what_came_of_it(keep, as_ada, cast):
    priya = Person(name="Priya Raman", numbers=[PhoneNumber(number=PRIYA)])
    keep(
        outbound(cast.ada.id, person=priya, line_id=cast.sales_id, has_recording=True),
        inbound(rung=[cast.ada.id], outcome="abandoned", number=None, peer_text="Anonymous", at=after(60)),
        inbound(rung=[cast.ada.id], at=after(120)),
    )
    ringing, missed, talked = (" ".join(row) for row in rows_of(as_ada.get("/calls")))
    assert "Priya Raman" in talked
    for words in ("Outgoing", "(312) 555-0100", "Sales line", "Ada Ortiz", "1:00"):
        assert words in talked
    assert "Anonymous" in missed
    assert "Missed" in missed
    assert "Ringing" in ringing


def rows_of(answer) -> list[list[str]]:
    body = answer.text.partition("<tbody>")[2]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", c).split()) for c in re.findall(r"<td.*?</td>", r, re.DOTALL)] for r in rows
    ]


def test_a_colleague_s_call_is_incoming_to_the_one_who_was_called(keep, as_ada, as_bo, cast):
    keep(internal(cast.bo.id, cast.ada.id, outcome="no-answer"))
    (adas,), (bos,) = rows_of(as_ada.get("/calls")), rows_of(as_bo.get("/calls"))
    assert "Bo Becker" in adas[0]
    assert "Incoming" in adas[0]
    assert adas[4] == "Missed"
    assert "Ada Ortiz" in bos[0]
    assert "Outgoing" in bos[0]
    assert bos[4] == "No answer"


def test_names_from_outside_are_text(keep, as_ada, cast):
    evil = "<script>alert(1)</script>"
    ids = keep(
        outbound(cast.ada.id, person=Person(name=evil)),
        inbound(rung=[cast.ada.id], outcome="missed", number=None, peer_text=evil),
    )
    for address in ("/calls", "/calls/latest", "/calls/missed", *(f"/calls/{one}" for one in ids)):
        for headers in ({}, PARTIAL):
            assert "<script>alert" not in as_ada.get(address, headers=headers).text


def test_htmx_gets_the_rows_and_the_count_while_a_browser_gets_the_page(keep, as_ada, cast):
    (one,) = keep(outbound(cast.ada.id))
    page, rows = as_ada.get("/calls"), as_ada.get("/calls?q=3125550100", headers=FILTERING)
    assert page.text.count("<main ") == 1
    assert "<main" not in rows.text
    assert listed(rows) == [one]
    assert "1 call</div>" in re.sub(r"\s+<", "<", rows.text)
    assert "hx-swap-oob" not in as_ada.get("/calls", headers=PARTIAL).text, "a refresh is not announced"
    assert {"HX-Request", "HX-Request-Type"} <= set(rows.vary)


def test_the_filters_of_the_address_are_those_of_the_form(keep, as_root, cast):
    keep(outbound(cast.ada.id, outcome="busy"), outbound(cast.bo.id))
    address = f"/calls?q=312&since=2026-01-01&person={cast.ada.id}&line=&direction=outbound&outcome=busy"
    page = as_root.get(address)
    assert len(listed(page)) == 1
    chosen = re.findall(r'<select[^>]*name="(\w+)".*?</select>', page.text, re.DOTALL)
    assert chosen == ["person", "line", "direction", "outcome", "recorded", "logged"]
    assert re.findall(r'<option value="(\w[^"]*)" selected>', page.text) == [str(cast.ada.id), "outbound", "busy"]
    assert 'value="312"' in page.text
    assert 'value="2026-01-01"' in page.text


def test_a_contact_in_the_address_stays_with_the_filters(keep, as_ada, app, cast):
    priya = Person(name="Priya Raman")
    keep(outbound(cast.ada.id, person=priya), outbound(cast.ada.id))
    with app.app_context():
        priya_id = db.session.scalar(sa.select(Person.id))
    page = as_ada.get(f"/calls?contact={priya_id}")
    assert len(listed(page)) == 1
    assert f'<input type="hidden" name="contact" value="{priya_id}">' in page.text
    assert "Only calls with Priya Raman" in text(page)


def test_an_empty_list_says_why(as_ada):
    assert "No calls yet" in as_ada.get("/calls").text
    filtered = as_ada.get("/calls?outcome=busy")
    assert "No call matches" in filtered.text
    assert "Clear filters" in filtered.text


@pytest.fixture
def many(keep, cast) -> list[str]:
    """120 calls, newest first, some of one second."""
    return keep(*(outbound(cast.ada.id, at=after(n // 3)) for n in range(120)))[::-1]


def test_paging_shows_each_call_once_forth_and_back(many, as_ada, keep, cast):
    pages, address = [], "/calls?direction=outbound"
    while address:
        answer = as_ada.get(address)
        pages.append(listed(answer))
        address = link(answer, "next")
        keep(outbound(cast.ada.id, at=after(1000)))  # what arrives meanwhile shifts nothing
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [one for page in pages for one in page] == many
    assert parse_qs(urlsplit(link(answer, "prev")).query)["direction"] == ["outbound"]
    assert listed(as_ada.get(link(answer, "prev"))) == many[50:100]


def link(answer, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', answer.text)
    return found[1].replace("&amp;", "&") if found else None


@pytest.mark.parametrize(
    "cursor",
    [
        ["older", "2026-11-23T12:00:00+00:00", "x"],
        ["older", "2026-11-23T12:00:00", 1],
        ["older", "2026-11-23T12:00:00+00:00", 10**30],
        ["older", "2026-11-23T12:00:00+00:00"],
        ["older", 7, 7],
        ["sideways", "2026-11-23T12:00:00+00:00", 1],
        {"older": 1},
        "older",
        None,
    ],
)
def test_a_cursor_of_somebody_s_own_making_is_the_first_page(many, as_ada, cursor):
    made = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip("=")
    assert listed(as_ada.get(f"/calls?page={made}")) == many[:50]


@pytest.mark.parametrize(
    ("who", "address"), [("ada", "/calls"), ("ada", "/calls?q=312555"), ("bo", "/calls"), ("root", "/calls")]
)
def test_a_list_costs_three_statements_whatever_its_rows(request, keep, app, cast, who, address):
    browser = request.getfixturevalue(f"as_{who}")
    keep(outbound(cast.ada.id))
    assert len(statements(app, browser, address)) == 3
    team = [cast.ada.id, cast.bo.id]
    keep(*(outbound(cast.ada.id, person=Person(name=f"P{n}"), line_id=cast.sales_id) for n in range(30)))
    keep(*(inbound(rung=team, by=cast.bo.id, line_id=cast.support_id) for _ in range(10)), internal(*team))
    assert len(statements(app, browser, address)) == 3
    by_number = "q=" in address  # one more: which numbers have this part; a whole page asks that with its filters
    assert len(statements(app, browser, address, PARTIAL)) == 2 + by_number


@pytest.mark.parametrize("address", ["/calls/latest", "/calls/missed", "/calls/missed?in=home", "/calls/summary"])
def test_the_lists_of_other_pages_cost_two_statements(keep, app, as_ada, cast, address):
    missed = [inbound(rung=[cast.ada.id], outcome="missed", number=f"+1312555{n:04}") for n in range(30)]
    keep(*missed)
    with app.app_context():
        note_missed(*db.session.scalars(sa.select(Call)))
    assert len(statements(app, as_ada, address, PARTIAL)) == 2


def statements(app, browser, address: str, headers=None) -> list[str]:
    """The SELECTs of one request."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert browser.get(address, headers=headers).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return sent


def test_a_call_s_page_tells_its_story_in_the_viewer_s_time(keep, as_ada, app, cast):
    priya = Person(name="Priya Raman", numbers=[PhoneNumber(number=PRIYA)])
    call = inbound(
        rung=[cast.ada.id, cast.bo.id], by=cast.ada.id, person=priya, line_id=cast.sales_id,
        person_reason=f"{PRIYA} is Priya Raman's mobile number.", recording="on",
    )  # fmt: skip
    body = [["CallSid", call.root_sid], ["By", str(cast.ada.id)]]
    call.events.append(CallEvent(key="k", kind="hold", at=after(30), body=body))
    (public_id,) = keep(call)
    with app.app_context():
        db.session.execute(sa.text("UPDATE users SET time_zone = 'Asia/Tokyo'"))
        db.session.commit()
    page = as_ada.get(f"/calls/{public_id}")
    for words in (
        "21:00:00 Priya Raman called Sales line",
        "21:00:01 Rang Ada Ortiz and Bo Becker",
        "21:00:05 Ada Ortiz answered",
        "21:00:30 Put on hold by Ada Ortiz",
        "Linked because (312) 555-0100 is Priya Raman",
        "Incoming call on Sales line",
        "Rang for 4 s",
        "Talked for 1:00",
        "Bo Becker Somebody else answered 4 s",
    ):
        assert words in text(page)
    assert f'hx-get="/admin/voip/recordings/of-call/{public_id}"' in page.text
    assert "every 3s" not in page.text


def test_a_live_call_s_page_asks_again_and_says_when_the_state_is_another(keep, as_ada, app, cast):
    (public_id,) = keep(inbound(rung=[cast.ada.id]))
    page = as_ada.get(f"/calls/{public_id}")
    again = re.search(rf'hx-get="(/calls/{public_id}\?was=ringing)" hx-trigger="every 3s"', page.text)
    assert again
    assert "HX-Trigger" not in as_ada.get(again[1], headers=PARTIAL).headers
    with app.app_context():
        db.session.execute(sa.update(Call).values(state="ended", outcome="abandoned", ended_at=after(9)))
        db.session.commit()
    ended = as_ada.get(again[1], headers=PARTIAL)
    assert ended.headers["HX-Trigger"] == "voipcrm:call-changed"
    assert "every 3s" not in ended.text
    assert "hung up before anyone answered" in ended.text


def test_of_a_call_on_hold_its_page_says_since_when_and_by_whom(keep, as_ada, cast):
    call = inbound(rung=[cast.ada.id], held_at=after(30), held_by_id=cast.ada.id)
    (public_id,) = keep(call)
    assert re.search(r"On hold since \S.*, by Ada Ortiz", text(as_ada.get(f"/calls/{public_id}")))


def test_a_list_with_a_live_call_looks_again_by_itself(keep, as_ada, cast):
    keep(outbound(cast.ada.id))
    assert "every 4s" not in as_ada.get("/calls").text
    keep(inbound(rung=[cast.ada.id]))
    assert "every 4s" in as_ada.get("/calls").text


def test_what_one_may_not_see_is_not_there(keep, as_ada, as_mallory, client, app, cast):
    (public_id,) = keep(outbound(cast.bo.id, person=Person(name="Priya Raman")))
    with app.app_context():
        priya_id = db.session.scalar(sa.select(Person.id))
    assert as_ada.get(f"/calls/{public_id}").status_code == 404
    assert as_ada.get("/calls/00000000000000000000").status_code == 404
    assert as_ada.get("/calls/with/999999", headers=PARTIAL).status_code == 404
    assert listed(as_ada.get(f"/calls/with/{priya_id}", headers=PARTIAL)) == []
    for address in (
        "/calls",
        f"/calls/{public_id}",
        "/calls/missed",
        "/calls/latest",
        "/calls/summary",
        "/calls/with/1",
    ):
        assert as_mallory.get(address).status_code == 404
        assert client.get(address).status_code == 302
        assert client.get(address, headers=PARTIAL).status_code == 401


def test_the_calls_with_a_contact_are_a_part_of_their_page(keep, as_ada, app, cast):
    priya = Person(name="Priya Raman")
    with_her, _ = keep(outbound(cast.ada.id, person=priya), outbound(cast.ada.id))
    with app.app_context():
        priya_id = db.session.scalar(sa.select(Person.id))
    part = as_ada.get(f"/calls/with/{priya_id}", headers=PARTIAL)
    assert "<main" not in part.text
    assert listed(part) == [with_her]
    assert f'href="/calls?contact={priya_id}"' in part.text
    assert as_ada.get(f"/calls/with/{priya_id}").location == f"/calls?contact={priya_id}"


def test_today_begins_at_midnight_where_the_viewer_is(keep, app, cast):
    with app.app_context():
        db.session.execute(sa.text("UPDATE users SET time_zone = 'Asia/Tokyo'"))
        db.session.commit()
    midnight = after(3 * 3600)  # of the 24th in Tokyo
    keep(
        inbound(rung=[cast.ada.id], by=cast.ada.id, at=midnight - timedelta(minutes=1)),
        inbound(rung=[cast.ada.id], outcome="missed", at=midnight),
        outbound(cast.ada.id, at=midnight + timedelta(minutes=1)),
    )
    with time_machine.travel(midnight + timedelta(hours=1), tick=False):
        as_ada = app.test_client().sign_in(cast.ada)
        part = as_ada.get("/calls/summary", headers=PARTIAL)
        assert "Answered 0 Missed 1 Placed 1 Talk time 1:00" in text(part)
        addresses = [one.replace("&amp;", "&") for one in re.findall(r'href="([^"]+)"', part.text)]
        assert [len(listed(as_ada.get(one))) for one in addresses] == [0, 1, 1, 1], "each number leads to its calls"


def test_home_asks_for_parts_that_exist(keep, as_ada, as_mallory, cast):
    keep(outbound(cast.ada.id))
    home = as_ada.get("/")
    asked = [one for one in re.findall(r'hx-get="([^"]+)"', home.text) if one.startswith("/calls")]
    assert asked == ["/calls/missed/count", "/calls/summary", "/calls/missed?in=home", "/calls/latest"]
    for address in asked:
        part = as_ada.get(address, headers=PARTIAL)
        assert part.status_code == 200
        assert "<main" not in part.text
    assert "/calls" not in as_mallory.get("/").text


def test_without_a_script_the_parts_lead_to_whole_pages(as_ada, app):
    with app.test_request_context():
        expected = {"/calls/latest": url_for("calls.index"), "/calls/summary": url_for("home.index")}
    for address, whole in expected.items():
        assert as_ada.get(address).location == whole
    assert "<noscript>" in as_ada.get("/calls").text


def test_who_may_not_call_sees_no_button_for_it(keep, as_ada, app, cast):
    (public_id,) = keep(outbound(cast.ada.id))
    assert "button--dial" in as_ada.get("/calls").text
    with app.app_context():
        db.session.execute(sa.text("UPDATE roles SET permissions = '[\"voip.calls.view\"]' WHERE name = 'agent'"))
        db.session.commit()
    for address in ("/calls", f"/calls/{public_id}"):
        page = as_ada.get(address)
        assert page.status_code == 200
        assert "button--dial" not in page.text
        assert "button--call" not in page.text
