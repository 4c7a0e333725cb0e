"""Asking a trunk whether it answers, and keeping what it said."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.sealing import SealBroken
from voipcrm.telephony.sip_options import Probe, probe
from voipcrm.trunks.models import Trunk, server_of

EVERY = timedelta(minutes=5)
UNREADABLE = "Its password can’t be read any more, since SECRET_KEY was changed. Enter it again."


def check(trunk_id: int) -> None:
    """Test one trunk and keep the result, unless it was changed meanwhile. Takes up to sip_options.DEADLINE_SECONDS.
    Commits before it asks and after."""
    trunk = db.session.get(Trunk, trunk_id)
    if trunk is None:
        return
    asked_as = _as_asked(trunk)
    try:
        server = server_of(trunk)
    except SealBroken:
        found = Probe(is_good=False, sentence=UNREADABLE)
    else:
        db.session.commit()  # hold no transaction while the network works
        # The sandbox's own SIP provider is on this machine; anywhere else nothing of ours is asked.
        found = probe(server, allow_loopback=settings.is_sandbox)
    found_at = {
        "checked_at": clock.now(),
        "check_good": found.is_good,
        "check_words": found.sentence,
        "check_ms": found.latency_ms,
    }
    unchanged = [getattr(Trunk, name).is_not_distinct_from(value) for name, value in asked_as.items()]
    db.session.execute(sa.update(Trunk).where(Trunk.id == trunk_id, *unchanged).values(found_at))
    db.session.commit()


def due(*, limit: int) -> list[int]:
    """Ids of the active trunks whose last test is too old, those never tested first."""
    is_due = sa.or_(Trunk.checked_at.is_(None), Trunk.checked_at < clock.now() - EVERY)
    query = sa.select(Trunk.id).where(Trunk.retired_at.is_(None), Trunk.active, is_due)
    return list(db.session.scalars(query.order_by(Trunk.checked_at.asc().nulls_first(), Trunk.id).limit(limit)))


def _as_asked(trunk: Trunk) -> dict[str, object]:
    names = ("host", "port", "transport", "authentication", "username", "password_sealed")
    return {name: getattr(trunk, name) for name in names}
