"""/me and two-step sign-in: a person's own keys, and what somebody with half of them gets."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from cast import PASSWORD, Browser
from pyotp.totp import TOTP

from voipcrm.accounts.audit import AuditEntry
from voipcrm.accounts.models import User, UserSession
from voipcrm.accounts.two_step import RecoveryCode
from voipcrm.core import clock
from voipcrm.core.db import db

NEW = "a brand new sentence"


def form_token(client, path: str) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)[1]


def begin(client, password: str = PASSWORD, email: str = "ada@example.com", **headers):
    data = {"email": email, "password": password, "csrf_token": form_token(client, "/sign-in")}
    return client.post("/sign-in", data=data, headers=headers)


def finish(client, code: str):
    return client.post("/sign-in/code", data={"code": code, "csrf_token": form_token(client, "/sign-in/code")})


def verbs(app) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(sa.select(AuditEntry.verb).order_by(AuditEntry.id)))


def set_up(client: Browser) -> tuple[TOTP, list[str]]:
    """Two-step sign-in for that person: the app, and the recovery codes."""
    assert client.post("/me/two-step/begin").status_code == 303
    page = client.get("/me/two-step").text
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    assert "style=" not in page
    totp = TOTP(re.search(r'recovery-key num">([A-Z2-7 ]+)<', page)[1].replace(" ", ""))
    answer = client.post("/me/two-step", data={"code": totp.now()})
    assert answer.status_code == 200
    return totp, re.findall(r"<code>([a-z2-7-]+)</code>", answer.text)


@pytest.fixture
def frozen():
    """A clock that stands, and that tests move: codes change each half minute. It stands a little ahead of the true
    one: what was signed before the test began may be neither of the future nor too old."""
    soon = datetime.now(UTC).replace(second=5, microsecond=0) + timedelta(minutes=1)
    with time_machine.travel(soon, tick=False) as traveller:
        yield traveller


def test_name_and_time_zone_are_ones_own(app, as_ada, cast):
    assert as_ada.post("/me", data={"name": "Ada O.", "time_zone": "Asia/Tokyo"}).status_code == 303
    with app.app_context():
        user = db.session.get(User, cast.ada.id)
        assert (user.name, user.time_zone) == ("Ada O.", "Asia/Tokyo")
    assert "Ada O." in as_ada.get("/me").text
    for data in ({"name": " ", "time_zone": "UTC"}, {"name": "Ada", "time_zone": "Mars/Crater"}):
        assert as_ada.post("/me", data=data).status_code == 422
    assert verbs(app) == ["changed"]


def test_a_new_password_needs_the_old_and_ends_the_other_sessions(app, as_ada, client):
    begin(client)
    data = {"present": PASSWORD, "password": NEW, "again": NEW}
    for changed, words in (
        ({"present": "wrong one"}, "not your present password"),
        ({"password": "short", "again": "short"}, "at least 8"),
        ({"again": "something else"}, "not the same"),
    ):
        answer = as_ada.post("/me/password", data=data | changed)
        assert answer.status_code == 422
        assert words in answer.text
    assert client.get("/").status_code == 200
    assert as_ada.post("/me/password", data=data).status_code == 303
    assert as_ada.get("/").status_code == 200, "who changed it stays"
    assert client.get("/").status_code == 302, "everybody else is out"
    assert begin(app.test_client(), NEW).status_code == 303
    assert begin(app.test_client(), PASSWORD).status_code == 422


def test_guessing_the_present_password_is_slowed_down(as_ada):
    data = {"present": "wrong one", "password": NEW, "again": NEW}
    assert [as_ada.post("/me/password", data=data).status_code for _ in range(6)] == [422] * 5 + [429]


def test_sessions_are_listed_and_ended_one_or_all(app, as_ada, as_bo, cast):
    phone, tablet = app.test_client(), app.test_client()
    begin(phone, **{"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605"})
    begin(tablet, **{"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/150.0 Safari/537.36 Edg/150.0"})
    page = as_ada.get("/me").text
    assert "Safari on iPhone" in page
    assert "Edge on Windows" in page
    ids = [int(one) for one in re.findall(r"/me/sessions/(\d+)/end", page)]
    assert len(ids) == 2, "not the one that looks"
    assert as_bo.post(f"/me/sessions/{ids[0]}/end").status_code == 404, "somebody else's"
    assert as_ada.post(f"/me/sessions/{ids[0]}/end").status_code == 303
    assert sorted(one.get("/").status_code for one in (phone, tablet)) == [200, 302]
    assert as_ada.post("/me/sessions/end").status_code == 303
    assert {one.get("/").status_code for one in (phone, tablet)} == {302}
    assert as_ada.get("/").status_code == 200


def test_a_session_is_over_after_its_hours_whatever_the_cookie_says(app, as_ada, cast):
    with app.app_context():
        db.session.execute(sa.update(UserSession).values(created_at=clock.now() - timedelta(hours=12, seconds=1)))
        db.session.commit()
    assert as_ada.get("/").status_code == 302


def test_being_seen_is_written_by_changes_once_in_five_minutes_and_never_by_reading(app, as_ada, cast):
    def seen():
        with app.app_context():
            return db.session.get(User, cast.ada.id).seen_at

    with app.app_context():
        db.session.execute(sa.update(UserSession).values(seen_at=clock.now() - timedelta(minutes=4)))
        db.session.commit()
    as_ada.post("/api/voip/presence", json={"state": "available"})
    assert seen() is None, "seen lately enough"
    with app.app_context():
        db.session.execute(sa.update(UserSession).values(seen_at=clock.now() - timedelta(minutes=6)))
        db.session.commit()
    as_ada.get("/calls")
    assert seen() is None
    assert as_ada.post("/api/voip/presence", json={"state": "available"}).status_code == 204
    assert clock.now() - seen() < timedelta(minutes=1)


def test_with_two_steps_the_password_alone_opens_nothing(app, as_ada, client, frozen):
    totp, codes = set_up(as_ada)
    assert len(set(codes)) == 10
    answer = begin(client)
    assert answer.location.startswith("/sign-in/code")
    assert client.get("/").status_code == 302
    assert client.get("/api/voip/calls/history").status_code == 401
    frozen.shift(30)
    wrong = finish(client, "000000" if totp.now() != "000000" else "111111")
    assert wrong.status_code == 422
    assert finish(client, totp.now()).status_code == 303
    assert client.get("/").status_code == 200


def test_a_code_works_once(app, as_ada, frozen):
    totp, _ = set_up(as_ada)
    first, second = app.test_client(), app.test_client()
    begin(first)
    assert finish(first, totp.now()).status_code == 422, "it was used to turn the thing on"
    frozen.shift(30)
    assert finish(first, totp.now()).status_code == 303
    begin(second)
    assert finish(second, totp.now()).status_code == 422


@pytest.mark.parametrize(("seconds", "status"), [(-30, 303), (30, 303), (-90, 422), (90, 422)])
def test_clocks_may_differ_by_half_a_minute(app, as_ada, client, frozen, seconds, status):
    totp, _ = set_up(as_ada)
    frozen.shift(600)
    begin(client)
    assert finish(client, totp.at(clock.now() + timedelta(seconds=seconds))).status_code == status


def test_a_recovery_code_opens_once_and_is_kept_only_as_a_hash(app, as_ada, cast, frozen):
    _, codes = set_up(as_ada)
    with app.app_context():
        kept = db.session.scalars(sa.select(RecoveryCode.code_hash)).all()
        secret = db.session.get(User, cast.ada.id).totp_secret
    assert not set(kept) & {code.replace("-", "") for code in codes}
    assert secret.startswith("gAAAA"), "sealed"
    for status in (303, 422):
        client = app.test_client()
        begin(client)
        assert finish(client, codes[0].upper()).status_code == status
    assert "9 unused recovery codes" in as_ada.get("/me/two-step").text


def test_guessing_codes_is_slowed_down(app, as_ada, client, frozen):
    totp, _ = set_up(as_ada)
    frozen.shift(60)
    wrong = "000000" if totp.now() != "000000" else "111111"
    begin(client)
    assert [finish(client, wrong).status_code for _ in range(6)] == [422] * 5 + [429]


def test_the_second_step_waits_five_minutes_and_not_longer(app, as_ada, client, frozen):
    totp, _ = set_up(as_ada)
    begin(client)
    token = form_token(client, "/sign-in/code")
    frozen.shift(301)
    answer = client.post("/sign-in/code", data={"code": totp.now(), "csrf_token": token})
    assert answer.location.startswith("/sign-in")
    assert client.get("/").status_code == 302


def test_nobody_gets_to_the_second_step_without_the_first(app, as_ada, client, frozen):
    totp, _ = set_up(as_ada)
    frozen.shift(60)
    token = form_token(client, "/sign-in")
    answer = client.post("/sign-in/code", data={"code": totp.now(), "csrf_token": token})
    assert answer.status_code == 303
    assert client.get("/").status_code == 302


def test_it_is_turned_off_with_the_password_and_by_an_admin_without(app, as_ada, as_root, client, cast, frozen):
    set_up(as_ada)
    assert as_ada.post("/me/two-step/change", data={"deed": "off", "present": "wrong one"}).status_code == 422
    renewed = as_ada.post("/me/two-step/change", data={"deed": "codes", "present": PASSWORD})
    assert len(re.findall(r"<code>([a-z2-7-]+)</code>", renewed.text)) == 10
    assert as_root.post(f"/settings/users/{cast.ada.id}/two-step/off").status_code == 303
    assert begin(client).location == "/"
    frozen.shift(60)
    set_up(as_ada)
    assert as_ada.post("/me/two-step/change", data={"deed": "off", "present": PASSWORD}).status_code == 303
    assert begin(app.test_client()).location == "/"
    ours = [verb for verb in verbs(app) if verb != "signed-in"]
    assert ours == ["two-step-on", "recovery-codes", "two-step-off", "two-step-on", "two-step-off"]


def test_reading_the_page_makes_no_secret(app, as_ada, cast):
    assert "Set up two-step sign-in" in as_ada.get("/me/two-step").text
    with app.app_context():
        assert db.session.get(User, cast.ada.id).totp_secret is None
