"""Jobs of contacts: imports. The import's state says what is owed."""

from __future__ import annotations

from voipcrm.contacts import importing
from voipcrm.contacts.imports import Import
from voipcrm.core.queue import job, later


@job(queue="default", timeout_seconds=3600)
def work_on_import(import_id: int) -> None:
    importing.work(import_id)


@job(queue="default", timeout_seconds=60)
def sweep() -> None:
    """Each minute: ring again for imports of which nobody heard or whose worker died."""
    for import_id in Import.stalled(limit=20):
        later(work_on_import, import_id)
