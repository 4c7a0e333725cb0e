"""The filters of the list of persons beside its search, as they stand in the address."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from voipcrm.accounts.models import User
from voipcrm.contacts.models import Tag
from voipcrm.contacts.searching import Narrow
from voipcrm.core.db import db

TAGS_AT_MOST = 200  # that the filter offers


def of(args: Mapping[str, str]) -> Narrow:
    """Read from an address; what is malformed counts as not asked. ?owner=0 is nobody."""
    return Narrow(owner_id=_whole(args.get("owner")), tag_id=_whole(args.get("tag")))


def choices(narrow: Narrow) -> dict[str, list[tuple[int, str]]]:
    """What the filters can be set to: (id, name) of each `owner` and `tag`, in order. One statement."""
    owners = sa.select(sa.literal("owner").label("kind"), User.id, User.name, sa.func.lower(User.name).label("sort"))
    owners = owners.where(sa.or_(User.deactivated_at.is_(None), User.id == narrow.owner_id))
    first = sa.select(Tag.id).order_by(Tag.sort_name).limit(TAGS_AT_MOST).subquery()
    tags = sa.select(sa.literal("tag"), Tag.id, Tag.name, Tag.sort_name)
    tags = tags.where(sa.or_(Tag.id.in_(sa.select(first)), Tag.id == narrow.tag_id))
    found: dict[str, list[tuple[int, str]]] = {"owner": [], "tag": []}
    for kind, row_id, name, _ in sorted(db.session.execute(sa.union_all(owners, tags)), key=lambda row: row[3]):
        found[kind].append((row_id, name))
    return found


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
