"""What would happen to a call, told step by step: the decision itself is asked, so that the two cannot differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from voipcrm.core.db import db
from voipcrm.routes.deciding import decide, decide_again
from voipcrm.routes.models import MAX_STEPS, InboundRoute
from voipcrm.routes.rules import Fit, Question, fit
from voipcrm.routes.trying import Decision, Step
from voipcrm.routes.words import OBSTACLES, listed, quoted, shown, sip_shown, whose
from voipcrm.telephony.twiml import MAX_CLIENTS
from voipcrm.trunks.models import CalledLine


@dataclass(frozen=True, slots=True)
class Tried:
    """One route that was looked at. `taken`: it is the one that takes the call."""

    route: InboundRoute
    taken: bool
    why: str


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens, in words; `skipped` are those who are not rung, each with the reason."""

    text: str
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """tried: every route in order. decisions: one for each step that rings, and the last, which ends the call, if
    nobody answers. acts: the same in words. heard: what the caller hears at the end."""

    question: Question
    line: CalledLine | None
    tried: list[Tried]
    decisions: list[Decision]
    acts: list[Act]
    heard: str


def explain(*, to: str, caller: str | None, at: datetime) -> Explanation:
    """A call from `caller` (E.164; None: withheld) to `to` (E.164) at that moment. Hours are judged by `at`, people as
    they are now: nobody knows who will be at the phone."""
    connection = db.session.connection()
    line = CalledLine.of(connection, to)
    question = Question(to, line.id if line else None, caller, at)
    decisions = [decide(connection, question)]
    while (step := decisions[-1].step) is not None and decisions[-1].rings and len(decisions) <= MAX_STEPS:
        decisions.append(decide_again(connection, question, route_id=decisions[-1].route_id, after=step.position))
    return Explanation(
        question=question,
        line=line,
        tried=_tried(question, decisions[0]),
        decisions=decisions,
        acts=[act for decision in decisions for act in _acts(decision)],
        heard=_heard(decisions[-1]),
    )


def _heard(last: Decision) -> str:
    if last.mailbox is None:
        return last.message
    return "A recorded greeting" if last.mailbox.greeting_file else last.mailbox.greeting


def _tried(question: Question, decision: Decision) -> list[Tried]:
    found, tried = False, []
    for route in db.session.scalars(InboundRoute.in_order()):
        taken = route.id == decision.route_id
        tried.append(Tried(route, taken, _why(route, question, found)))
        found = found or taken
    return tried


def _why(route: InboundRoute, question: Question, found: bool) -> str:
    fitting = fit(route, question)
    if fitting is Fit.INACTIVE:
        return "It is turned off."
    if fitting is Fit.FITS:
        return "It fits, but an earlier route takes the call." if found else f"It fits: {_lower(whose(route))}."
    if fitting is Fit.OTHER_CALLER:
        hidden = " This caller hides the number." if question.caller is None else ""
        return f"It is only for callers whose number begins with {route.caller_prefix}.{hidden}"
    return f"It is only for {_lower(whose(route))}."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _acts(decision: Decision) -> list[Act]:
    acts = [
        Act(f"Step {passed.step.position + 1} is passed over. {passed.why}", _skipped(passed.step))
        for passed in decision.passed
    ]
    if decision.closed:
        acts.append(Act(f"It is closed. {decision.closed}"))
    if decision.mailbox:
        label = f"Step {decision.step.position + 1} takes" if decision.step else "Takes"
        return [*acts, Act(f"{label} a message for {decision.mailbox.name}.")]
    if decision.step is None:
        return [*acts, Act(f"Says {quoted(decision.message)} and hangs up.")]
    return [*acts, _ringing(decision, decision.step)]


def _ringing(decision: Decision, step: Step) -> Act:
    label = f"Step {step.position + 1}"
    if decision.way:
        whom = sip_shown(step.sip_user or "")
        return Act(f"{label} calls {whom} through {decision.way.name} for {decision.ring_seconds} s.")
    if decision.number:
        return Act(f"{label} calls {shown(decision.number)} for {decision.ring_seconds} s.")
    names = {one.user_id: one.name for one in step.people}
    people = listed([names[user_id] for user_id in decision.user_ids])
    how = "one after another" if decision.in_turn and len(decision.user_ids) > 1 else ""
    each = " each" if how else ""
    text = f"{label} rings {people}{f', {how},' if how else ''} for {decision.ring_seconds} s{each}."
    return Act(text, (*_skipped(step), *_too_many(decision, step)))


def _skipped(step: Step) -> tuple[str, ...]:
    return tuple(f"{one.name}: {OBSTACLES[one.obstacle]}" for one in step.people if one.obstacle)


def _too_many(decision: Decision, step: Step) -> tuple[str, ...]:
    rest = [one.name for one in step.reachable if one.user_id not in decision.user_ids]
    return tuple(f"{name}: only {MAX_CLIENTS} can be rung in one step" for name in rest)
