"""/settings/users and /settings/teams: who is let in, by whom, and who is shown out."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from cast import Browser

from voipcrm.accounts.audit import AuditEntry
from voipcrm.accounts.links import PasswordLink
from voipcrm.accounts.models import Presence, Role, Team, User, UserSession
from voipcrm.core.db import db

PASSWORD = "a long sentence"


def role_id(app, name: str) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(Role.id).where(Role.name == name))


def in_rows(app, query):
    with app.app_context():
        return db.session.scalars(query).all()


def log_of(app) -> list[tuple[str, str, str]]:
    """(who, verb, subject), oldest first."""
    with app.app_context():
        rows = db.session.execute(
            sa.select(AuditEntry.user_name, AuditEntry.verb, AuditEntry.subject_name).order_by(AuditEntry.id)
        )
        return [tuple(row) for row in rows]


def fields(**changed) -> dict:
    return {"name": "Cy Doe", "email": "cy@example.com", "team_id": "0", "time_zone": "Europe/Berlin"} | changed


def invite(app, admin: Browser, role: str = "agent", **changed):
    return admin.post("/settings/users/create", data=fields(roles=[str(role_id(app, role))]) | changed)


def link_on(page: str) -> str:
    return re.search(r'value="http://phone\.example\.com(/password/[^"]+)"', page)[1]


@pytest.fixture
def clerk(app, cast) -> Browser:
    """Somebody who may invite and give roles, and place calls, and nothing else."""
    with app.app_context():
        role = Role(name="clerk", permissions=["voip.admin.users", "voip.calls.make"])
        user = User(email="clerk@example.com", name="Clerk Kent", roles=[role], password_hash="x")
        db.session.add(user)
        UserSession.begin(user)
        db.session.commit()
        person = type(cast.ada)(user.id, user.name, user.email, user.get_id())
    return app.test_client().sign_in(person)


def test_the_list_shows_everybody_with_roles_team_and_state(as_root, cast):
    page = as_root.get("/settings/users").text
    for words in ("Ada Ortiz", "ada@example.com", "agent, supervisor", "Sales", "Active"):
        assert words in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ADA", {"Ada Ortiz"}),
        ("q=bo@", {"Bo Becker"}),
        ("q=100%", set()),
        ("state=invited", set()),
        ("q=ada&state=active", {"Ada Ortiz"}),
        ("q=ada&state=deactivated", set()),
    ],
)
def test_the_list_is_filtered(as_root, query, found):
    page = as_root.get("/settings/users?" + query).text
    names = {"Ada Ortiz", "Bo Becker", "Mallory Outsider"}
    rows = page.partition('id="people"')[2].partition("</section>")[0]
    assert {name for name in names if name in rows} == found
    assert ("Nobody matches" in page) == (not found)


def test_an_invited_person_chooses_a_password_and_is_in(app, as_root, client):
    answer = invite(app, as_root)
    assert answer.status_code == 303
    page = as_root.get(answer.location).text
    assert "Invited" in page
    link = link_on(page)
    assert "Welcome, Cy" in client.get(link).text
    assert client.post(link, data={"password": PASSWORD, "again": PASSWORD}).status_code == 400, "no token, no change"
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(link).text)[1]
    saved = client.post(link, data={"password": PASSWORD, "again": PASSWORD, "csrf_token": token})
    assert (saved.status_code, saved.location) == (303, "/")
    assert "Your password is saved." in client.get("/").text
    assert client.get("/calls").status_code == 200
    assert client.get(link).status_code == 404, "a link works once"
    elsewhere = app.test_client()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', elsewhere.get("/sign-in").text)[1]
    entered = elsewhere.post("/sign-in", data={"email": "cy@example.com", "password": PASSWORD, "csrf_token": token})
    assert entered.status_code == 303
    assert log_of(app) == [
        ("Root Admin", "invited", "Cy Doe"),
        ("Cy Doe", "joined", "Cy Doe"),
        ("Cy Doe", "signed-in", "Cy Doe"),
        ("Cy Doe", "signed-in", "Cy Doe"),
    ]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": " "}, "Enter a name."),
        ({"name": "x" * 201}, "at most 200"),
        ({"email": "nonsense"}, "not an e-mail"),
        ({"email": "ADA@example.com"}, "Ada Ortiz has this e-mail already."),
        ({"time_zone": "Mars/Crater"}, "Not a valid choice"),
        ({"team_id": "999"}, "Not a valid choice"),
        ({"roles": ["999"]}, "Choose from the list."),
    ],
)
def test_what_is_not_valid_is_said_at_its_field(app, as_root, changed, words):
    before = len(in_rows(app, sa.select(User.id)))
    answer = as_root.post("/settings/users/create", data=fields(**changed))
    assert answer.status_code == 422
    assert words in answer.text
    assert len(in_rows(app, sa.select(User.id))) == before


def test_a_change_is_kept_and_logged_with_what_was_before(app, as_root, cast):
    data = fields(name="Ada Ortiz-Lee", email="ada@example.com", roles=[str(role_id(app, "supervisor"))])
    assert as_root.post(f"/settings/users/{cast.ada.id}", data=data).status_code == 303
    [entry] = in_rows(app, sa.select(AuditEntry))
    assert entry.before == {"name": "Ada Ortiz", "roles": ["agent"], "team": "Sales", "time_zone": "UTC"}
    assert entry.after == {"name": "Ada Ortiz-Lee", "roles": ["supervisor"], "team": None, "time_zone": "Europe/Berlin"}
    as_root.post(f"/settings/users/{cast.ada.id}", data=data)
    assert len(in_rows(app, sa.select(AuditEntry))) == 1, "saving without a change is no change"


def test_a_deactivated_person_is_out_at_once_and_back_after(app, as_root, as_ada, cast):
    assert as_ada.post("/api/voip/token").status_code == 200
    assert as_root.post(f"/settings/users/{cast.ada.id}/deactivate").status_code == 303
    assert as_ada.get("/").status_code == 302
    assert as_ada.post("/api/voip/token").status_code == 401
    assert in_rows(app, sa.select(UserSession.id).where(UserSession.user_id == cast.ada.id)) == []
    assert in_rows(app, sa.select(Presence.state).where(Presence.user_id == cast.ada.id)) == ["offline"]
    assert as_root.post(f"/settings/users/{cast.ada.id}/link").status_code == 303
    assert in_rows(app, sa.select(PasswordLink.id)) == [], "no link for who is deactivated"
    assert as_root.post(f"/settings/users/{cast.ada.id}/reactivate").status_code == 303
    assert [verb for _, verb, _ in log_of(app)] == ["deactivated", "reactivated"]
    assert as_ada.get("/").status_code == 302, "the old session stays ended"


def test_an_admin_ends_the_sessions_of_somebody_and_keeps_their_own(app, as_root, as_ada, cast):
    assert as_root.post(f"/settings/users/{cast.ada.id}/sessions/end").status_code == 303
    assert as_ada.get("/").status_code == 302
    assert as_root.post(f"/settings/users/{cast.root.id}/sessions/end").status_code == 303
    assert as_root.get("/settings/users").status_code == 200


def test_the_last_who_can_do_everything_stays(app, as_root, cast):
    for path, data in ((f"{cast.root.id}/deactivate", {}), (str(cast.root.id), fields(email="root@example.com"))):
        as_root.post(f"/settings/users/{path}", data=data)
        assert as_root.get("/settings/users").status_code == 200, path
    with app.app_context():
        root = db.session.get(User, cast.root.id)
        assert root.is_active
        assert [role.name for role in root.roles] == ["admin"]
    assert log_of(app) == []


def test_an_admin_cannot_lock_themselves_out_even_if_another_is_left(app, as_root, cast):
    with app.app_context():
        other = db.session.get(User, cast.bo.id)
        other.roles = [db.session.scalar(sa.select(Role).where(Role.name == "admin"))]
        db.session.commit()
    answer = as_root.post(f"/settings/users/{cast.root.id}", data=fields(email="root@example.com"))
    assert answer.status_code == 422
    assert "lock yourself out" in answer.text
    data = fields(email="bo@example.com")
    assert as_root.post(f"/settings/users/{cast.bo.id}", data=data).status_code == 303, "one of two may go"


def test_of_two_admins_who_remove_each_other_at_the_same_moment_one_stays(app, cast):
    with app.app_context():
        other = db.session.get(User, cast.bo.id)
        other.roles = [db.session.scalar(sa.select(Role).where(Role.name == "admin"))]
        db.session.commit()
    start = Barrier(2)

    def remove(actor, target) -> int:
        client = app.test_client().sign_in(actor)
        start.wait(10)
        return client.post(f"/settings/users/{target.id}/deactivate").status_code

    with ThreadPoolExecutor(2) as pool:
        deeds = [pool.submit(remove, *pair) for pair in ((cast.root, cast.bo), (cast.bo, cast.root))]
        answers = [deed.result(30) for deed in deeds]
    assert set(answers) <= {302, 303, 403}  # the slower one may be signed out already
    active = sa.select(User.id).where(User.deactivated_at.is_(None), User.id.in_([cast.root.id, cast.bo.id]))
    assert len(in_rows(app, active)) == 1


def test_nobody_gives_more_than_they_may_do(app, clerk, cast):
    assert invite(app, clerk, "admin").status_code == 422
    assert invite(app, clerk, "agent").status_code == 422
    assert invite(app, clerk, "clerk").status_code == 303
    assert "disabled" in clerk.get("/settings/users/create").text


@pytest.mark.parametrize("deed", ["", "/deactivate", "/reactivate", "/link", "/sessions/end", "/two-step/off"])
def test_nobody_touches_who_may_do_more(app, clerk, cast, deed):
    """A link for the admin's password would be as good as the admin's rights."""
    answer = clerk.post(f"/settings/users/{cast.root.id}{deed}", data=fields(email="root@example.com"))
    assert answer.status_code == 403
    page = clerk.get(f"/settings/users/{cast.root.id}").text
    assert "may do more than you" in page
    assert '<form class="card"' not in page
    assert log_of(app) == []


def test_a_new_e_mail_ends_the_links_that_went_to_the_old(app, as_root, cast):
    as_root.post(f"/settings/users/{cast.ada.id}/link")
    assert len(in_rows(app, sa.select(PasswordLink.id))) == 1
    as_root.post(f"/settings/users/{cast.ada.id}", data=fields(email="ada.lee@example.com"))
    assert in_rows(app, sa.select(PasswordLink.id)) == []


def test_names_that_are_code_stay_words(app, as_root):
    payload = "<script>alert(1)</script>"
    answer = invite(app, as_root, name=payload)
    as_root.post("/settings/teams", data={"name": payload})
    as_root.post("/settings/roles/create", data={"name": payload})
    for path in (answer.location, "/settings/users", "/settings/teams", "/settings/roles", "/settings/audit"):
        page = as_root.get(path).text
        assert payload not in page
        assert "&lt;script&gt;" in page


def test_teams_are_added_renamed_and_deleted_when_empty(app, as_root, cast):
    assert as_root.post("/settings/teams", data={"name": "sales"}).status_code == 422, "the name is taken"
    assert as_root.post("/settings/teams", data={"name": ""}).status_code == 422
    assert as_root.post("/settings/teams", data={"name": "Support"}).status_code == 303
    ids = dict(in_pairs(app, sa.select(Team.name, Team.id)))
    assert as_root.post(f"/settings/teams/{ids['Support']}", data={"name": "Sales"}).status_code == 422
    assert as_root.post(f"/settings/teams/{ids['Support']}", data={"name": "Care"}).status_code == 303
    assert as_root.get(f"/settings/teams/{ids['Support']}").status_code == 200
    as_root.post(f"/settings/teams/{ids['Sales']}/delete")
    as_root.post(f"/settings/teams/{ids['Support']}/delete")
    assert in_rows(app, sa.select(Team.name)) == ["Sales"], "Ada and Bo are in it"
    assert [(verb, name) for _, verb, name in log_of(app)] == [
        ("created", "Support"),
        ("changed", "Care"),
        ("deleted", "Care"),
    ]


def in_pairs(app, query):
    with app.app_context():
        return [tuple(row) for row in db.session.execute(query)]
