"""The data of the demo goes live with the house; its published password does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from voipcrm.accounts.audit import AuditEntry
from voipcrm.accounts.models import Role, User, UserSession
from voipcrm.cli.demo import seeding
from voipcrm.cli.demo.cast import PASSWORD
from voipcrm.core.db import db

DEMO = ["ada@example.com", "bo@example.com", "root@example.com"]


@pytest.fixture
def demo(app):
    """A house as the first bin/run leaves it, where Ada is signed in and Bo chose a password of his own."""
    with app.app_context():
        Role.ensure_built_in()
        assert seeding.seed_once()
        UserSession.begin(User.of_email(DEMO[0]))
        User.of_email(DEMO[1]).set_password("a long sentence of Bo")
        db.session.commit()
    return app


def released(app) -> str:
    done = app.test_cli_runner().invoke(args=["release"])
    assert done.exit_code == 0, done.output
    return done.output


def test_in_the_sandbox_they_sign_in_as_printed(demo):
    assert released(demo) == ""
    with demo.app_context():
        assert [one["email"] for one in seeding.logins()] == [DEMO[0], DEMO[2]]


def test_with_a_real_provider_the_demos_password_opens_nothing(demo, monkeypatch):
    monkeypatch.setitem(demo.extensions, "settings", replace(demo.extensions["settings"], provider="twilio"))
    assert released(demo).startswith("ada@example.com, root@example.com: everybody knows the demo's password")
    with demo.app_context():
        assert not any(User.signing_in(email, PASSWORD) for email in DEMO)
        assert User.signing_in(DEMO[1], "a long sentence of Bo") is not None
        assert db.session.scalars(sa.select(UserSession)).all() == []
        noted = db.session.scalars(sa.select(AuditEntry.subject_name).where(AuditEntry.verb == "changed"))
        assert sorted(noted) == ["Ada Ortiz", "Root Admin"]
    assert released(demo) == "", "said once"


def test_a_link_from_the_command_line_lets_one_of_them_in_again(demo, monkeypatch):
    monkeypatch.setitem(demo.extensions, "settings", replace(demo.extensions["settings"], provider="twilio"))
    released(demo)
    made = demo.test_cli_runner().invoke(args=["users", "link", DEMO[2]]).output
    page = demo.test_client().get("/password/" + made.strip().rpartition("/password/")[2])
    assert "Welcome, Root" in page.text
