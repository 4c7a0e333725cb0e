"""Pages of trunks, and what their tests keep."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from telephony.sip_server import PASSWORD as SERVER_PASSWORD
from telephony.sip_server import USER, Kamailio

from trunks.made import PASSWORD, trunk
from voipcrm.accounts.audit import AuditEntry
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.trunks import checking, jobs
from voipcrm.trunks.models import Line, Trunk, server_of

LIST = "/admin/voip/trunks"
FORM = {
    "name": "Berlin SIP",
    "host": "sip.example.com",
    "port": "5061",
    "transport": "tls",
    "authentication": "password",
    "username": "us",
    "password": PASSWORD,
    "caller_line_id": "0",
    "prefixes": "+49\r\n+43 1",
    "max_calls": "4",
    "active": "y",
}


@pytest.fixture
def made(app, cast):
    """made(name, …): a trunk's id."""

    def make(name: str, **more) -> int:
        with app.app_context():
            one = trunk(name, **more)
            db.session.commit()
            return one.id

    return make


def only(app) -> Trunk:
    with app.app_context():
        one = db.session.query(Trunk).one()
        db.session.expunge(one)
        return one


def unsealed(app) -> str:
    with app.app_context():
        return server_of(db.session.query(Trunk).one()).password


def order(page) -> list[str]:
    return re.findall(r"<h2><a [^>]*trunks/[^>]*>([^<]*)</a></h2>", page.text)


def test_without_trunks_the_page_says_that_none_is_needed(as_root):
    assert "You don’t need one" in as_root.get(LIST).text


def test_a_trunk_is_made_with_everything_that_was_written(app, as_root, cast):
    answer = as_root.post(f"{LIST}/create", data=FORM | {"caller_line_id": str(cast.support_id)})
    assert (answer.status_code, answer.location) == (303, f"{LIST}/")
    made = only(app)
    assert (made.name, made.host, made.port, made.transport) == ("Berlin SIP", "sip.example.com", 5061, "tls")
    assert (made.username, made.prefixes, made.max_calls, made.active) == ("us", ["+49", "+431"], 4, True)
    assert (made.caller_line_id, made.checked_at) == (cast.support_id, None)
    assert unsealed(app) == PASSWORD
    page = as_root.get(LIST).text
    for words in ("sip.example.com:5061 over TLS", "as us with a password", "+49, +431", "Support", "Never tested"):
        assert words in page
    assert re.search(r"0 of 4</span> calls", page)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": " "}, "Enter a name."),
        ({"name": "x" * 81}, "at most 80"),
        ({"host": ""}, "Enter a host name"),
        ({"host": "sip:x@y"}, "Enter a host name or an IPv4 address"),
        ({"host": "router"}, "the whole host name"),
        ({"host": "169.254.169.254"}, "inside a private network"),
        ({"host": "10.0.0.1"}, "inside a private network"),
        ({"host": "2130706433"}, "four numbers"),
        ({"port": ""}, "Enter a port"),
        ({"port": "0"}, "Enter a port"),
        ({"port": "70000"}, "Enter a port"),
        ({"transport": "sctp"}, "Not a valid choice"),
        ({"authentication": "trust"}, "Not a valid choice"),
        ({"username": ""}, "Enter the user name"),
        ({"password": ""}, "Enter the password, or"),
        ({"password": "a\x07b"}, "can’t be typed"),
        ({"password": "x" * 129}, "at most 128"),
        ({"caller_line_id": "99999"}, "Not a valid choice"),
        ({"prefixes": "+49\r\n0049"}, "0049 is no beginning of a number"),
        ({"prefixes": "+49x"}, "is no beginning of a number"),
        ({"prefixes": "\r\n".join(f"+1{n}" for n in range(201))}, "at most 200 lines"),
        ({"max_calls": "0"}, "Enter 1 to 500"),
        ({"max_calls": "501"}, "Enter 1 to 500"),
    ],
)
def test_what_can_not_be_is_refused_with_what_to_do(app, as_root, changed, words):
    answer = as_root.post(f"{LIST}/create", data=FORM | changed)
    assert answer.status_code == 422
    assert words in answer.text
    assert PASSWORD not in answer.text
    with app.app_context():
        assert db.session.query(Trunk).count() == 0


def test_this_machine_is_a_host_only_in_the_sandbox(app, as_root, monkeypatch):
    real = app.extensions["settings"]
    for host in ("localhost", "127.0.0.1"):
        monkeypatch.setitem(app.extensions, "settings", replace(real, provider="twilio"))
        assert as_root.post(f"{LIST}/create", data=FORM | {"host": host}).status_code == 422
        monkeypatch.setitem(app.extensions, "settings", real)
        assert as_root.post(f"{LIST}/create", data=FORM | {"host": host}).status_code == 303


