"""A page of the history that costs the same among ten thousand calls and among ten million.

Whose calls somebody may see, whose they ask for, and what counts as unanswered are each one of several conditions. Here
they are taken apart, so that each combination comes out of its own index in the order of the page."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, lazyload, load_only

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.calls import history
from voipcrm.calls.dispositions import Disposition
from voipcrm.calls.models import Call, CallTarget
from voipcrm.calls.words import MISSED
from voipcrm.contacts.models import Person
from voipcrm.contacts.searching import weigh
from voipcrm.core.paging import Page, page_of
from voipcrm.trunks.models import Line

Conditions = list[sa.ColumnElement[bool]]
FEW = 1000  # calls that were meant for somebody: so many are read and sorted in a few milliseconds


def page(user: User, wanted: history.Filters, *, cursor: str | None, oldest_first: bool = False) -> Page[Call]:
    """The calls that this person may see and asked for, by when they began, with the names they need. One statement."""
    if wanted.q:
        weigh()
    rest = replace(wanted, person=None, outcome=None if wanted.outcome == "unanswered" else wanted.outcome)
    common = history.filtered(sa.select(Call), rest).whereclause
    choices = [some for some in (_seen_by(user), _of(wanted), _came_to(wanted.outcome)) if some]
    either = [sa.select(Call).where(*one) for one in product(*choices)]
    query = sa.select(Call)
    if common is not None:
        either = [one.where(common) for one in either]
        query = query.where(common) if not either else query
    whole = (either[0] if len(either) == 1 else query).options(*_shown())
    parts = either if len(either) > 1 else ()
    return page_of(whole, Call.started_at, Call.id, cursor=cursor, descending=not oldest_first, either=parts)


@cache
def _shown() -> tuple[Any, ...]:
    """What a row shows, and no more, since each column takes its time. Whatever else is asked of these calls costs a
    statement each, until it is named here."""
    return (
        load_only(
            Call.public_id,
            Call.direction,
            Call.state,
            Call.outcome,
            Call.other_user_id,
            Call.peer_number,
            Call.peer_text,
            Call.started_at,
            Call.talk_seconds,
            Call.has_recording,
            Call.held_at,
            Call.is_by_hand,
        ),
        Call.with_mailbox(),
        joinedload(Call.user).load_only(User.name),
        joinedload(Call.other_user).load_only(User.name),
        joinedload(Call.line).load_only(Line.label),
        joinedload(Call.person).options(load_only(Person.name), lazyload(Person.organization)),
        joinedload(Call.disposition).load_only(Disposition.name),
    )


def _seen_by(user: User) -> Conditions:
    """Call.visible_to, taken apart; empty: all calls. A team's stay one condition, that the newest calls are tried
    with: they are many among all, and the indexes of its members would have to be merged."""
    if user.may(Can.VIEW_ALL_CALLS):
        return []
    if user.may(Can.VIEW_TEAM_CALLS) and user.team_id is not None:
        team = sa.select(User.id).where(User.team_id == user.team_id)
        theirs = (_walked(Call.user_id).in_(team), _walked(Call.other_user_id).in_(team))
        return [sa.or_(*theirs, _meant_for(team, _walked(Call.user_id)))]
    return [Call.user_id == user.id, Call.other_user_id == user.id, *_meant_for_one(user.id)]


def _meant_for(people: Any, answered_by: Any) -> sa.ColumnElement[bool]:
    return sa.and_(answered_by.is_(None), Call.is_meant_for(people))


def _meant_for_one(user_id: int) -> Conditions:
    """_meant_for in two ways, of which one is closed. Whoever has many such calls finds the newest of them soon among
    all that nobody answered; whoever has few would look through all of those, and finds theirs by themselves."""
    theirs = sa.select(CallTarget.call_id).where(CallTarget.user_id == user_id).limit(FEW + 1)
    counted = sa.select(sa.func.count()).select_from(theirs.subquery()).scalar_subquery()
    few = sa.and_(counted <= FEW, _walked(Call.user_id).is_(None), Call.id.in_(sa.select(theirs.subquery())))
    return [few, sa.and_(counted > FEW, _meant_for([user_id], Call.user_id))]


def _of(wanted: history.Filters) -> Conditions:
    if wanted.person is None:
        return []
    return history.of_person(wanted.person, wanted.outcome, meant_for=_meant_for_one)


def _came_to(outcome: str | None) -> Conditions:
    return [Call.outcome == one for one in MISSED] if outcome == "unanswered" else []


def _walked(column: Any) -> Any:
    """The column as no index has it: the database then walks the index of the order."""
    return column + 0
