"""/settings/roles: what a role allows, and who may decide that. And the whole matrix: role, page, verb."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from cast import Browser, Person

from voipcrm.accounts.audit import AuditEntry
from voipcrm.accounts.models import Role, User, UserSession
from voipcrm.accounts.permissions import ABOUT, Can, expand
from voipcrm.core.db import db

HARMLESS = {"HEAD", "OPTIONS"}


def role_of(app, name: str) -> tuple[int, list[str]] | None:
    with app.app_context():
        row = db.session.execute(sa.select(Role.id, Role.permissions).where(Role.name == name)).first()
        return (row[0], row[1]) if row else None


def somebody_with(app, permissions: list[str]) -> Browser:
    with app.app_context():
        role = Role(name="theirs", permissions=permissions)
        user = User(email="some@example.com", name="Some Body", roles=[role], password_hash="x")
        db.session.add(user)
        UserSession.begin(user)
        db.session.commit()
        person = Person(user.id, user.name, user.email, user.get_id())
    return app.test_client().sign_in(person)


def test_the_matrix_names_every_permission_and_every_role(as_root):
    page = as_root.get("/settings/roles").text
    for words in (*ABOUT.values(), "agent", "supervisor", "admin", "2 people"):
        assert words in page


def test_a_role_is_made_changed_and_deleted(app, as_root):
    made = as_root.post("/settings/roles/create", data={"name": "Clerk", "permissions": ["contacts.view"]})
    assert made.status_code == 303
    role_id, permissions = role_of(app, "Clerk")
    assert permissions == ["contacts.view"]
    changed = {"name": "Desk", "permissions": ["contacts.view", "contacts.edit"]}
    assert as_root.post(f"/settings/roles/{role_id}", data=changed).status_code == 303
    assert role_of(app, "Desk")[1] == ["contacts.edit", "contacts.view"]
    assert "Nobody has it" in as_root.get(f"/settings/roles/{role_id}/delete").text
    assert as_root.post(f"/settings/roles/{role_id}/delete").status_code == 303
    assert role_of(app, "Desk") is None
    with app.app_context():
        assert db.session.scalars(sa.select(AuditEntry.verb).order_by(AuditEntry.id)).all() == [
            "created",
            "changed",
            "deleted",
        ]


@pytest.mark.parametrize(
    "data", [{"name": ""}, {"name": "AGENT"}, {"name": "x" * 201}, {"name": "New", "permissions": ["all"]}]
)
def test_a_role_that_makes_no_sense_is_refused(app, as_root, data):
    answer = as_root.post("/settings/roles/create", data=data)
    assert answer.status_code == 422
    assert role_of(app, "New") is None


def test_a_built_in_role_is_changed_but_neither_renamed_nor_deleted(app, as_root, as_ada):
    role_id, _ = role_of(app, "agent")
    assert as_ada.get("/contacts/persons").status_code == 200
    changed = {"name": "other", "permissions": ["voip.calls.view"]}
    assert as_root.post(f"/settings/roles/{role_id}", data=changed).status_code == 303
    assert role_of(app, "agent") == (role_id, ["voip.calls.view"])
    assert as_ada.get("/contacts/persons").status_code == 404, "at once"
    assert as_root.post(f"/settings/roles/{role_id}/delete").status_code == 403
    assert role_of(app, "agent") is not None


def test_the_last_role_that_manages_keeps_that(app, as_root):
    role_id, before = role_of(app, "admin")
    answer = as_root.post(f"/settings/roles/{role_id}", data={"permissions": ["voip.admin.users"]})
    assert answer.status_code == 422
    assert "Nobody would be left" in answer.text
    assert role_of(app, "admin")[1] == before


def test_nobody_puts_into_a_role_what_they_do_not_have(app, cast):
    clerk = somebody_with(app, ["voip.admin.users", "contacts.view"])
    data = {"name": "Mighty", "permissions": ["voip.admin.manage"]}
    assert clerk.post("/settings/roles/create", data=data).status_code == 422
    assert role_of(app, "Mighty") is None
    role_id, before = role_of(app, "admin")
    assert clerk.post(f"/settings/roles/{role_id}", data={"permissions": []}).status_code == 403
    assert role_of(app, "admin")[1] == before
    own_id, _ = role_of(app, "theirs")
    lost = clerk.post(f"/settings/roles/{own_id}", data={"name": "theirs", "permissions": ["contacts.view"]})
    assert lost.status_code == 422, "they would lock themselves out"
    data = {"name": "Reader", "permissions": ["contacts.view"]}
    assert clerk.post("/settings/roles/create", data=data).status_code == 303


def test_an_admin_without_a_permission_leaves_it_where_it_is(app, cast):
    admin = somebody_with(app, ["voip.admin.manage"])
    role_id, before = role_of(app, "supervisor")
    answer = admin.post(f"/settings/roles/{role_id}", data={"name": "supervisor"})
    assert answer.status_code == 303
    assert role_of(app, "supervisor")[1] == [one for one in before if one.startswith("contacts.")]


def gated(app) -> list[tuple[str, str, str]]:
    """(method, path, permission) of every address behind a permission."""
    found = []
    for rule in app.url_map.iter_rules():
        gate = getattr(app.view_functions[rule.endpoint], "gate", "")
        if gate not in set(Can):
            continue
        values = {n: 2**31 - 1 if "int" in type(c).__name__.lower() else "x" for n, c in rule._converters.items()}
        with app.test_request_context():
            path = rule.build(values)[1]
        found += [(method, path, gate) for method in sorted(rule.methods - HARMLESS)]
    return found


@pytest.mark.parametrize("held", [*(str(one) for one in Can), "agent", "supervisor", "admin"])
def test_every_address_opens_to_exactly_those_who_may(app, cast, held):
    """Each permission alone, and each built-in role, at every address and verb. Let in is what a gate did not refuse:
    a row that is not there answers 404 to who may and to who may not, so those are told apart by what was logged."""
    with app.app_context():
        row = db.session.execute(sa.select(Role.permissions).where(Role.name == held)).first()
    permissions = list(row[0]) if row else [held]
    person, allowed, entered = somebody_with(app, permissions), expand(permissions), set()
    views = app.view_functions

    def watched(endpoint, inner):
        """The view behind its gate, noting that it was reached."""

        def reached(*args, **kwargs):
            entered.add(endpoint)
            return "", 204

        reached.gate = inner.gate
        return reached

    inner = {name: view for name, view in views.items() if getattr(view, "gate", "") in set(Can)}
    from voipcrm.core.gates import requires

    try:
        for name, view in inner.items():
            views[name] = requires(view.gate)(watched(name, view))
        wrong = []
        for method, path, gate in gated(app):
            entered.clear()
            answer = person.open(path, method=method)
            let_in = bool(entered)
            if let_in != (gate in allowed) or (not let_in and answer.status_code not in {403, 404}):
                wrong.append((method, path, gate, answer.status_code))
    finally:
        views.update(inner)
    assert wrong == []


def test_a_permission_that_there_is_not_is_refused_with_a_sentence(app, as_root):
    role_id, before = role_of(app, "agent")
    answer = as_root.post(f"/settings/roles/{role_id}", data={"permissions": ["contacts.view", "all"]})
    assert answer.status_code == 422
    assert "This house knows no such permission." in answer.text
    assert role_of(app, "agent") == (role_id, before)
