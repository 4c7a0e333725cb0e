"""Jobs of contacts: imports. The import's state says what is owed."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from voipcrm.contacts import importing
from voipcrm.contacts.imports import WORKING, Import
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.queue import job, later

STALLED = timedelta(minutes=2)  # a batch takes about a second


@job(queue="default", timeout_seconds=3600)
def work_on_import(import_id: int) -> None:
    importing.work(import_id)


@job(queue="default", timeout_seconds=60)
def sweep() -> None:
    """Each minute: ring again for imports of which nobody heard or whose worker died."""
    stalled = sa.select(Import.id).where(Import.state.in_(WORKING), Import.reached_at < clock.now() - STALLED)
    for import_id in db.session.scalars(stalled.limit(20)).all():
        later(work_on_import, import_id)
