"""Nobody in who does not belong: every address has a gate, every change needs a token, every webhook a signature."""

from __future__ import annotations

import pytest
import services
from flask import Flask

from voipcrm import create_app
from voipcrm.config import Settings
from voipcrm.core.db import db
from voipcrm.telephony import signature

SAMPLES = {"int": 1, "default": "x", "path": "x", "string": "x", "uuid": "0" * 32}
HARMLESS = {"GET", "HEAD", "OPTIONS"}


def rules_of(app: Flask) -> list:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def address(app: Flask, rule) -> str:
    """A path that this rule matches."""
    values = {
        name: 1 if "int" in type(converter).__name__.lower() else "x" for name, converter in rule._converters.items()
    }
    with app.test_request_context():
        return rule.build(values)[1]


def changing(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, path) of everything that may change something and is not signed by the provider."""
    return [
        (rule.endpoint, method, address(app, rule))
        for rule in rules_of(app)
        for method in sorted(rule.methods - HARMLESS)
        if app.view_functions[rule.endpoint].gate != "provider signature"
    ]


def webhooks(app: Flask) -> list[str]:
    return [
        address(app, rule) for rule in rules_of(app) if rule.endpoint.startswith("webhooks.") and "POST" in rule.methods
    ]


def rows(app: Flask) -> dict[str, int]:
    """How many rows each table has."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: connection.scalar(db.select(db.func.count()).select_from(table))
            for table in db.metadata.sorted_tables
        }


def test_every_endpoint_has_a_gate(app):
    assert [
        rule.endpoint for rule in rules_of(app) if not getattr(app.view_functions[rule.endpoint], "gate", None)
    ] == []


def test_only_what_a_stranger_needs_is_open_to_strangers(app):
    gates = {rule.endpoint: app.view_functions[rule.endpoint].gate for rule in rules_of(app)}
    open_ones = {endpoint for endpoint, gate in gates.items() if gate.startswith("anyone")}
    assert open_ones == {
        "accounts.sign_in",
        "accounts.begin",
        "accounts.second_step",
        "accounts.finish",
        "passwords.forgot",
        "passwords.ask",
        "passwords.choose",
        "passwords.save",
        "health.healthz",
        "branding.sheet",
        "branding.logo",
        "mailboxes.greeting",
    }


def test_the_provider_is_the_gate_of_webhooks_and_of_nothing_else(app):
    signed = {
        endpoint for endpoint, view in app.view_functions.items() if getattr(view, "gate", "") == "provider signature"
    }
    assert signed == {rule.endpoint for rule in rules_of(app) if rule.endpoint.startswith("webhooks.")}


def test_a_stranger_gets_no_page_and_no_data(app, client):
    let_in = []
    for rule in rules_of(app):
        if "GET" in rule.methods and not app.view_functions[rule.endpoint].gate.startswith("anyone"):
            answer = client.get(address(app, rule))
            sent_away = answer.status_code in {401, 403} or (
                answer.status_code == 302 and "/sign-in" in answer.location
            )
            if not sent_away:
                let_in.append((rule.rule, answer.status_code))
    assert let_in == []


def test_somebody_without_a_role_is_refused_at_every_permission(app, as_mallory):
    let_in = []
    for rule in rules_of(app):
        gate = app.view_functions[rule.endpoint].gate
        if gate == "signed-in" or gate.startswith(("anyone", "provider")):
            continue
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            answer = as_mallory.open(address(app, rule), method=method)
            if answer.status_code not in {403, 404}:
                let_in.append((method, rule.rule, answer.status_code))
    assert let_in == []


def test_every_change_is_refused_without_a_token_and_writes_nothing(app, as_root):
    as_root.token = None
    before = rows(app)
    answers = {(method, path): as_root.open(path, method=method).status_code for _, method, path in changing(app)}
    assert answers, "there are forms"
    assert {key: status for key, status in answers.items() if status != 400} == {}
    assert rows(app) == before


@pytest.mark.parametrize("given", ["missing", "empty", "wrong", "non-ascii", "of another token", "of another path"])
def test_every_webhook_refuses_what_the_provider_did_not_sign(app, cast, given):
    form = {"CallSid": "CA" + "5" * 32, "AccountSid": services.ACCOUNT, "CallStatus": "ringing", "From": "+13125550100"}
    form |= {"To": "+12025550140", "RecordingSid": "RE" + "5" * 32, "RecordingStatus": "completed"}
    before, paths = rows(app), webhooks(app)
    assert len(paths) >= 5
    for path in paths:
        url = services.PUBLIC_BASE_URL + path
        header = {
            "missing": None,
            "empty": "",
            "wrong": "A" * 27 + "=",
            "non-ascii": "é" * 28,
            "of another token": signature.compute(url, list(form.items()), "a token of yesterday"),
            "of another path": signature.compute(url + "/x", list(form.items()), services.TOKEN),
        }[given]
        headers = {} if header is None else {"X-Twilio-Signature": header.encode("utf-8").decode("latin-1")}
        assert app.test_client().post(path, data=form, headers=headers).status_code == 403, path
    assert rows(app) == before


def test_while_tokens_rotate_both_are_good_and_the_old_one_dies_with_the_rotation(app, cast, environment, monkeypatch):
    for name, value in (environment | {"TWILIO_TOKEN": "the new token, the old token"}).items():
        monkeypatch.setenv(name, value)
    rotating = create_app(Settings.from_environ())
    path, form = "/voip/webhook/twilio/status", [("CallSid", "CA" + "6" * 32), ("CallStatus", "ringing")]

    def status_with(token: str, app: Flask) -> int:
        header = signature.compute(services.PUBLIC_BASE_URL + path, form, token)
        return app.test_client().post(path, data=dict(form), headers={"X-Twilio-Signature": header}).status_code

    assert [status_with(token, rotating) for token in ("the new token", "the old token")] == [204, 204]
    monkeypatch.setenv("TWILIO_TOKEN", "the new token")
    assert [
        status_with(token, create_app(Settings.from_environ())) for token in ("the new token", "the old token")
    ] == [204, 403]


def test_a_signed_request_of_another_account_is_refused(app, signed_post):
    before = rows(app)
    form = {"CallSid": "CA" + "7" * 32, "CallStatus": "ringing", "AccountSid": "AC" + "9" * 32}
    assert signed_post("/voip/webhook/twilio/status", form).status_code == 403
    assert rows(app) == before
