"""The mark at #main: while only that is swapped, it tells the page when what stands around it is another one."""

from __future__ import annotations

import re

import pytest

from voipcrm.accounts.models import Role, User
from voipcrm.core.db import db


def mark(browser, path: str = "/") -> str:
    return re.search(r'<main [^>]*id="main"[^>]* data-shell="([0-9a-f]{12})"', browser.get(path).text)[1]


def test_it_is_the_same_on_every_page_an_error_too(as_ada):
    assert {mark(as_ada, path) for path in ("/", "/calls", "/me", "/nothing-here")} == {mark(as_ada)}


def test_a_role_given_or_taken_changes_it_and_back(app, cast, as_ada):
    before = mark(as_ada)
    with app.app_context():
        ada, admin = db.session.get_one(User, cast.ada.id), db.session.query(Role).filter_by(name="admin").one()
        ada.roles.append(admin)
        db.session.commit()
    assert mark(as_ada) != before
    with app.app_context():
        ada = db.session.get_one(User, cast.ada.id)
        ada.roles = [role for role in ada.roles if role.name != "admin"]
        db.session.commit()
    assert mark(as_ada) == before


@pytest.mark.parametrize("changed", [{"brand_name": "Northwind"}, {"brand_colour": "#f2a900"}])
def test_name_and_colour_of_the_company_change_it_for_everybody(as_root, as_ada, changed):
    before = mark(as_ada)
    look = {"brand_name": "voipcrm", "brand_colour": "#3451d1"} | changed
    assert as_root.post("/settings/company/look", data=look).status_code == 303
    assert mark(as_ada) != before
