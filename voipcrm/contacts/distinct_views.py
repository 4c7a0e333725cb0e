"""Saying that two contacts are different people, and taking it back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.contacts import distinct
from voipcrm.contacts.distinct import DistinctPersons
from voipcrm.contacts.duplicates import BY
from voipcrm.contacts.models import Person
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.core.texts import one_line

bp = Blueprint("distinct", __name__, url_prefix="/contacts")


@bp.get("/duplicates/different")
@requires(Can.EDIT_CONTACTS)
def index() -> Any:
    """Who was told apart, the latest first."""
    query = DistinctPersons.visible_to(current_user)
    page = page_of(query, DistinctPersons.created_at, DistinctPersons.id, cursor=cursor_of_request())
    return render("merging/different.html", page=page, ways=BY, by="")


@bp.post("/persons/<int(max=2147483647):person_id>/different/<int(max=2147483647):other_id>")
@requires(Can.EDIT_CONTACTS)
def say(person_id: int, other_id: int) -> Any:
    """They are different people. ?by= and ?after=: the page of duplicates it was said on, else the person's choice."""
    one, other = (find(Person.visible_to(current_user), row_id) for row_id in (person_id, other_id))
    if one is other:
        abort(404)
    distinct.say(one, other, by=current_user)
    db.session.commit()
    flash(f"{one.name} and {other.name} are different people: nobody is asked again. Under Different people it can be "
          "taken back.", "good")  # fmt: skip
    if "by" in request.args:
        kept = {name: one_line(request.args.get(name))[:400] for name in ("by", "after")}
        return redirect(url_for("merging.index", _external=False, **kept), code=303)
    return redirect(url_for("merging.choose", kind="persons", contact_id=one.id), code=303)


@bp.post("/duplicates/different/<int(max=2147483647):pair_id>/undo")
@requires(Can.EDIT_CONTACTS)
def take_back(pair_id: int) -> Any:
    row = find(DistinctPersons.visible_to(current_user), pair_id)
    names = f"{row.low.name} and {row.high.name}"
    distinct.take_back(row, by=current_user)
    db.session.commit()
    flash(f"{names} may be the same again.", "good")
    return redirect(url_for("distinct.index"), code=303)
