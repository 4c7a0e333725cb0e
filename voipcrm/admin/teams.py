"""/settings/teams: who works together."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, url_for
from flask_login import current_user
from sqlalchemy.exc import IntegrityError

from voipcrm.accounts.audit import note
from voipcrm.accounts.models import Team, User
from voipcrm.accounts.permissions import Can
from voipcrm.admin.forms import NameForm
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render

bp = Blueprint("teams", __name__, url_prefix="/settings/teams")
A_TEAM = "/<int(max=2147483647):team_id>"


@bp.get("")
@requires(Can.ADMIN_USERS)
def index() -> Any:
    return _list(NameForm.about(Team(name="")))


@bp.post("")
@requires(Can.ADMIN_USERS)
def add() -> Any:
    team = Team(name="")
    form = NameForm.about(team)
    if not form.validate_on_submit() or not _is_written(team, form):
        return _list(form), 422
    note("created", team, by=current_user, after={"name": team.name})
    return _done(f"Added {team.name}.")


@bp.get(A_TEAM)
@requires(Can.ADMIN_USERS)
def show(team_id: int) -> Any:
    team = find(sa.select(Team), team_id)
    return _page(team, NameForm.about(team))


@bp.post(A_TEAM)
@requires(Can.ADMIN_USERS)
def rename(team_id: int) -> Any:
    team = find(sa.select(Team), team_id)
    form, before = NameForm.about(team), {"name": team.name}
    if not form.validate_on_submit() or not _is_written(team, form):
        return _page(find(sa.select(Team), team_id), form), 422
    if team.name != before["name"]:
        note("changed", team, by=current_user, before=before, after={"name": team.name})
    return _done("Saved.")


@bp.post(A_TEAM + "/delete")
@requires(Can.ADMIN_USERS)
def delete(team_id: int) -> Any:
    """Only an empty one: its people, deactivated ones too, would else lose what their team may see of them."""
    team = find(sa.select(Team), team_id)
    if _members(team):
        flash("Only an empty team can be deleted. Move its people first.", "bad")
        return redirect(url_for("teams.show", team_id=team_id), code=303)
    note("deleted", team, by=current_user, before={"name": team.name})
    name = team.name
    db.session.delete(team)
    return _done(f"Deleted {name}.")


def _is_written(team: Team, form: NameForm) -> bool:
    """False, with the reason in the form, if somebody took the name a moment ago."""
    team.name = form.name.data or ""
    db.session.add(team)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        form.name.errors = ["This name is taken."]
        return False
    return True


def _members(team: Team) -> list[User]:
    members = sa.select(User).where(User.team_id == team.id).order_by(User.name, User.id)
    return list(db.session.scalars(members))


def _list(form: NameForm) -> Any:
    counted = sa.select(Team, sa.func.count(User.id)).outerjoin(User, User.team_id == Team.id).group_by(Team.id)
    teams = db.session.execute(counted.order_by(Team.name)).all()
    return render("teams/index.html", teams=teams, form=form)


def _page(team: Team, form: NameForm) -> Any:
    return render("teams/show.html", team=team, form=form, members=_members(team))


def _done(words: str) -> Any:
    db.session.commit()
    flash(words, "good")
    return redirect(url_for("teams.index"), code=303)
