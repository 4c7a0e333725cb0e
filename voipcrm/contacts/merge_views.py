"""Pages on which two contacts become one, and two again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.contacts import duplicates, merging
from voipcrm.contacts.merging import FIELDS, CannotUndo, Merge
from voipcrm.contacts.models import Organization, Person
from voipcrm.contacts.searching import page_of_organizations, page_of_persons
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.core.texts import one_line

bp = Blueprint("merging", __name__, url_prefix="/contacts")
KINDS: dict[str, Any] = {"persons": Person, "organizations": Organization}
ONE = "/<kind>/<int(max=2147483647):contact_id>"
FOUND = 10
LABELS = {
    "name": "Name",
    "organization_id": "Company",
    "owner_id": "Owner",
    "website": "Website",
    "note": "Note",
}


@bp.get("/duplicates")
@requires(Can.EDIT_CONTACTS)
def index() -> Any:
    """Groups of persons who may be the same."""
    by = request.args.get("by", "")
    by = by if by in duplicates.BY else "name"
    after = one_line(request.args.get("after"))[:400]
    groups, more = duplicates.groups(Person.visible_to(current_user), by, after=after)
    return render("merging/index.html", groups=groups, by=by, ways=duplicates.BY, after=after, more=more)


@bp.get(ONE + "/merge")
@requires(Can.EDIT_CONTACTS)
def choose(kind: str, contact_id: int) -> Any:
    """With whom? Those who look the same, and a search."""
    contact = _find(kind, contact_id)
    scope, query = KINDS[kind].visible_to(current_user), one_line(request.args.get("q"))[:200]
    likely: list[Any]
    if kind == "persons":
        likely = duplicates.of_person(scope, contact)
        found = page_of_persons(scope, query, size=FOUND + 1).rows if query else []
    else:
        likely = [(one, ["name"]) for one in duplicates.of_organization(scope, contact)]
        found = page_of_organizations(scope, query, size=FOUND + 1).rows if query else []
    others = [one for one in found if one.id != contact.id][:FOUND]
    return render(
        "merging/choose.html",
        "merging/_found.html",
        kind=kind,
        contact=contact,
        back=_url(kind, contact.id),
        likely=likely,
        found=others,
        q=query,
    )


@bp.get(ONE + "/merge/<int(max=2147483647):other_id>")
@requires(Can.EDIT_CONTACTS)
def compare(kind: str, contact_id: int, other_id: int) -> Any:
    """Both side by side, to choose from."""
    one, other = _two(kind, contact_id, other_id)
    return _compare(kind, one, other)


@bp.post(ONE + "/merge/<int(max=2147483647):other_id>")
@requires(Can.EDIT_CONTACTS)
def merge(kind: str, contact_id: int, other_id: int) -> Any:
    one, other = _two(kind, contact_id, other_id)
    fields: dict[str, Any] = {}
    for name in FIELDS[kind]:
        side = request.form.get(name, "same")
        mine, theirs = getattr(one, name), getattr(other, name)
        if side not in {"one", "other"} and not (side == "both" and name == "note") and mine != theirs:
            return _compare(kind, one, other, problem="Choose what stays where the two differ."), 422
        both = "\n".join(filter(None, (mine, theirs))) if side == "both" else None
        fields[name] = both if both is not None else theirs if side == "other" else mine
    kept = merging.merge(one, other, fields, by=current_user)
    db.session.commit()
    flash("Merged. For 30 days it can be undone here.", "good")
    return redirect(_url(kind, kept.id), code=303)


@bp.post("/merges/<int(max=2147483647):merge_id>/undo")
@requires(Can.EDIT_CONTACTS)
def undo(merge_id: int) -> Any:
    row = find(Merge.visible_to(current_user).with_for_update(), merge_id)
    try:
        merging.undo(row, by=current_user)
    except CannotUndo as problem:
        db.session.rollback()
        flash(str(problem), "bad")
    else:
        db.session.commit()
        flash(f"{row.lost_name} is a contact of their own again.", "good")
    kept = merging.successor(row.kind, row.kept_id) or row.kept_id
    return redirect(_url(row.kind, kept), code=303)


def _find(kind: str, contact_id: int) -> Any:
    model = KINDS.get(kind) or abort(404)
    return find(model.visible_to(current_user), contact_id)


def _two(kind: str, contact_id: int, other_id: int) -> tuple[Any, Any]:
    one, other = _find(kind, contact_id), _find(kind, other_id)
    return (one, other) if one is not other else abort(404)


def _compare(kind: str, one: Any, other: Any, *, problem: str = "") -> Any:
    fields = [
        (name, LABELS[name], _shown(one, name), _shown(other, name), getattr(one, name) == getattr(other, name))
        for name in FIELDS[kind]
    ]
    return render(
        "merging/compare.html",
        kind=kind,
        one=one,
        other=other,
        fields=fields,
        better={name: _better(name, one, other) for name in FIELDS[kind]},
        problem=problem,
        back=_url(kind, one.id),
    )


def _better(name: str, one: Any, other: Any) -> str:
    """Which side is proposed: the one that says something, both notes, else the one that was changed last."""
    mine, theirs = getattr(one, name), getattr(other, name)
    if not mine or not theirs:
        return "one" if mine else "other"
    if name == "note":
        return "both"
    return "one" if (one.updated_at or one.created_at) >= (other.updated_at or other.created_at) else "other"


def _shown(contact: Any, name: str) -> str:
    if name == "organization_id":
        return contact.company
    if name == "owner_id":
        return contact.owner.name if contact.owner else ""
    return getattr(contact, name)


def _url(kind: str, contact_id: int) -> str:
    if kind == "persons":
        return url_for("contacts.show", person_id=contact_id)
    return url_for("organizations.show", organization_id=contact_id)
