"""What somebody wants to see of a log, which tells who did what and when: read from the address of its page."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from voipcrm.core import asking

Q = TypeVar("Q", bound=sa.Select[Any])


@dataclass(frozen=True, slots=True)
class LogFilters:
    """The filters that are set. A value that makes no sense counts as not set."""

    person: int | None = None  # who did it
    kind: str = ""  # what they did
    since: date | None = None
    until: date | None = None  # that day included

    @classmethod
    def read(cls, args: MultiDict[str, str], kinds: Container[str]) -> LogFilters:
        return cls(
            person=args.get("person", type=asking.row_id),
            kind=kind if (kind := args.get("kind", "")) in kinds else "",
            since=args.get("since", type=asking.day),
            until=args.get("until", type=asking.day),
        )

    @property
    def is_set(self) -> bool:
        return self != LogFilters()

    def narrow(self, query: Q, zone: ZoneInfo, *, person: Any, kind: Any, at: Any) -> Q:
        """The query with what was asked for: of the columns `person` (a user's id), `kind` and `at`; days are days of
        `zone`."""
        query = query.where(*asking.within(at, self.since, self.until, zone))
        if self.person is not None:
            query = query.where(person == self.person)
        return query.where(kind == self.kind) if self.kind else query
