"""Pages of organizations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.contacts import merging
from voipcrm.contacts.folding import folded
from voipcrm.contacts.forms import OrganizationForm
from voipcrm.contacts.models import Organization, Person
from voipcrm.contacts.saving import save_organization
from voipcrm.contacts.searching import MOST_HITS, more_organizations_match, page_of_organizations, page_of_persons
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.core.paging import cursor_of_request
from voipcrm.core.texts import one_line

bp = Blueprint("organizations", __name__, url_prefix="/contacts/organizations")
ONE = "/<int(max=2147483647):organization_id>"
SUGGESTIONS = 10
COUNTED_AT_MOST = 100  # people of one organization, for the list


@bp.get("")
@requires(Can.VIEW_CONTACTS)
def index() -> Any:
    query = one_line(request.args.get("q"))[:200]
    page = page_of_organizations(Organization.visible_to(current_user), query, cursor=cursor_of_request())
    ends_after_others = page.newer is not None and page.older is None
    return render(
        "organizations/index.html",
        "organizations/_results.html",
        page=page,
        q=query,
        people=_people_of([one.id for one in page.rows]),
        cut_at=MOST_HITS if ends_after_others and more_organizations_match(query) else None,
    )


@bp.get("/create")
@requires(Can.EDIT_CONTACTS)
def create() -> Any:
    begun = Organization(name=one_line(request.args.get("name"))[:200])
    return render("organizations/form.html", form=OrganizationForm(begun), organization=begun)


@bp.post("/create")
@requires(Can.EDIT_CONTACTS)
def add() -> Any:
    return _save(Organization(name=""))


@bp.get(ONE)
@requires(Can.VIEW_CONTACTS)
def show(organization_id: int) -> Any:
    """The organization and one page of its people."""
    if kept_id := merging.gone_to(Organization.visible_to(current_user), organization_id):
        return redirect(url_for("organizations.show", organization_id=kept_id))
    organization = find(Organization.visible_to(current_user), organization_id)
    scope = Person.visible_to(current_user).where(Person.organization_id == organization.id)
    return render(
        "organizations/show.html",
        organization=organization,
        page=page_of_persons(scope, cursor=cursor_of_request()),
        merges=merging.of(organization),
    )


@bp.get(ONE + "/edit")
@requires(Can.EDIT_CONTACTS)
def edit(organization_id: int) -> Any:
    organization = find(Organization.visible_to(current_user), organization_id)
    return render("organizations/form.html", form=OrganizationForm(organization), organization=organization)


@bp.post(ONE + "/edit")
@requires(Can.EDIT_CONTACTS)
def change(organization_id: int) -> Any:
    return _save(find(Organization.visible_to(current_user), organization_id))


@bp.get(ONE + "/delete")
@requires(Can.EDIT_CONTACTS)
def ask_to_delete(organization_id: int) -> Any:
    """The question as a page, for browsers in which the dialog's script does not run."""
    return render(
        "organizations/delete.html", organization=find(Organization.visible_to(current_user), organization_id)
    )


@bp.post(ONE + "/delete")
@requires(Can.EDIT_CONTACTS)
def delete(organization_id: int) -> Any:
    organization = find(Organization.visible_to(current_user), organization_id)
    name = organization.name
    organization.remove()
    db.session.commit()
    flash(f"Deleted {name}.", "good")
    return redirect(url_for("organizations.index"), code=303)


@bp.get("/suggestions")
@requires(Can.EDIT_CONTACTS)
def suggestions() -> Any:
    """Names for the company field's list, as it is typed."""
    start = folded(request.args.get("company", ""))[:200]
    query = (
        sa.select(Organization.name)
        .where(Organization.sort_name >= start, Organization.sort_name < start + "\U0010ffff")
        .order_by(Organization.sort_name, Organization.id)
        .limit(SUGGESTIONS)
    )
    return render("contacts/_companies.html", names=list(dict.fromkeys(db.session.scalars(query))) if start else [])


def _save(organization: Organization) -> Any:
    if (again := save_organization(organization)) is not None:
        return again
    db.session.commit()
    flash("Saved.", "good")
    return redirect(url_for("organizations.show", organization_id=organization.id), code=303)


def _people_of(organization_ids: list[int]) -> dict[int, int]:
    """How many people each has, counted up to COUNTED_AT_MOST; one statement."""
    some = (
        sa.select(Person.id)
        .where(Person.organization_id == Organization.id)
        .limit(COUNTED_AT_MOST)
        .correlate(Organization)
    )
    counted = sa.select(sa.func.count()).select_from(some.subquery()).scalar_subquery()
    found = sa.select(Organization.id, counted).where(Organization.id.in_(organization_ids))
    return dict(db.session.execute(found).all()) if organization_ids else {}  # type: ignore[arg-type]
