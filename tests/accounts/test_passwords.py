"""Lost passwords: the page tells nobody who works here; the link comes by real mail, and works once."""

from __future__ import annotations

import re
import smtplib
import time
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from services import free_port
from sqlalchemy import event

from voipcrm import create_app
from voipcrm.accounts import jobs
from voipcrm.accounts.links import PasswordLink, PasswordRequest
from voipcrm.accounts.models import User
from voipcrm.config import Settings
from voipcrm.core import clock
from voipcrm.core.db import db

USER, SECRET = "post@example.com", "p@ss/word"


class Postbox:
    """A mail server: takes mail of who signs in, or refuses it all."""

    def __init__(self) -> None:
        self.mails: list = []
        self.is_full = False
        self.controller = Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            auth_required=True,
            auth_require_tls=False,
            authenticator=lambda _s, _session, _e, _m, given: AuthResult(
                handled=False, success=(given.login, given.password) == (USER.encode(), SECRET.encode())
            ),
        )
        self.controller.start()

    async def handle_DATA(self, _server, _session, envelope):
        if self.is_full:
            return "452 no room"
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"

    def url(self, password: str = "p%40ss%2Fword") -> str:
        return f"smtp://post%40example.com:{password}@127.0.0.1:{self.controller.port}"


@pytest.fixture
def postbox():
    box = Postbox()
    yield box
    box.controller.stop()


def mailing_app(environment, monkeypatch, smtp_url: str):
    for name, value in (environment | {"SMTP_URL": smtp_url, "MAIL_FROM": "calls@example.com"}).items():
        monkeypatch.setenv(name, value)
    return create_app(Settings.from_environ())


@pytest.fixture
def mailing(app, cast, environment, postbox, monkeypatch):
    """The app with a mail server."""
    other = mailing_app(environment, monkeypatch, postbox.url())
    yield other
    with other.app_context():
        db.session.remove()
        db.engine.dispose()


def token_on(client, path: str) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)[1]


def ask(client, email: str):
    return client.post("/forgot-password", data={"email": email, "csrf_token": token_on(client, "/forgot-password")})


def swept(app) -> None:
    """What the worker does each minute."""
    with app.app_context():
        jobs.sweep()


def open_links(app) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.count()).select_from(PasswordLink))


def choose(client, link: str, password: str = "a brand new sentence"):
    data = {"password": password, "again": password, "csrf_token": token_on(client, "/sign-in")}
    return client.post(link, data=data)


def link_in(mail) -> str:
    return re.search(r"http://phone\.example\.com(/password/\S+)", mail.get_content())[1]


def test_the_link_comes_by_mail_works_once_and_ends_every_session(mailing, postbox, cast):
    client = mailing.test_client()
    assert ask(client, " Ada@Example.com ").status_code == 303
    swept(mailing)
    [(to, mail)] = postbox.mails
    assert to == ["ada@example.com"]
    assert (mail["From"], mail["Auto-Submitted"]) == ("calls@example.com", "auto-generated")
    assert "Ada Ortiz" in mail.get_content()
    link = link_in(mail)
    assert choose(client, link).status_code == 303
    assert choose(client, link).status_code == 404
    with mailing.app_context():
        assert User.signing_in("ada@example.com", "a brand new sentence") is not None
    swept(mailing)
    assert len(postbox.mails) == 1, "one mail a link"


def test_the_page_answers_strangers_and_colleagues_alike(mailing, postbox, cast):
    answers = []
    for email in ("ada@example.com", "nobody@example.com"):
        client = mailing.test_client()
        answer = ask(client, email)
        answers.append((answer.status_code, answer.location, client.get("/sign-in").text.split("csrf_token")[0]))
    assert answers[0] == answers[1]
    swept(mailing)
    assert [to for to, _ in postbox.mails] == [["ada@example.com"]]
    with mailing.app_context():
        assert db.session.scalars(sa.select(PasswordRequest.id)).all() == []


def test_the_page_does_the_same_work_in_the_same_time_for_both(mailing, cast, monkeypatch):
    """Statement for statement; and the quickest of a few tries, since a busy machine only ever adds."""
    monkeypatch.setattr("voipcrm.accounts.passwords.limiter.enabled", False)
    said: list[str] = []
    with mailing.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cur, statement, *_: said.append(statement))
    client, took, done = mailing.test_client(), {}, {}
    token = token_on(client, "/forgot-password")
    for turn in range(12):
        for email in ("ada@example.com", "nobody@example.com"):
            said.clear()
            began = time.perf_counter()
            client.post("/forgot-password", data={"email": email, "csrf_token": token})
            took.setdefault(email, []).append(time.perf_counter() - began)
            done.setdefault(email, list(said))
            assert turn == 0 or said == done[email]
    known, unknown = done.values()
    assert known == unknown
    assert known, "it writes down that somebody asked"
    fast, slow = sorted(min(times) for times in took.values())
    assert slow < 1.5 * fast + 0.005


@pytest.mark.parametrize("who", ["deactivated", "nobody"])
def test_no_mail_goes_to_who_is_not_here(mailing, postbox, cast, who):
    with mailing.app_context():
        db.session.get(User, cast.ada.id).deactivated_at = clock.now()
        db.session.commit()
    ask(mailing.test_client(), "ada@example.com" if who == "deactivated" else "nobody@example.com")
    swept(mailing)
    assert postbox.mails == []
    assert open_links(mailing) == 0


