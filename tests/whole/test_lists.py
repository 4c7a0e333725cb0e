"""What a list costs: few statements, however many rows it has, and none that reads a big table from end to end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from servers import DATABASE

from voipcrm.accounts.audit import AuditEntry
from voipcrm.accounts.models import User
from voipcrm.calls.missed import MissedCall
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Organization, Person
from voipcrm.core.db import db
from voipcrm.recordings.models import Recording
from voipcrm.voicemail.models import Voicemail

from .rows import make

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
MOST = 3  # who asks, what the filters can be set to, the rows
LISTS: dict[str, type[Any]] = {
    "/calls": Call,
    "/calls/missed": MissedCall,
    "/contacts/persons": Person,
    "/contacts/organizations": Organization,
    "/admin/voip/recordings": Recording,
    "/voicemail": Voicemail,
    "/settings/audit": AuditEntry,
}
FILTERS = {
    "/calls": "sort=oldest since=2026-01-01&until=2026-02-01 person=1 line=1 direction=inbound outcome=live"
    " outcome=unanswered outcome=busy contact=1 recorded=yes recorded=no disposition=1 disposition=none q=ann q=555"
    " number=+14155550142 recorded=yes&sort=oldest person=1&outcome=unanswered line=1&direction=outbound"
    " recorded=yes&line=1 q=ann&outcome=busy",
    "/calls/missed": "show=done whose=mine",
    "/contacts/persons": "q=ann q=555 owner=1 owner=0 tag=1 owner=1&tag=1 q=ann&owner=1 q=ann&tag=1",
    "/contacts/organizations": "q=ann",
    "/admin/voip/recordings": "state=failed from=2026-01-01&to=2026-02-01 person=1 line=1 direction=inbound number=555"
    " min=10s max=60s q=ann q=555",
    "/voicemail": "new=yes done=yes",
    "/settings/audit": "person=1 verb=created since=2026-01-01 person=1&verb=created",
}
ADDRESSES = [*LISTS, *(f"{path}?{one}" for path, filters in FILTERS.items() for one in filters.split())]


@pytest.fixture(scope="module")
def plans():
    """bench.plans: how the database goes about a statement."""
    root = str(Path(__file__).parents[2])
    sys.path.insert(0, root)
    try:
        from bench import plans
    finally:
        sys.path.remove(root)
    return plans


@pytest.fixture
def asked(app, cast, plans):
    """asked(address, who, headers): the page, and its statements with their values."""

    def ask(address: str, who: Any, headers: dict[str, str] | None = None) -> tuple[str, list[tuple[str, Any]]]:
        browser = app.test_client().sign_in(who)
        browser.get(address)  # what a process asks once in a while is asked by now
        with app.app_context():
            engine = db.engine
        with plans.listening(engine) as heard:
            page = browser.get(address, headers=headers)
        assert page.status_code == 200, address
        return page.text, heard

    return ask


@pytest.mark.parametrize("address", LISTS)
def test_a_list_costs_few_statements_whatever_its_rows(app, cast, asked, address):
    def add(count: int) -> None:
        with app.app_context():
            root = db.session.get_one(User, cast.root.id)
            for _ in range(count):
                make(LISTS[address], root)
            db.session.commit()

    def costs() -> list[int]:
        return [len(asked(address, cast.root, headers)[1]) for headers in (None, PARTIAL)]

    add(1)
    few = costs()
    assert max(few) <= MOST
    add(59)
    assert asked(address, cast.root)[0].count("<tr") > 50
    assert costs() == few


@pytest.mark.parametrize("who", ["ada", "bo", "root"])
def test_no_list_and_no_filter_reads_a_big_table_from_end_to_end(app, cast, asked, plans, who):
    """On PostgreSQL, which rightly reads small tables whole, the question is whether it must."""
    person, scans = getattr(cast, who), []
    seen = [one for one in ADDRESSES if who == "root" or one.startswith(("/calls", "/contacts", "/voicemail"))]
    for address in seen:
        _, heard = asked(address, person)
        assert len(heard) <= MOST, address
        with app.app_context(), db.engine.connect() as connection:
            if DATABASE == "postgres":
                connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
            for sql, values in heard:
                scans += [(address, one) for one in plans.complaints(connection, sql, values)]
    assert scans == []
