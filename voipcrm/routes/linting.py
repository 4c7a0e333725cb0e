"""What is wrong with the routes as they stand, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import selectinload

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.house import house
from voipcrm.routes.mailboxes import Mailbox
from voipcrm.routes.models import GroupMember, InboundRoute, RingGroup, RouteStep, StepPerson
from voipcrm.routes.words import listed, quoted, shown
from voipcrm.telephony import guard
from voipcrm.telephony.errors import NotAllowed
from voipcrm.trunks.models import Line


@dataclass(frozen=True, slots=True)
class Problem:
    """kind: shadowed, looping, forbidden, empty, unreachable, retired or unrouted. route is None for a number that no
    route is for."""

    kind: str
    route: InboundRoute | None
    text: str
    remedy: str


def routes_with_everybody() -> list[InboundRoute]:
    """All routes in their order with their steps, groups, people and roles, in a few statements however many."""
    return list(db.session.scalars(InboundRoute.in_order().options(*_everybody())).unique())


def problems(routes: Sequence[InboundRoute]) -> list[Problem]:
    """Everything that is wrong with all the routes; theirs in their order, then numbers without one."""
    lines = list(db.session.scalars(Line.in_use().order_by(Line.label, Line.id)))
    active = [route for route in routes if route.active]
    found = [problem for at, route in enumerate(active) for problem in _of_route(route, active[:at], lines)]
    return [*found, *_unrouted(active, lines)]


def _everybody() -> list[Any]:
    load = selectinload
    steps = load(InboundRoute.steps)
    named = steps.selectinload(RouteStep.people).joinedload(StepPerson.user).selectinload(User.roles)
    grouped = steps.selectinload(RouteStep.group).selectinload(RingGroup.members)
    mailbox = steps.selectinload(RouteStep.mailbox)
    readers = mailbox.selectinload(Mailbox.group).selectinload(RingGroup.members).joinedload(GroupMember.user)
    return [
        named,
        grouped.joinedload(GroupMember.user).selectinload(User.roles),
        mailbox.selectinload(Mailbox.user),
        readers,
        steps.joinedload(RouteStep.trunk),
    ]


def _of_route(route: InboundRoute, earlier: Sequence[InboundRoute], lines: Sequence[Line]) -> Iterator[Problem]:
    shadow = next((one for one in earlier if _covers(one, route)), None)
    if shadow is not None:
        yield Problem(
            "shadowed",
            route,
            f"It never takes a call: {quoted(shadow.description)} stands before it and takes them all.",
            "Move it up, or turn it off.",
        )
    if route.line is not None and route.line.retired_at is not None:
        yield Problem(
            "retired", route, f"Its line {route.line.label} is retired.", "Choose another line, or delete it."
        )
    if not route.steps and not route.message:
        yield Problem(
            "empty",
            route,
            "It rings nobody and says nothing of its own.",
            "Add a step, or write what callers hear.",
        )
    for step in route.steps:
        yield from _of_step(route, step, lines)


def _of_step(route: InboundRoute, step: RouteStep, lines: Sequence[Line]) -> Iterator[Problem]:
    label = f"Step {step.position + 1}"
    if step.kind == "trunk":
        yield from _of_trunk(route, step, lines)
        return
    if step.kind == "number":
        yield from _of_number(route, label, step.number or "", lines)
        return
    if step.kind == "voicemail":
        yield from _of_mailbox(route, step)
        return
    people = [one.user for one in (*step.people, *(step.group.members if step.group else ()))]
    if not people:
        yield Problem("empty", route, f"{label} names nobody.", "Choose people for it, or remove it.")
        return
    unable = list(dict.fromkeys(user.name for user in people if not user.may(Can.RECEIVE_CALLS)))
    if unable:
        nobody = " Nobody is left to ring." if all(not user.may(Can.RECEIVE_CALLS) for user in people) else ""
        text = f"{label} names {listed(unable)}, who can’t receive calls (deactivated, or without that right).{nobody}"
        yield Problem("unreachable", route, text, "Choose somebody else, or give them a role that may.")


def _of_trunk(route: InboundRoute, step: RouteStep, lines: Sequence[Line]) -> Iterator[Problem]:
    trunk, user = step.trunk, step.sip_user or ""
    label = f"Step {step.position + 1}"
    if trunk is None or trunk.retired_at is not None or not trunk.active:
        what = "is turned off" if trunk and trunk.retired_at is None else "is no longer there"
        text = f"{label} calls through {quoted(trunk.name if trunk else 'a trunk')}, which {what}."
        yield Problem("unreachable", route, text, "Turn the trunk on, or choose another.")
    if user.startswith("+"):
        yield from _of_number(route, label, user, lines)


def _of_number(route: InboundRoute, label: str, number: str, lines: Sequence[Line]) -> Iterator[Problem]:
    if number in {line.number for line in lines}:
        text = f"{label} calls {shown(number)}, which is a number of ours: the call would come back."
        yield Problem("looping", route, text, "Ring people instead, or call another number.")
        return
    try:
        guard.check(number, allowed_countries=house.countries_allowed, allow_fictional=settings.is_sandbox)
    except NotAllowed as error:
        yield Problem("forbidden", route, f"{label} can’t call {shown(number)}. {error.sentence}", "Change it.")


def _of_mailbox(route: InboundRoute, step: RouteStep) -> Iterator[Problem]:
    label, mailbox = f"Step {step.position + 1}", step.mailbox
    if mailbox is None:
        yield Problem("empty", route, f"{label} has no mailbox.", "Choose one for it, or remove it.")
        return
    readers = [one.user for one in mailbox.group.members] if mailbox.group else list(filter(None, [mailbox.user]))
    if all(user.deactivated_at for user in readers):
        text = f"{label} takes messages for {mailbox.name}, which nobody reads: its people are deactivated or gone."
        yield Problem("unreachable", route, text, "Give the mailbox to somebody else.")
    if any(one.position > step.position for one in route.steps):
        text = f"{label} takes a message, which ends the call: what comes behind it is never reached."
        yield Problem("unreachable", route, text, "Move it to the end.")


def _unrouted(active: Sequence[InboundRoute], lines: Sequence[Line]) -> Iterator[Problem]:
    for line in lines:
        if not any(route.serves(line) and not route.caller_prefix for route in active):
            yield Problem(
                "unrouted",
                None,
                f"Some calls to {line.label}, {shown(line.number)}, have no route. Callers hear that nobody is there.",
                "Add a route for it, or one for any number.",
            )
    if lines and not any(route.is_catch_all for route in active):
        yield Problem(
            "unrouted",
            None,
            "No route takes calls to numbers that no other route is for.",
            "Add a route for any number as the last.",
        )


def _covers(wide: InboundRoute, narrow: InboundRoute) -> bool:
    """Does every call that `narrow` is for also fit `wide`?"""
    if not narrow.caller_prefix.startswith(wide.caller_prefix):
        return False
    if wide.line_id is not None:
        return wide.line_id == narrow.line_id
    called = narrow.line.number if narrow.line else narrow.prefix
    return called.startswith(wide.prefix)
