"""Tags: put on a person and taken off, on the person's page."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.contacts.folding import folded
from voipcrm.contacts.models import Person, Tag, Tagging
from voipcrm.core import clock
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render
from voipcrm.core.texts import one_line

bp = Blueprint("tags", __name__, url_prefix="/contacts")
OF_PERSON = "/persons/<int(max=2147483647):person_id>/tags"
LONGEST = 40
MOST_TAGS = 30  # on one person
SUGGESTIONS = 10


@bp.post(OF_PERSON)
@requires(Can.EDIT_CONTACTS)
def add(person_id: int) -> Any:
    person = find(Person.visible_to(current_user), person_id)
    typed = one_line(request.form.get("tag"))
    if problem := _problem(person, typed):
        return _answer(person, problem=problem, typed=typed)
    if (tag := Tag.named(typed)) and tag not in person.tags:
        person.taggings.append(Tagging(tag=tag))
        person.updated_at = clock.now()
    db.session.commit()
    return _answer(person, said="Tag added.")


@bp.post(OF_PERSON + "/<int(max=2147483647):tag_id>/remove")
@requires(Can.EDIT_CONTACTS)
def remove(person_id: int, tag_id: int) -> Any:
    person = find(Person.visible_to(current_user), person_id)
    tagging = next((one for one in person.taggings if one.tag_id == tag_id), None)
    if tagging is None:
        abort(404)
    person.taggings.remove(tagging)
    person.updated_at = clock.now()
    db.session.flush()
    is_used = sa.select(Tagging.person_id).where(Tagging.tag_id == tag_id).limit(1)
    if db.session.scalars(is_used).first() is None:  # a word that nobody has any more is not offered either
        db.session.delete(tagging.tag)
    db.session.commit()
    return _answer(person, said="Tag removed.")


@bp.get("/tags/suggestions")
@requires(Can.EDIT_CONTACTS)
def suggestions() -> Any:
    """Tags for the field's list, as it is typed."""
    start = folded(request.args.get("tag", ""))[:LONGEST]
    query = (
        sa.select(Tag.name)
        .where(Tag.sort_name >= start, Tag.sort_name < start + "\U0010ffff")
        .order_by(Tag.sort_name)
        .limit(SUGGESTIONS)
    )
    return render("contacts/_companies.html", names=db.session.scalars(query).all())


def _problem(person: Person, typed: str) -> str | None:
    if not folded(typed):
        return "Enter a tag."
    if len(typed) > LONGEST:
        return f"Use at most {LONGEST} characters."
    return "That is too many tags for one person." if len(person.taggings) >= MOST_TAGS else None


def _answer(person: Person, *, said: str = "", problem: str | None = None, typed: str = "") -> Any:
    if request.headers.get("HX-Request-Type") == "partial":
        context = {"person": person, "said": said, "tag_problem": problem, "typed_tag": typed}
        return render("contacts/_tags.html", **context), 422 if problem else 200
    flash(problem or said, "bad" if problem else "good")
    return redirect(url_for("contacts.show", person_id=person.id), code=303)
