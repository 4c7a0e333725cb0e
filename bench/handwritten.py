"""The two big lists as a good Flask developer would write them by hand, were there nothing but them: the yardstick of
our pages.

A whole page with the columns, links, call buttons and viewer's times of ours: flask-login asks who is signed in with
one select, SQLAlchemy fetches the fifty rows with their names as plain columns with another, and one Jinja template,
compiled and with autoescape, renders them. It has nothing else: no permissions, filters, paging links, navigation,
phone, icons, live calls or export."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask, render_template, request
from flask_login import LoginManager, UserMixin, login_required
from sqlalchemy.orm import aliased, scoped_session, sessionmaker

from voipcrm.accounts.models import User, UserSession
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Organization, Person, PhoneNumber
from voipcrm.telephony import numbers
from voipcrm.trunks.models import Line

COLLEAGUE = aliased(User)
CALLS = (
    sa.select(
        Call.public_id,
        Call.direction,
        Call.state,
        Call.outcome,
        Call.peer_number,
        Call.peer_text,
        Call.started_at,
        Call.talk_seconds,
        Call.has_recording,
        Person.id.label("person_id"),
        Person.name.label("person"),
        Line.label.label("line"),
        User.name.label("user"),
        COLLEAGUE.name.label("colleague"),
        Disposition.name.label("disposition"),
    )
    .outerjoin(Person, Person.id == Call.person_id)
    .outerjoin(Line, Line.id == Call.line_id)
    .outerjoin(User, User.id == Call.user_id)
    .outerjoin(COLLEAGUE, COLLEAGUE.id == Call.other_user_id)
    .outerjoin(Disposition, Disposition.id == Call.disposition_id)
    .where(
        sa.tuple_(Call.started_at, Call.id)
        < sa.tuple_(sa.bindparam("at", type_=Call.started_at.type), sa.bindparam("id"))
    )
    .order_by(Call.started_at.desc(), Call.id.desc())
    .limit(50)
)
_NUMBERS = sa.select(PhoneNumber).where(PhoneNumber.person_id == Person.id).correlate(Person)
PERSONS = (
    sa.select(
        Person.id,
        Person.name,
        Organization.id.label("organization_id"),
        Organization.name.label("organization"),
        User.name.label("owner"),
        _NUMBERS.with_only_columns(PhoneNumber.number)
        .order_by(PhoneNumber.position)
        .limit(1)
        .scalar_subquery()
        .label("number"),
        _NUMBERS.with_only_columns(sa.func.count()).scalar_subquery().label("numbers"),
    )
    .outerjoin(Organization, Organization.id == Person.organization_id)
    .outerjoin(User, User.id == Person.owner_id)
    .where(sa.tuple_(Person.sort_name, Person.id) > sa.tuple_(sa.bindparam("at"), sa.bindparam("id")))
    .order_by(Person.sort_name, Person.id)
    .limit(50)
)

app = Flask(__name__)
# Whoever signed in to ours is signed in here.
app.config.update(SECRET_KEY=os.environ["SECRET_KEY"], SESSION_COOKIE_NAME="voipcrm")
logins = LoginManager(app)
session = scoped_session(sessionmaker(sa.create_engine(os.environ["DATABASE_URL"])))


class Viewer(UserMixin):
    def __init__(self, row: Any) -> None:
        self.id, self.name, self.zone = row.id, row.name, ZoneInfo(row.time_zone)


@logins.user_loader
def load(cookie: str) -> Viewer | None:
    row_id, _, key = cookie.partition(".")
    asked = sa.select(User.id, User.name, User.time_zone).join(UserSession, UserSession.user_id == User.id)
    row = session.execute(asked.where(UserSession.id == int(row_id), UserSession.key == key)).one_or_none()
    return Viewer(row) if row else None


@app.get("/calls")
@login_required
def calls() -> str:
    at = datetime.fromisoformat(request.args.get("at", "2100-01-01")).replace(tzinfo=UTC)
    rows = session.execute(CALLS, {"at": at, "id": request.args.get("id", 2**31 - 1, type=int)}).all()
    return render_template("calls.html", calls=rows)


@app.get("/persons")
@login_required
def persons() -> str:
    at = {"at": request.args.get("at", ""), "id": request.args.get("id", 0, type=int)}
    return render_template("persons.html", persons=session.execute(PERSONS, at).all())


@app.template_filter("local")
def local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%d %b %Y, %H:%M")


@app.template_filter("length_of_time")
def length_of_time(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"


@app.template_filter("phone")
def phone(number: str) -> str:
    return numbers.display(number, "US")


@app.teardown_appcontext
def close(_error: BaseException | None) -> None:
    session.remove()
