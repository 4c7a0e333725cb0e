"""Is this route for that call? Pure: the decision, the simulator and the linter ask here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Question:
    """A call that arrives: `to` as the provider says it, line_id if that is a line of ours, `caller` in E.164 or None
    when the number is withheld, `at` the moment by which opening hours are judged."""

    to: str | None
    line_id: int | None
    caller: str | None
    at: datetime


class Rule(Protocol):
    """What of a route is looked at; rows of the hot path and InboundRoute both are."""

    @property
    def line_id(self) -> Any: ...
    @property
    def prefix(self) -> Any: ...
    @property
    def caller_prefix(self) -> Any: ...
    @property
    def active(self) -> Any: ...


class Fit(StrEnum):
    FITS = "fits"
    INACTIVE = "inactive"
    OTHER_LINE = "other-line"
    OTHER_PREFIX = "other-prefix"
    OTHER_CALLER = "other-caller"


def fit(rule: Rule, question: Question) -> Fit:
    """Whether the rule is for the call, else the first reason why not."""
    if not rule.active:
        return Fit.INACTIVE
    if rule.line_id is not None:
        if rule.line_id != question.line_id:
            return Fit.OTHER_LINE
    elif rule.prefix and not (question.to or "").startswith(rule.prefix):
        return Fit.OTHER_PREFIX
    if rule.caller_prefix and not (question.caller or "").startswith(rule.caller_prefix):
        return Fit.OTHER_CALLER
    return Fit.FITS
