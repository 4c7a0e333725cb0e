"""The audit log: what is kept of a change, and how it is found again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from voipcrm.accounts.audit import AuditEntry, note
from voipcrm.accounts.models import Team, User
from voipcrm.core import clock
from voipcrm.core.db import db


def test_only_differences_are_kept_and_of_secrets_nothing_but_that_they_changed(context, cast):
    team = db.session.scalar(sa.select(Team))
    before = {"name": "Sales", "size": 2, "password": "old one", "api_key": ""}
    after = {"name": "Sales", "size": 3, "password": "new one", "api_key": "abc"}
    entry = note("changed", team, by=db.session.get(User, cast.root.id), before=before, after=after)
    db.session.commit()
    assert entry.before == {"size": 2, "password": "set", "api_key": ""}
    assert entry.after == {"size": 3, "password": "set", "api_key": "set"}
    assert (entry.subject_kind, entry.subject_id, entry.subject_name) == ("teams", team.id, "Sales")
    assert (entry.user_name, entry.ip) == ("Root Admin", "")
    assert entry.differences == [("size", "2", "3"), ("password", "set", "set"), ("api key", "", "set")]


def test_a_verb_that_nobody_knows_is_a_mistake_of_ours(context, cast):
    with pytest.raises(ValueError, match="frobbed"):
        note("frobbed", db.session.scalar(sa.select(Team)), by=None)


def written(app, cast, count: int, **more) -> None:
    with app.app_context():
        team, root = db.session.scalar(sa.select(Team)), db.session.get(User, cast.root.id)
        for at in range(count):
            entry = note(more.get("verb", "changed"), team, by=more.get("by", root), after={"number": at})
            entry.created_at = more.get("start", clock.now()) - timedelta(minutes=at)
        db.session.commit()


def test_the_log_is_empty_before_anything_happened(as_root):
    assert "Nothing was changed yet" in as_root.get("/settings/audit").text
    assert "Nothing matches" in as_root.get("/settings/audit?kind=wired").text


def test_pages_of_the_log_hold_each_entry_once(app, as_root, cast):
    written(app, cast, 120)
    seen, path = [], "/settings/audit"
    for _ in range(4):
        page = as_root.get(path).text
        seen += [int(part.partition("<")[0]) for part in page.split("<li>number: <ins>")[1:]]
        older = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        if not older:
            break
        path = older
    assert seen == list(range(120))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"Root Admin", "Command line"}),
        ("person={root}", {"Root Admin"}),
        ("person={ada}", set()),
        ("kind=created", {"Command line"}),
        ("person={root}&kind=created", set()),
        ("since=2026-03-02&until=2026-03-02", {"Root Admin"}),
        ("since=2026-03-03&until=2026-03-03", {"Command line"}),
        ("since=nonsense&person=99999999999&kind=nothing", {"Root Admin", "Command line"}),
    ],
)
def test_the_log_is_filtered_in_the_days_of_who_looks(app, as_root, cast, query, found):
    """Root sits in Tokyo, where the first entry was still made on the second of March."""
    with app.app_context():
        db.session.get(User, cast.root.id).time_zone = "Asia/Tokyo"
        db.session.commit()
    written(app, cast, 1, start=datetime(2026, 3, 2, 14, 59, tzinfo=UTC))
    written(app, cast, 1, start=datetime(2026, 3, 2, 15, 0, tzinfo=UTC), verb="created", by=None)
    page = as_root.get("/settings/audit?" + query.format(root=cast.root.id, ada=cast.ada.id)).text
    table = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert {who for who in ("Root Admin", "Command line") if f"<td>{who}</td>" in table} == found


def test_the_log_keeps_names_and_the_address_it_came_from(app, as_root, cast):
    as_root.post("/settings/teams", data={"name": "Support"}, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    with app.app_context():
        db.session.get(User, cast.root.id).name = "Renamed"
        db.session.commit()
        entry = db.session.scalar(sa.select(AuditEntry))
        assert (entry.user_name, entry.ip) == ("Root Admin", "203.0.113.9")
    assert "203.0.113.9" in as_root.get("/settings/audit").text


def test_a_person_made_on_the_command_line_is_in_the_log(app, cast):
    made = app.test_cli_runner().invoke(
        args=["users", "create", "new@example.com", "--name", "New", "--role", "agent"], input="long enough\n"
    )
    assert made.exit_code == 0, made.output
    with app.app_context():
        entry = db.session.scalar(sa.select(AuditEntry))
        assert (entry.user_id, entry.verb, entry.subject_name) == (None, "created", "New")
        assert "password" not in entry.after
