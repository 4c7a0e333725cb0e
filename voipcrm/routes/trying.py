"""The steps of a route as they stand for one call: who can be rung and who not, and what is decided. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voipcrm.accounts.models import PRESENCE_EXPIRES, Presence
from voipcrm.accounts.permissions import Can, expand
from voipcrm.calls.wrapping_up import is_wrapping_up
from voipcrm.routes.mailboxes import Box
from voipcrm.trunks.dialling import Way


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom a step names. `obstacle` is why they are not rung: deactivated, not-allowed, offline, away,
    asleep (their browser was not heard of lately) or wrapping-up; None when they are."""

    user_id: int
    name: str
    obstacle: str | None
    is_busy: bool


@dataclass(frozen=True, slots=True)
class Step:
    """strategy: of the ring group, None without one. number: E.164 of a step that calls outside; trunk_id and sip_user
    of one that calls through a trunk. Neither rings anybody here. mailbox_id: of a step that takes a message."""

    id: int
    position: int
    ring_seconds: int | None
    number: str | None
    mailbox_id: int | None
    strategy: str | None
    people: tuple[Candidate, ...]
    trunk_id: int | None = None
    sip_user: str | None = None

    @property
    def reachable(self) -> list[Candidate]:
        return [one for one in self.people if one.obstacle is None]


@dataclass(frozen=True, slots=True)
class Passed:
    """A step that was passed over, and why, in words."""

    step: Step
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a call does next. With a `step`: ring user_ids (at once, or in_turn), call the number, or call the step's
    sip_user by this way, for ring_seconds; with a `mailbox`, take a message, which ends the call. With neither: say the
    message and hang up. `closed` is why, outside hours. route_id is None when no route fits. meant: ids of everybody
    whom the steps so far name and who still works here; they find the call if it is missed."""

    message: str
    route_id: int | None = None
    closed: str | None = None
    step: Step | None = None
    user_ids: tuple[int, ...] = ()
    number: str | None = None
    way: Way | None = None
    mailbox: Box | None = None
    in_turn: bool = False
    ring_seconds: int = 0
    passed: tuple[Passed, ...] = ()
    meant: tuple[int, ...] = ()

    @property
    def rings(self) -> bool:
        """May the caller come to talk with somebody?"""
        return self.step is not None and self.mailbox is None


def meant_by(steps: Iterable[Step]) -> tuple[int, ...]:
    """Ids of everybody whom these steps name and who still works here, each once."""
    return tuple({one.user_id: True for step in steps for one in step.people if one.obstacle != "deactivated"})


def steps_of(rows: Iterable[Any], *, at: datetime) -> list[Step]:
    """Steps from the rows of the joined statement: a row for each step, person and role, in order."""
    steps: dict[int, Any] = {}
    people: dict[int, dict[int, list[Any]]] = {}
    for row in rows:
        steps.setdefault(row.step_id, row)
        named = people.setdefault(row.step_id, {})
        if row.user_id is not None:
            named.setdefault(row.user_id, []).append(row)
    return [
        Step(
            id=step_id,
            position=row.position,
            ring_seconds=row.ring_seconds,
            number=row.number if row.kind == "number" else None,
            mailbox_id=row.mailbox_id if row.kind == "voicemail" else None,
            strategy=row.strategy,
            people=tuple(_candidate(theirs, at) for theirs in people[step_id].values()),
            trunk_id=row.trunk_id if row.kind == "trunk" else None,
            sip_user=row.sip_user,
        )
        for step_id, row in steps.items()
    ]


def _candidate(rows: list[Any], at: datetime) -> Candidate:
    """One person, from their rows: one for each of their roles, and each again if the group has them too."""
    row = rows[0]
    held = {permission for one in rows for permission in one.permissions or ()}
    obstacle = _obstacle(row, held, at) or ("wrapping-up" if any(_wraps_up(one, at) for one in rows) else None)
    return Candidate(row.user_id, row.name, obstacle, row.state == "busy")


def _wraps_up(row: Any, at: datetime) -> bool:
    return row.wrap_up_at is not None and is_wrapping_up(row.wrap_up_at, row.wrap_up_seconds, at=at)


def _obstacle(row: Any, held: set[str], at: datetime) -> str | None:
    if row.deactivated_at is not None:
        return "deactivated"
    if Can.RECEIVE_CALLS not in expand(held):
        return "not-allowed"
    if row.state is None or row.state not in Presence.REACHABLE:
        return "away" if row.state == "away" else "offline"
    return None if row.seen_at > at - PRESENCE_EXPIRES else "asleep"
