"""Signing in: who gets in, how often one may guess, and what ends a session."""

import re

import pytest
from cast import PASSWORD

from voipcrm.accounts.models import User
from voipcrm.accounts.signing_in import safe_next
from voipcrm.core import clock
from voipcrm.core.db import db


def form_token(client) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)[1]


def sign_in(client, email: str, password: str, address: str = "/sign-in"):
    return client.post(address, data={"email": email, "password": password, "csrf_token": form_token(client)})


def test_the_right_password_opens_the_house(client, cast):
    answer = sign_in(client, " ADA@example.com ", PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get("/").status_code == 200


def test_it_leads_back_to_where_one_was(client, cast):
    asked = client.get("/calls?direction=inbound")
    assert asked.status_code == 302
    answer = sign_in(client, "ada@example.com", PASSWORD, asked.headers["Location"])
    assert answer.headers["Location"] == "/calls?direction=inbound"


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(client, cast, email):
    answer = sign_in(client, email, "wrong")
    assert answer.status_code == 422
    assert "do not match" in answer.text


def test_the_sixth_wrong_guess_in_a_minute_has_to_wait(client, cast):
    assert [sign_in(client, "ada@example.com", "wrong").status_code for _ in range(6)] == [422] * 5 + [429]


def test_a_session_planted_before_signing_in_is_worth_nothing_after(client, cast):
    client.get("/sign-in")
    before = client.get_cookie("voipcrm")
    sign_in(client, "ada@example.com", PASSWORD)
    assert before is None or client.get_cookie("voipcrm").value != before.value


def test_a_deactivated_person_is_out_at_once(app, as_ada, cast):
    assert as_ada.get("/").status_code == 200
    with app.app_context():
        db.session.get(User, cast.ada.id).deactivated_at = clock.now()
        db.session.commit()
    assert as_ada.get("/").status_code == 302


def test_a_new_password_ends_every_session(app, as_ada, cast):
    with app.app_context():
        db.session.get(User, cast.ada.id).set_password("another password")
        db.session.commit()
    assert as_ada.get("/").status_code == 302


def test_signing_out_ends_the_session(as_ada):
    assert as_ada.post("/sign-out").status_code == 303
    assert as_ada.get("/").status_code == 302


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example", "\\\\evil", "evil", "", None],
)
def test_no_way_out_to_another_host(target):
    assert safe_next(target) is None


def test_a_request_of_htmx_gets_401_and_no_redirect(client):
    assert client.get("/calls", headers={"HX-Request": "true"}).status_code == 401


def test_a_commandline_user_can_sign_in(app, cast):
    runner = app.test_cli_runner()
    made = runner.invoke(
        args=["users", "create", "new@example.com", "--name", "New", "--role", "agent"], input="long enough\n"
    )
    assert made.exit_code == 0, made.output
    assert sign_in(app.test_client(), "new@example.com", "long enough").status_code == 303


@pytest.mark.parametrize(
    ("args", "password", "word"),
    [
        (["nonsense", "--name", "N", "--role", "agent"], "long enough", "e-mail"),
        (["n@example.com", "--name", "N", "--role", "king"], "long enough", "no role king"),
        (["n@example.com", "--name", "N", "--role", "agent"], "short", "at least 8"),
        (["ada@example.com", "--name", "N", "--role", "agent"], "long enough", "exists already"),
    ],
)
def test_a_commandline_mistake_is_named(app, cast, args, password, word):
    made = app.test_cli_runner().invoke(args=["users", "create", *args], input=password + "\n")
    assert made.exit_code != 0
    assert word in made.output
