"""The audit log: who changed what of the set-up, when and from where. Written in the transaction of the change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import has_request_context, request
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import MultiDict

from voipcrm.accounts.models import User
from voipcrm.core import asking
from voipcrm.core.db import Record, db

# What can happen to a subject, in words of the log. A new verb is a new line here.
VERBS = {
    "created": "Created",
    "changed": "Changed",
    "deleted": "Deleted",
    "retired": "Retired",
    "restored": "Restored",
    "moved": "Moved",
    "imported": "Imported",
    "import-undone": "Took an import back",
    "exported": "Exported",
    "merged": "Merged",
    "merge-undone": "Took a merge apart",
    "wired": "Wired at the provider",
    "invited": "Invited",
    "joined": "Accepted the invitation",
    "deactivated": "Deactivated",
    "reactivated": "Reactivated",
    "signed-in": "Signed in",
    "signed-out": "Ended sessions",
    "password-link": "Made a link for a new password",
    "password": "Chose a new password",
    "two-step-on": "Turned two-step sign-in on",
    "two-step-off": "Turned two-step sign-in off",
    "recovery-codes": "Made new recovery codes",
}
KINDS = {
    "users": "Person",
    "roles": "Role",
    "teams": "Team",
    "lines": "Line",
    "trunks": "Trunk",
    "inbound_routes": "Inbound route",
    "ring_groups": "Ring group",
    "dispositions": "Disposition",
    "wrap_up_policy": "Wrap-up",
    "persons": "Contact",
    "imports": "Import of contacts",
    "house_settings": "Company",
}
_SECRET = re.compile(r"password|secret|token|hash|credential|api_?key", re.IGNORECASE)
Facts = Mapping[str, Any]


class AuditEntry(Record):
    """One change. Names are kept as they were, so that the log reads on after the row is renamed or gone."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        sa.Index("ix_audit_entries_at", "created_at", "id"),
        sa.Index("ix_audit_entries_user_at", "user_id", "created_at", "id"),
        sa.Index("ix_audit_entries_verb_at", "verb", "created_at", "id"),
    )

    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))  # None: the command line or the house itself
    user_name: Mapped[str] = mapped_column(default="")
    verb: Mapped[str]  # of VERBS
    subject_kind: Mapped[str]  # its table
    subject_id: Mapped[int | None]
    subject_name: Mapped[str] = mapped_column(default="")
    before: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    ip: Mapped[str] = mapped_column(default="")

    @property
    def verb_words(self) -> str:
        return VERBS.get(self.verb, self.verb)

    @property
    def kind_words(self) -> str:
        return KINDS.get(self.subject_kind, self.subject_kind.replace("_", " ").removesuffix("s").capitalize())

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        """(what, before, after) in words, for each fact that changed."""
        keys = [*self.before, *(key for key in self.after if key not in self.before)]
        return [(key.replace("_", " "), _words(self.before.get(key)), _words(self.after.get(key))) for key in keys]


def note(
    verb: str, subject: Record, *, by: User | None, before: Facts | None = None, after: Facts | None = None
) -> AuditEntry:
    """Write down that `by` did `verb` to `subject`, which has its id already (flush a new one first).

    before, after: facts by name, of JSON types and moments; only those that differ are kept, and of secrets only that
    they changed. Raises ValueError for a verb that is not of VERBS. The caller commits."""
    if verb not in VERBS:
        raise ValueError(verb)
    old, new = dict(before or {}), dict(after or {})
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    entry = AuditEntry(
        user_id=by.id if by else None,
        user_name=by.name if by else "",
        verb=verb,
        subject_kind=subject.__tablename__,
        subject_id=subject.id,
        subject_name=_name(subject),
        before={key: _kept(key, old[key]) for key in changed if key in old},
        after={key: _kept(key, new[key]) for key in changed if key in new},
        ip=(request.remote_addr or "") if has_request_context() else "",
    )
    db.session.add(entry)
    return entry


def _name(subject: Record) -> str:
    names = (getattr(subject, name, "") for name in ("name", "label", "description"))
    return next((str(one) for one in names if one), "")


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody wants to see of the log. A value that makes no sense counts as not set."""

    person: int | None = None
    verb: str = ""
    since: date | None = None
    until: date | None = None  # that day included

    @classmethod
    def read(cls, args: MultiDict[str, str]) -> Filters:
        return cls(
            person=args.get("person", type=asking.row_id),
            verb=verb if (verb := args.get("verb", "")) in VERBS else "",
            since=args.get("since", type=asking.day),
            until=args.get("until", type=asking.day),
        )

    @property
    def is_set(self) -> bool:
        return self != Filters()

    def query(self, zone: ZoneInfo) -> sa.Select[AuditEntry]:
        """The entries asked for; days are days of `zone`."""
        query = sa.select(AuditEntry)
        if self.person is not None:
            query = query.where(AuditEntry.user_id == self.person)
        if self.verb:
            query = query.where(AuditEntry.verb == self.verb)
        if self.since:
            query = query.where(AuditEntry.created_at >= asking.start_of(self.since, zone))
        if self.until:
            query = query.where(AuditEntry.created_at < asking.start_of(self.until + timedelta(days=1), zone))
        return query


def _kept(key: str, value: Any) -> Any:
    if _SECRET.search(key):
        return "set" if value else ""
    return value.isoformat() if isinstance(value, datetime | date) else value


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