def test_the_password_is_written_and_never_shown(app, as_root, made):
    trunk_id = made("Berlin")
    pages = [as_root.get(LIST), as_root.get(f"{LIST}/{trunk_id}/edit"), as_root.get(f"{LIST}/{trunk_id}/delete")]
    pages.append(as_root.post(f"{LIST}/{trunk_id}/edit", data=FORM | {"name": "", "password": "another-canary"}))
    assert [page.status_code for page in pages] == [200, 200, 200, 422]
    sealed = only(app).password_sealed
    for page in pages:
        assert not {PASSWORD, "another-canary", sealed} & set(re.findall(r"[\w=-]+", page.text))
    with app.app_context():
        kept = db.session.execute(db.select(Trunk.__table__)).one()
    assert PASSWORD not in str(tuple(kept))


def test_an_empty_password_keeps_the_one_there_is_and_a_new_one_replaces_it(app, as_root, made):
    trunk_id = made("Berlin")
    edit = f"{LIST}/{trunk_id}/edit"
    assert as_root.post(edit, data=FORM | {"password": "", "name": "Köln"}).status_code == 303
    assert (only(app).name, unsealed(app)) == ("Köln", PASSWORD)
    as_root.post(edit, data=FORM | {"password": "  new one "})
    assert unsealed(app) == "  new one "
    # A trunk that is known by its addresses may keep or lose it.
    by_address = FORM | {"authentication": "address", "password": "", "username": ""}
    assert as_root.post(edit, data=by_address).status_code == 303
    assert only(app).password_sealed
    assert unsealed(app) == ""
    assert as_root.post(edit, data=by_address | {"removes_password": "y"}).status_code == 303
    assert only(app).password_sealed is None
    without = as_root.post(edit, data=FORM | {"password": ""})
    assert (without.status_code, "Enter the password, or" in without.text) == (422, True)


def test_the_password_is_not_sent_to_another_host_unless_it_is_typed_again(app, as_root, made):
    edit = f"{LIST}/{made('Berlin')}/edit"
    answer = as_root.post(edit, data=FORM | {"host": "evil.example.org", "password": ""})
    assert answer.status_code == 422
    assert "Enter the password again" in answer.text
    assert only(app).host == "sip.example.com"
    assert as_root.post(edit, data=FORM | {"host": "new.example.org"}).status_code == 303


def test_the_audit_log_tells_each_change_and_no_password(app, as_root, made):
    as_root.post(f"{LIST}/create", data=FORM)
    one = only(app)
    edit = FORM | {"password": "a-newer-canary", "max_calls": "9"}
    as_root.post(f"{LIST}/{one.id}/edit", data=edit)
    as_root.post(f"{LIST}/{one.id}/activations", data={"active": "no"})
    as_root.post(f"{LIST}/{one.id}/moves", data={"to": "down"})
    as_root.post(f"{LIST}/{one.id}/delete")
    with app.app_context():
        entries = db.session.query(AuditEntry).order_by(AuditEntry.id).all()
        told = [(entry.verb, entry.kind_words, entry.subject_name) for entry in entries]
        kept = "".join(str((entry.before, entry.after)) for entry in entries)
    assert told == [(verb, "Trunk", "Berlin SIP") for verb in ("created", "changed", "changed", "moved", "deleted")]
    assert entries[1].after == {"password": "set", "max_calls": 9}
    assert not re.search(f"canary|{re.escape(one.password_sealed)}", kept)
    log = as_root.get("/settings/audit")
    assert "Berlin SIP" in log.text
    assert PASSWORD not in log.text


def test_the_order_is_changed_step_by_step(as_root, made):
    ids = [made(name) for name in ("One", "Two", "Three")]
    assert order(as_root.get(LIST)) == ["One", "Two", "Three"]
    as_root.post(f"{LIST}/{ids[2]}/moves", data={"to": "up"})
    assert order(as_root.get(LIST)) == ["One", "Three", "Two"]
    as_root.post(f"{LIST}/{ids[0]}/moves", data={"to": "up"})
    as_root.post(f"{LIST}/{ids[0]}/moves", data={"to": "down"})
    assert order(as_root.get(LIST)) == ["Three", "One", "Two"]
    assert as_root.post(f"{LIST}/{ids[0]}/moves", data={"to": "left"}).status_code == 422
    made("Four")
    assert order(as_root.get(LIST)) == ["Three", "One", "Two", "Four"]