def test_asking_again_and_again_has_to_wait(mailing, cast):
    client = mailing.test_client()
    assert [ask(client, "ada@example.com").status_code for _ in range(6)] == [303] * 5 + [429]


def test_a_link_that_was_asked_for_lives_an_hour_and_replaces_the_one_before(mailing, postbox, cast):
    client = mailing.test_client()
    for _ in range(2):
        ask(client, "ada@example.com")
        swept(mailing)
    first, second = (link_in(mail) for _, mail in postbox.mails)
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200
    with time_machine.travel(clock.now() + timedelta(minutes=61)):
        assert client.get(second).status_code == 404
        swept(mailing)
    assert open_links(mailing) == 0


@pytest.mark.parametrize("token", ["x", "W10.x", "é", "WzEsIjAiXQ.AAAA", "a" * 3000])
def test_a_made_up_link_opens_nothing(client, token):
    assert client.get(f"/password/{token}").status_code == 404
    assert choose(client, f"/password/{token}").status_code == 404


def test_a_stranger_who_asks_ends_no_invitation(mailing, postbox, cast):
    with mailing.app_context():
        root, ada = db.session.get(User, cast.root.id), db.session.get(User, cast.ada.id)
        link = PasswordLink.make(ada, by=root).token
        db.session.commit()
    ask(mailing.test_client(), "ada@example.com")
    swept(mailing)
    assert mailing.test_client().get(f"/password/{link}").status_code == 200


def test_a_mail_server_that_is_full_is_told_to_the_admin_and_tried_again(mailing, postbox, cast):
    postbox.is_full = True
    admin = mailing.test_client()
    with admin.session_transaction() as session:
        session["_user_id"], session["_fresh"] = cast.root.session_id, True
    token = token_on(admin, "/me")
    admin.post(f"/settings/users/{cast.ada.id}/link", data={"csrf_token": token})
    swept(mailing)
    page = admin.get(f"/settings/users/{cast.ada.id}").text
    assert "The e-mail failed: The mail server answered 452." in page
    postbox.is_full = False
    swept(mailing)
    assert postbox.mails == [], "not at once"
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        swept(mailing)
    assert len(postbox.mails) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("smtp://post%40example.com:wrong@127.0.0.1:{port}", "refused our user name"),
        ("smtp://127.0.0.1:1", "cannot be reached"),
    ],
)
def test_why_mail_did_not_leave_is_said_without_our_password(app, cast, environment, postbox, monkeypatch, url, words):
    broken = mailing_app(environment, monkeypatch, url.format(port=postbox.controller.port))
    ask(broken.test_client(), "ada@example.com")
    swept(broken)
    with broken.app_context():
        [trouble] = db.session.scalars(sa.select(PasswordLink.mail_trouble)).all()
        db.engine.dispose()
    assert words in trouble
    assert "wrong" not in trouble


def test_a_password_is_not_sent_over_an_open_line(monkeypatch):
    """To a server far away that offers no encryption."""
    from types import SimpleNamespace

    from voipcrm.core import mail

    class Plain:
        def __init__(self, *_args, **_kwargs) -> None:
            self.closed = False

        def ehlo(self) -> None: ...

        def has_extn(self, _name: str) -> bool:
            return False

        def close(self) -> None:
            self.closed = True

        def login(self, *_args) -> None:
            raise AssertionError("the password was sent")

    monkeypatch.setattr(smtplib, "SMTP", Plain)
    monkeypatch.setattr(mail, "settings", SimpleNamespace(smtp_url="smtp://u:p@mail.example.com", mail_from="a@b.c"))
    with pytest.raises(mail.MailRefused, match="no encryption"):
        mail.send(to="x@example.com", subject="s", text="t")


def test_without_a_mail_server_the_page_says_whom_to_ask(client, app):
    page = client.get("/forgot-password").text
    assert "Ask the person who runs" in page
    assert "<form" not in page
    answer = client.post(
        "/forgot-password", data={"email": "ada@example.com", "csrf_token": token_on(client, "/sign-in")}
    )
    assert answer.status_code == 422
    with app.app_context():
        assert db.session.scalars(sa.select(PasswordRequest.id)).all() == []


@pytest.mark.parametrize(
    ("name", "value"), [("SMTP_URL", "mail.example.com"), ("SMTP_URL", "smtp://h:x"), ("MAIL_FROM", "")]
)
def test_half_a_mail_server_is_refused_at_the_start(environment, monkeypatch, name, value):
    from voipcrm.config import SettingsInvalid

    good = {"SMTP_URL": "smtp://127.0.0.1", "MAIL_FROM": "calls@example.com"}
    for key, given in (environment | good | {name: value}).items():
        monkeypatch.setenv(key, given)
    with pytest.raises(SettingsInvalid, match=name):
        Settings.from_environ()


def test_an_admin_who_lost_everything_is_let_back_in_from_the_command_line(app, cast):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["users", "two-step-off", "root@example.com"]).exit_code == 0
    made = runner.invoke(args=["users", "link", "ROOT@example.com"])
    assert made.exit_code == 0, made.output
    link = made.output.strip().removeprefix("http://phone.example.com")
    assert choose(app.test_client(), link).status_code == 303
    assert choose(app.test_client(), link).status_code == 404
    unknown = runner.invoke(args=["users", "link", "nobody@example.com"])
    assert unknown.exit_code != 0
    assert "Nobody active" in unknown.output
