"""Routes as people say them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from voipcrm.core.app import settings
from voipcrm.core.house import house
from voipcrm.routes.hours import week_text
from voipcrm.routes.models import InboundRoute, RingGroup, RouteStep
from voipcrm.telephony import numbers

STRATEGY_WORDS = {
    "all": "All at once",
    "in-order": "One after another, in this order",
    "longest-idle": "One after another, who has waited longest first",
}
_TURNS = {"all": "", "in-order": ", one after another", "longest-idle": ", longest idle first"}
OBSTACLES = {
    "deactivated": "deactivated",
    "not-allowed": "may not receive calls",
    "offline": "offline",
    "away": "away",
    "asleep": "not heard of for over 90 s",
    "wrapping-up": "wrapping up a call",
}


def shown(number: str) -> str:
    return numbers.display(number, house.default_country)


def sip_shown(user: str) -> str:
    """Whom a trunk is asked for: a number, or a name or extension as it is."""
    return shown(user) if user.startswith("+") else user


def listed(names: Sequence[str]) -> str:
    """ "Ada, Bo and Cy"; many are counted."""
    if len(names) > 5:
        return f"{', '.join(names[:4])} and {len(names) - 4} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def quoted(text: str) -> str:
    return f"“{text}”"


def whose(route: InboundRoute) -> str:
    """Which calls it is for: "Calls to Sales line from numbers that begin with +49"."""
    if route.line is not None:
        words = f"Calls to {route.line.label}"
    elif route.prefix:
        words = f"Calls to numbers that begin with {route.prefix}"
    else:
        words = "Calls to any number"
    return words + (f" from numbers that begin with {route.caller_prefix}" if route.caller_prefix else "")


def when(route: InboundRoute) -> str:
    """Its hours: "Always", or "Mon–Fri 9:00–17:00 (Europe/Berlin), 2 holidays"."""
    holidays = len(route.holidays)
    closed = f"{holidays} {'holiday' if holidays == 1 else 'holidays'}" if holidays else ""
    if not route.hours:
        return f"Always, but for {closed}" if closed else "Always"
    hours = f"{week_text(route.hours)} ({route.time_zone or house.default_time_zone})"
    return f"{hours}, {closed}" if closed else hours


def then(route: InboundRoute) -> list[str]:
    """What it does, one sentence a step, the end last."""
    end = f"says {quoted(route.message)}" if route.message else "says that nobody can take the call"
    takes_message = any(step.kind == "voicemail" for step in route.steps)
    sentences = [*(_step(step) for step in route.steps), *([] if takes_message else [end])]
    return [f"{sentences[0][:1].upper()}{sentences[0][1:]}", *(f"Then {one}" for one in sentences[1:])]


def _step(step: RouteStep) -> str:
    seconds = f"for {step.ring_seconds or settings.ring_seconds} s"
    if step.kind == "number":
        return f"calls {shown(step.number or '')} {seconds}"
    if step.kind == "trunk":
        return (
            f"calls {sip_shown(step.sip_user or '')} through {step.trunk.name if step.trunk else 'a trunk'} {seconds}"
        )
    if step.kind == "voicemail":
        return f"takes a message for {step.mailbox.name if step.mailbox else 'nobody'}"
    people = listed([one.user.name for one in step.people])
    turns = _TURNS[step.group.strategy] if step.group else ""
    return (
        f"rings {listed([*filter(None, (people, step.group.name if step.group else ''))]) or 'nobody'}{turns} {seconds}"
    )


def members(group: RingGroup) -> str:
    return listed([one.user.name for one in group.members]) or "Nobody"


def names(routes: Iterable[InboundRoute]) -> str:
    return listed([quoted(one.description) for one in routes])


def facts(route: InboundRoute) -> dict[str, object]:
    """A route as the audit log keeps it."""
    return {
        "description": route.description,
        "for": whose(route),
        "when": when(route),
        "does": then(route),
        "holidays": list(route.holidays),
        "closed_message": route.closed_message,
        "closed_mailbox": route.closed_mailbox.name if route.closed_mailbox else "",
        "active": route.active,
    }


def group_facts(group: RingGroup) -> dict[str, object]:
    """A ring group as the audit log keeps it."""
    return {"name": group.name, "strategy": group.strategy, "members": [one.user.name for one in group.members]}