def test_a_trunk_is_turned_off_and_on(app, as_root, made):
    trunk_id = made("Berlin")
    as_root.post(f"{LIST}/{trunk_id}/activations", data={"active": "no"})
    assert not only(app).active
    page = as_root.get(LIST).text
    assert "Turned off" in page
    assert "It is off, so it is not tested by itself." in page
    as_root.post(f"{LIST}/{trunk_id}/activations", data={"active": "yes"})
    assert only(app).active
    assert as_root.post(f"{LIST}/{trunk_id}/activations", data={}).status_code == 422


def test_a_trunk_without_calls_is_deleted(app, as_root, made):
    trunk_id = made("Berlin")
    assert "No call went through it" in as_root.get(f"{LIST}/{trunk_id}/delete").text
    assert as_root.post(f"{LIST}/{trunk_id}/delete").status_code == 303
    with app.app_context():
        assert db.session.query(Trunk).count() == 0
    assert as_root.get(f"{LIST}/{trunk_id}/edit").status_code == 404


def test_a_trunk_with_calls_is_retired_and_forgets_its_password(app, as_root, made):
    trunk_id = made("Berlin")
    with app.app_context():
        db.session.add(Call(direction="outbound", trunk_id=trunk_id, state="ended"))
        db.session.commit()
    assert "stays in their history" in as_root.get(f"{LIST}/{trunk_id}/delete").text
    as_root.post(f"{LIST}/{trunk_id}/delete")
    gone = only(app)
    assert gone.retired_at is not None
    assert gone.password_sealed is None
    assert "Berlin" not in order(as_root.get(LIST))
    for path in ("edit", "delete"):
        assert as_root.get(f"{LIST}/{trunk_id}/{path}").status_code == 404
    assert as_root.post(f"{LIST}/{trunk_id}/tests").status_code == 404


def test_a_line_that_a_trunk_shows_is_retired_and_then_not_shown(app, as_root, cast, made):
    made("Berlin", caller_line_id=cast.support_id)
    with app.app_context():
        db.session.query(Line).filter_by(id=cast.support_id).one()
    for route_id in route_ids(app):
        as_root.post(f"/admin/voip/routes/{route_id}/delete")
    assert as_root.post(f"/admin/voip/numbers/{cast.support_id}/remove").status_code == 303
    with app.app_context():
        assert db.session.get(Line, cast.support_id).retired_at is not None
    assert "Retired, not used" in as_root.get(LIST).text


def route_ids(app) -> list[int]:
    from voipcrm.routes.models import InboundRoute

    with app.app_context():
        return list(db.session.scalars(db.select(InboundRoute.id)))


def test_only_those_who_set_up_trunks_see_them(app, as_ada, as_mallory, made):
    trunk_id = made("Berlin")
    for path in ("", "/create", f"/{trunk_id}/edit", f"/{trunk_id}/delete"):
        assert as_ada.get(LIST + path).status_code == 404
    for path in ("/create", *(f"/{trunk_id}/{one}" for one in ("edit", "moves", "activations", "tests", "delete"))):
        assert as_mallory.post(LIST + path, data=FORM).status_code in {403, 404}
    assert "/admin/voip/trunks" not in as_ada.get("/").text
    assert only(app).name == "Berlin"


def test_names_are_text(as_root, made):
    made("<b>x</b>{{7*7}}", host="sip.example.com")
    page = as_root.get(LIST).text
    assert "&lt;b&gt;x&lt;/b&gt;{{7*7}}" in page
    assert "<b>x</b>" not in page


@pytest.fixture(scope="module")
def kamailio(tmp_path_factory):
    server = Kamailio(tmp_path_factory.mktemp("kamailio"))
    yield server
    server.stop()


def at(kamailio, **more) -> dict:
    return {"host": "127.0.0.1", "port": kamailio.port, "username": USER, "password": SERVER_PASSWORD, **more}


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_testing_asks_the_server_and_shows_what_it_said_with_time_and_latency(
    as_root, made, kamailio, transport, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(kamailio.certificate))
    port = kamailio.tls_port if transport == "tls" else kamailio.port
    trunk_id = made("Berlin", **at(kamailio, transport=transport, host="localhost", port=port))
    answer = as_root.post(f"{LIST}/{trunk_id}/tests", headers={"HX-Request-Type": "partial"})
    assert answer.status_code == 200
    assert "It answers and took the password." in answer.text
    assert re.search(r"\d+ ms</span>, <time [^>]*>Today, ", answer.text)
    assert "<html" not in answer.text
    assert as_root.post(f"{LIST}/{trunk_id}/tests").location == f"{LIST}/"
    assert "It answers and took the password." in as_root.get(LIST).text


