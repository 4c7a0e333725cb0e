"""Where an incoming call goes: the route that fits, its first step that reaches somebody, and what is said at the end.

The caller waits in silence for the first decision, so it is two statements that travel together, before it is known
which route fits (bench/webhooks.py measures it). What one step leads to after it rang in vain is asked anew, with the
people as they are then. Positions only ever rise, so no call goes round in a route; how it could through the phone
network is seen to in `routes.forwarding`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from voipcrm.accounts.models import Presence, Role, User, user_roles
from voipcrm.calls.wrapping_up import WrapUp
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.house import house
from voipcrm.core.pages import zone
from voipcrm.core.prepared import Asked, Connection, Prepared
from voipcrm.routes import forwarding
from voipcrm.routes.hours import why_closed
from voipcrm.routes.idling import longest_idle_first
from voipcrm.routes.mailboxes import box
from voipcrm.routes.models import GroupMember, InboundRoute, RingGroup, RouteStep, StepPerson
from voipcrm.routes.rules import Fit, Question, fit
from voipcrm.routes.trying import Decision, Passed, Step, meant_by, steps_of
from voipcrm.telephony.twiml import MAX_CLIENTS
from voipcrm.trunks.dialling import Way
from voipcrm.trunks.models import Line

NOBODY = "Sorry, nobody can take your call right now. Please try again later."
CLOSED = "We are closed right now. Please call again during our opening hours."

_RULES = (
    InboundRoute.id,
    InboundRoute.active,
    InboundRoute.line_id,
    InboundRoute.prefix,
    InboundRoute.caller_prefix,
    InboundRoute.hours,
    InboundRoute.holidays,
    InboundRoute.time_zone,
    InboundRoute.closed_message,
    InboundRoute.closed_mailbox_id,
    InboundRoute.message,
)


def _for_number(*columns: Any) -> Any:
    """Of the active routes that may be for calls to a number."""
    return (
        sa.select(*columns)
        .select_from(InboundRoute)
        .outerjoin(Line, Line.id == InboundRoute.line_id)
        .where(InboundRoute.active, sa.or_(InboundRoute.line_id.is_(None), Line.number == sa.bindparam("number")))
    )


def _with_people(*which: Any) -> Any:
    """The chosen steps with everybody they name: by themselves, then by their group; a row for each role, and for
    each call that they still wrap up."""
    step = sa.select(RouteStep).where(*which).cte("step").c
    named = sa.select(
        step.id.label("step_id"), StepPerson.user_id, StepPerson.position, sa.literal_column("0").label("via")
    )
    grouped = sa.select(step.id, GroupMember.user_id, GroupMember.position, sa.literal_column("1").label("via"))
    both = sa.union_all(
        named.join(StepPerson, StepPerson.step_id == step.id),
        grouped.join(GroupMember, GroupMember.group_id == step.group_id),
    ).subquery()
    return (
        sa.select(
            step.id.label("step_id"),
            step.route_id,
            step.position,
            step.kind,
            step.ring_seconds,
            step.number,
            step.trunk_id,
            step.sip_user,
            step.mailbox_id,
            RingGroup.strategy,
            User.id.label("user_id"),
            User.name,
            User.deactivated_at,
            Presence.state,
            Presence.seen_at,
            WrapUp.began_at.label("wrap_up_at"),
            WrapUp.limit_seconds.label("wrap_up_seconds"),
            Role.permissions,
        )
        .outerjoin(RingGroup, RingGroup.id == step.group_id)
        .outerjoin(both, both.c.step_id == step.id)
        .outerjoin(User, User.id == both.c.user_id)
        .outerjoin(Presence, Presence.user_id == User.id)
        .outerjoin(WrapUp, sa.and_(WrapUp.user_id == User.id, WrapUp.finished_at.is_(None)))
        .outerjoin(user_roles, user_roles.c.user_id == User.id)
        .outerjoin(Role, Role.id == user_roles.c.role_id)
        .order_by(step.route_id, step.position, step.id, both.c.via, both.c.position, User.id)
    )


_RULES_FOR_NUMBER = Prepared(lambda: _for_number(*_RULES).order_by(InboundRoute.position, InboundRoute.id))
_STEPS_FOR_NUMBER = Prepared(lambda: _with_people(RouteStep.route_id.in_(_for_number(InboundRoute.id))))
_RULE = Prepared(lambda: sa.select(*_RULES).where(InboundRoute.id == sa.bindparam("route_id")))
_STEPS_AFTER = Prepared(
    lambda: _with_people(RouteStep.route_id == sa.bindparam("route_id"), RouteStep.position > sa.bindparam("after"))
)


def decide(connection: Connection, question: Question) -> Decision:
    """What a call does first. A number that no route is for is told that nobody is there: never silence."""
    return ask(connection, question.to).decide(connection, question)


def ask(connection: Connection, number: str | None) -> Asking:
    """Ask for all that a decision on a call to this number needs, before more is known of the call."""
    named = {"number": number}
    return Asking(_RULES_FOR_NUMBER.ask(connection, named), _STEPS_FOR_NUMBER.ask(connection, named))


@dataclass(frozen=True, slots=True)
class Asking:
    """The routes that may be for a call, with all their steps: questions on their way to the database."""

    rules: Asked
    steps: Asked

    def decide(self, connection: Connection, question: Question) -> Decision:
        """What the call does first; see `decide`."""
        rule = next((rule for rule in self.rules.rows() if fit(rule, question) is Fit.FITS), None)
        if rule is None:
            return Decision(message=NOBODY)
        steps = steps_of((row for row in self.steps.rows() if row.route_id == rule.id), at=clock.now())
        closed = why_closed(rule.hours, rule.holidays, zone(rule.time_zone or house.default_time_zone), question.at)
        if closed is None:
            return _next(connection, question, rule, steps)
        return _closed(connection, rule, closed, steps)


def decide_again(connection: Connection, question: Question, *, route_id: int | None, after: int) -> Decision:
    """What a call does once the step at position `after` of its route has rung in vain."""
    rule = _RULE.first(connection, {"route_id": route_id})
    if rule is None:  # deleted while it rang
        return Decision(message=NOBODY)
    rows = _STEPS_AFTER.rows(connection, {"route_id": rule.id, "after": after})
    return _next(connection, question, rule, steps_of(rows, at=clock.now()))


def _closed(connection: Connection, rule: Any, why: str, steps: list[Step]) -> Decision:
    """Words, or the mailbox that takes messages outside hours. Those who would have rung first find the call."""
    meant = meant_by([step for step in steps if step.people][:1])
    found = box(connection, rule.closed_mailbox_id) if rule.closed_mailbox_id is not None else None
    if found:
        meant = tuple(dict.fromkeys([*meant, *found.user_ids]))
    message = rule.closed_message or CLOSED
    return Decision(route_id=rule.id, message=message, closed=why, meant=meant, mailbox=found)


def _next(connection: Connection, question: Question, rule: Any, steps: list[Step]) -> Decision:
    """The first of the steps that can be done, with those that were passed over; else the route's last words."""
    passed: list[Passed] = []
    message = rule.message or NOBODY
    for step in steps:
        way, obstacle = _way(connection, question, step)
        if obstacle is not None:
            passed.append(Passed(step, obstacle))
            continue
        if step.mailbox_id is not None and (found := box(connection, step.mailbox_id)):
            named = meant_by(one.step for one in passed)
            return Decision(
                route_id=rule.id,
                message=message,
                passed=tuple(passed),
                meant=tuple(dict.fromkeys([*named, *found.user_ids])),
                step=step,
                mailbox=found,
            )
        rung = [] if step.number or way else step.reachable
        if step.strategy == "longest-idle" and len(rung) > 1:
            rung = longest_idle_first(connection, step.id, rung)
        return Decision(
            route_id=rule.id,
            message=message,
            passed=tuple(passed),
            meant=meant_by([*(one.step for one in passed), step]),
            step=step,
            user_ids=tuple(one.user_id for one in rung[:MAX_CLIENTS]),
            number=step.number,
            way=way,
            in_turn=step.strategy not in (None, "all"),
            ring_seconds=step.ring_seconds or settings.ring_seconds,
        )
    meant = meant_by(one.step for one in passed)
    return Decision(route_id=rule.id, message=message, passed=tuple(passed), meant=meant)


def _way(connection: Connection, question: Question, step: Step) -> tuple[Way | None, str | None]:
    """The trunk of a step that has one; and why the step is passed over, in words, None when it can be done."""
    if step.trunk_id is not None:
        return forwarding.trunk(connection, step.trunk_id, step.sip_user or "", question)
    if step.number is not None:
        return None, forwarding.obstacle(connection, step.number, question)
    return None, None if step.reachable or step.mailbox_id is not None else "Nobody here can be rung."
