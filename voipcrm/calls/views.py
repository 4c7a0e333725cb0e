"""Pages of calls: the history, one call, and the lists that other pages ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, redirect, request, url_for
from flask_login import current_user
from sqlalchemy.orm import selectinload

from voipcrm.accounts.permissions import Can
from voipcrm.calls import about, by_hand, costs, history, linking, listing
from voipcrm.calls.analytics import asked_of, total
from voipcrm.calls.by_hand import LoggedCall
from voipcrm.calls.models import Call, Leg
from voipcrm.calls.notes import notes_of
from voipcrm.calls.periods import Period
from voipcrm.calls.telling import Cast, parts, rang_seconds, tell
from voipcrm.calls.words import read, readings
from voipcrm.contacts.choices import sharers
from voipcrm.contacts.models import Organization, Person
from voipcrm.contacts.notes import entries
from voipcrm.core import clock
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.house import house
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.paging import cursor_of_request
from voipcrm.telephony import numbers

bp = Blueprint("calls", __name__)
SHORT_LIST = 8
TIMELINE = 20  # things in a contact's timeline, and how many more one asks for


@bp.app_context_processor
def _reading() -> dict[str, Any]:
    return {
        "reading": lambda call: read(call, current_user.id),
        "readings": lambda calls: readings(calls, current_user.id),
        "time_of_day": _time_of_day,
        "because": _because,
    }


@bp.get("/calls")
@requires(Can.VIEW_CALLS)
def index() -> Any:
    wanted = history.Filters.of(request.args)
    is_partial = request.headers.get("HX-Request-Type") == "partial"
    choices = None if is_partial else history.choices(current_user, wanted)
    oldest_first = request.args.get("sort") == "oldest"
    page = listing.page(current_user, wanted, cursor=cursor_of_request(), oldest_first=oldest_first)
    return render(
        "calls/index.html", "calls/_results.html", page=page, wanted=wanted, oldest_first=oldest_first, choices=choices
    )


@bp.get("/calls/<public_id>")
@requires(Can.VIEW_CALLS)
def show(public_id: str) -> Any:
    """One call. While it is live its page asks again, with ?was= the state that it shows."""
    query = Call.with_names(Call.visible_to(current_user))
    whole = query.options(selectinload(Call.legs).joinedload(Leg.user), selectinload(Call.events))
    call = find(whole, public_id, by="public_id")
    cast, decisions = _cast(call), linking.decisions(call)
    logged = LoggedCall.behind(call)
    told = by_hand.steps(logged) if logged else tell(call, call.legs, call.events, cast)
    steps = [*told, *linking.steps(decisions)]
    page = render(
        "calls/show.html",
        "calls/_call.html",
        seen=read(call, current_user.id),
        steps=sorted(steps, key=lambda step: step.at),
        logged=logged,
        relink=linking.to_undo(decisions),
        sharing=len(sharers(Person.visible_to(current_user), call.peer_number)),
        parts=parts(call, call.legs, cast),
        rang_seconds=rang_seconds(call, call.legs),
        bill=costs.bill(call, call.legs, cast),
        **({"call": call} if request.headers.get("HX-Request-Type") == "partial" else about.part(call)),
    )
    if request.args.get("was", call.state) != call.state:
        page.headers["HX-Trigger"] = "voipcrm:call-changed"
    elif call.is_live and request.headers.get("HX-Request-Type") == "full":
        # Perhaps the way here was "Who is this?": the phone asks again whom its call is with.
        page.headers["HX-Trigger"] = "voipcrm:call-linked, voipcrm:call-shown"
    return page


@bp.get("/calls/latest")
@requires(Can.VIEW_CALLS)
def latest() -> Any:
    """The newest calls as a short list; the history in full to whoever opens the address."""
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("calls.index"))
    return render("calls/_latest.html", calls=_newest(Call.visible_to(current_user)))


@bp.get("/calls/with/<int(max=2147483647):person_id>")
@requires(Can.VIEW_CALLS)
def with_person(person_id: int) -> Any:
    """What happened with a contact, calls, notes and finished tasks by time, for their page; the history of the calls
    in full to whoever opens the address. ?show= is how many things."""
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("calls.index", contact=person_id))
    person = find(Person.visible_to(current_user), person_id)
    limit = min(max(request.args.get("show", TIMELINE, type=int), 1), 10 * TIMELINE)
    newest = Call.visible_to(current_user).where(Call.person_id == person.id)
    newest = newest.order_by(Call.started_at.desc(), Call.id.desc()).limit(limit + 1)
    calls = db.session.scalars(Call.with_names(newest)).unique().all()
    things = [(call.started_at, "call", call) for call in calls]
    things += [(one.at, one.kind, one) for one in entries(person, limit=limit + 1)]
    things.sort(key=lambda thing: thing[0], reverse=True)
    more = min(limit + TIMELINE, 10 * TIMELINE) if len(things) > limit < 10 * TIMELINE else None
    return render(
        "calls/_with_person.html",
        things=things[:limit],
        person=person,
        more=more,
        has_calls=bool(calls),
        notes=notes_of(calls),
    )


@bp.get("/calls/with-organization/<int(max=2147483647):organization_id>")
@requires(Can.VIEW_CALLS)
def with_organization(organization_id: int) -> Any:
    """The newest calls with the people of an organization, for its page."""
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("organizations.show", organization_id=organization_id))
    organization = find(Organization.visible_to(current_user), organization_id)
    people = sa.select(Person.id).where(Person.organization_id == organization.id)
    calls = _newest(Call.visible_to(current_user).where(Call.person_id.in_(people)))
    return render("calls/_with_organization.html", calls=calls, organization=organization)


@bp.get("/calls/summary")
@requires(Can.VIEW_CALLS)
def summary() -> Any:
    """The numbers that analytics has of today, today being the viewer's."""
    if request.headers.get("HX-Request-Type") != "partial":
        return redirect(url_for("home.index"))
    today = clock.now().astimezone(viewer_zone()).date()
    figures = total(current_user, asked_of(Period(today, today, viewer_zone())))
    return render("calls/_summary.html", figures=figures, today=today.isoformat())


def _newest(query: sa.Select[Call]) -> Sequence[Any]:
    newest = query.order_by(Call.started_at.desc(), Call.id.desc()).limit(SHORT_LIST)
    return db.session.scalars(Call.with_names(newest)).unique().all()


def _cast(call: Call) -> Cast:
    known = [call.user, call.other_user, *(leg.user for leg in call.legs)]
    number = numbers.display(call.peer_number, house.default_country) if call.peer_number else "the caller"
    return Cast(
        people={user.id: user.name for user in known if user},
        other=call.person.name if call.person else number,
        line=call.line.label if call.line else "",
    )


def _because(call: Call) -> str:
    """Why the call is linked, as it goes on after "because": the number is written as people know it."""
    reason = call.person_reason
    reason = reason[:1].lower() + reason[1:]
    if call.peer_number:
        reason = reason.replace(call.peer_number, numbers.display(call.peer_number, house.default_country))
    return reason


def _time_of_day(moment: datetime) -> str:
    """'10:42:03' in the viewer's zone."""
    return f"{moment.astimezone(viewer_zone()):%-H:%M:%S}"