def test_a_trunk_that_waits_for_its_first_test_asks_for_the_result_by_itself(app, as_root, made, kamailio):
    trunk_id = made("Berlin", **at(kamailio))
    asks = f'hx-get="{LIST}/{trunk_id}/tests"'
    assert asks in as_root.get(LIST).text
    last = as_root.get(f"{LIST}/{trunk_id}/tests", headers={"HX-Request-Type": "partial"})
    assert (last.status_code, last.text) == (204, "")
    with app.app_context():
        jobs.sweep()
    last = as_root.get(f"{LIST}/{trunk_id}/tests", headers={"HX-Request-Type": "partial"})
    assert "It answers and took the password." in last.text
    assert "hx-get" not in last.text
    assert as_root.get(f"{LIST}/{trunk_id}/tests").location == f"{LIST}/"


def test_a_wrong_password_is_told_and_forgotten_once_it_is_changed(app, as_root, made, kamailio):
    trunk_id = made("Berlin", **at(kamailio, password="wrong"))
    answer = as_root.post(f"{LIST}/{trunk_id}/tests", headers={"HX-Request-Type": "partial"})
    assert "Does not work" in answer.text
    assert "It refused the user name or password." in answer.text
    form = FORM | {"host": "127.0.0.1", "port": str(kamailio.port), "transport": "udp", "username": USER}
    as_root.post(f"{LIST}/{trunk_id}/edit", data=form | {"password": SERVER_PASSWORD})
    assert "Never tested" in as_root.get(LIST).text
    as_root.post(f"{LIST}/{trunk_id}/edit", data=form | {"password": "", "name": "Renamed"})
    as_root.post(f"{LIST}/{trunk_id}/tests")
    assert only(app).check_good is True
    as_root.get(LIST, follow_redirects=True)  # reads what was said so far
    again = as_root.post(
        f"{LIST}/{trunk_id}/edit", data=form | {"password": "", "name": "Again"}, follow_redirects=True
    )
    assert only(app).check_good is True  # a name changes nothing at the other end
    assert "Test it now" not in again.text
    moved = as_root.post(f"{LIST}/{trunk_id}/edit", data=form | {"port": "5999"}, follow_redirects=True)
    assert "Saved. Test it now" in moved.text


def test_a_test_of_what_was_changed_meanwhile_is_not_kept(app, made, kamailio, monkeypatch):
    trunk_id = made("Berlin", **at(kamailio))
    really = checking.probe

    def slowly(server, **more):
        with db.engine.begin() as connection:
            connection.execute(db.update(Trunk.__table__).values(port=1))
        return really(server, **more)

    monkeypatch.setattr(checking, "probe", slowly)
    with app.app_context():
        checking.check(trunk_id)
    assert only(app).checked_at is None


def test_a_password_sealed_under_another_key_is_told_as_such(app, as_root, made):
    trunk_id = made("Berlin")
    with app.app_context():
        db.session.get(Trunk, trunk_id).password_sealed = "sealed under another key"
        db.session.commit()
    as_root.post(f"{LIST}/{trunk_id}/tests")
    assert checking.UNREADABLE in as_root.get(LIST).text.replace("&#39;", "'")


def test_in_production_a_trunk_that_leads_inside_is_not_asked(app, as_root, made, kamailio, monkeypatch):
    trunk_id = made("Berlin", **at(kamailio))
    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], provider="twilio"))
    as_root.post(f"{LIST}/{trunk_id}/tests")
    assert (only(app).check_good, only(app).check_ms) == (False, None)
    assert "inside a private network" in only(app).check_words


def test_the_scheduler_tests_active_trunks_every_five_minutes(app, made, kamailio, monkeypatch):
    good, off = made("Good", **at(kamailio)), made("Off", active=False, **at(kamailio))
    gone = made("Gone", retired_at=clock.now(), **at(kamailio))

    def checked() -> dict[int, bool]:
        with app.app_context():
            jobs.sweep()
            return {one.id: one.checked_at for one in db.session.query(Trunk)}

    first = checked()
    assert first[good] is not None
    assert (first[off], first[gone]) == (None, None)
    assert checked() == first
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + checking.EVERY + timedelta(seconds=1))
    assert checked()[good] > first[good]
