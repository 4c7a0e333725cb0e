"""A file of a hundred thousand contacts checked, written and taken back: how long, in how much memory, and whether its
progress was told truly all the way."""

from __future__ import annotations

import csv
import io
import resource
import threading
import time
from typing import Any

import sqlalchemy as sa

from bench import crowd, house

ROWS = 100_000
MINUTES = 10.0  # each of the three works, on a machine that does other things too
MOST_MB = 250.0  # that the works may add: the file, its numbers and e-mails, and one batch


def main(database: str) -> bool:
    """Print the figures on one kind of database; False when a goal is missed."""
    with house.empty(database) as app, app.app_context():
        from voipcrm.contacts.imports import Import
        from voipcrm.core.db import db

        raw = _file()
        fields = ["name", "company", "number", "email", "tags"]
        one = Import(
            file_name="crowd.csv", file=raw, encoding="utf-8-sig", delimiter=",", columns=fields, mapping=fields
        )
        db.session.add(one)
        db.session.commit()
        import_id, good = one.id, True
        for state, after in (("checking", "checked"), ("running", "done"), ("undoing", "undone")):
            good &= _work(app, database, import_id, state, after)
        return good


def _file() -> bytes:
    firsts, lasts = crowd.first_names(), crowd.last_names()
    file = io.StringIO()
    write = csv.writer(file)
    write.writerow(["Name", "Company", "Phone", "E-mail", "Tags"])
    for at in range(1, ROWS + 1):
        name = f"{firsts[at % 300]} {lasts[at % 3000]}"
        email = f"person{at}@example.com"
        write.writerow([name, f"Company {at % 5000}", crowd.number_of(at), email, "imported" if at % 3 else ""])
    return file.getvalue().encode()


def _work(app: Any, database: str, import_id: int, state: str, after: str) -> bool:
    from voipcrm.contacts import importing
    from voipcrm.contacts.imports import Import
    from voipcrm.contacts.models import Person
    from voipcrm.core.db import db

    db.session.get_one(Import, import_id).begin(state)
    db.session.commit()
    before, begun = _peak_mb(), time.monotonic()
    over = threading.Event()
    seen: list[int] = []
    watcher = threading.Thread(target=_watch, args=(app, import_id, over, seen))
    watcher.start()
    importing.work(import_id)
    over.set()
    watcher.join()
    took, grown = time.monotonic() - begun, _peak_mb() - before
    db.session.rollback()
    ended = db.session.get_one(Import, import_id).state
    people = db.session.scalar(sa.select(sa.func.count()).select_from(Person)) or 0
    db.session.rollback()
    is_true = seen == sorted(seen) and len(set(seen)) > 20 and ended == after
    counted = {"checked": people == 0, "done": people == ROWS, "undone": people == 0}[after]
    good = took <= MINUTES * 60 and grown <= MOST_MB and is_true and counted
    print(
        f"{database:10} {state:9} {ROWS:,} rows: {'ok' if good else 'MISSED'}, {took:.0f} s (goal {MINUTES:.0f} min), "
        f"{grown:.0f} MB more (goal {MOST_MB:.0f}), progress told {len(set(seen))} times, {people:,} contacts after",
        flush=True,
    )
    return good


def _watch(app: Any, import_id: int, over: threading.Event, seen: list[int]) -> None:
    """What a person at the page would be told, four times a second."""
    from voipcrm.contacts.imports import Import
    from voipcrm.core.db import db

    with app.test_request_context():  # as a page: it takes no writer's turn
        while not over.wait(0.25):
            with db.engine.connect() as link:
                seen.append(link.execute(sa.select(Import.processed).where(Import.id == import_id)).scalar_one())


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
