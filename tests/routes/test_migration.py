"""Routes that stood before routes had steps ring the same people afterwards, and again when it is taken back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade

from voipcrm import create_app
from voipcrm.config import Settings
from voipcrm.core.db import db

AT = "2026-11-23 12:00:00"


def before(app) -> str:
    """The revision before that of routes."""
    return ScriptDirectory(app.extensions["migrate"].directory).get_revision("0010").down_revision


@pytest.fixture
def old_house(environment, new_database, monkeypatch, request):
    """An app whose database is as it was before routes had steps: two lines with routes and a catch-all."""
    for name, value in (environment | {"DATABASE_URL": new_database(f"old_{request.node.name[5:30]}")}).items():
        monkeypatch.setenv(name, value)
    app = create_app(Settings.from_environ())
    with app.app_context():
        upgrade(revision=before(app))
        with db.engine.begin() as connection:
            for user_id in (1, 2, 3):
                row = {"id": user_id, "name": f"U{user_id}", "at": AT}
                connection.execute(
                    sa.text(
                        "INSERT INTO users (id, email, name, password_hash, time_zone, session_key, created_at)"
                        " VALUES (:id, :name, :name, 'x', 'UTC', 'k', :at)"
                    ),
                    row,
                )
            connection.execute(
                sa.text(
                    "INSERT INTO lines (id, number, label, recording, created_at)"
                    " VALUES (1, '+12025550140', 'Sales', 'on', :at), (2, '+12025550141', 'Support', 'on', :at)"
                ),
                {"at": AT},
            )
            for route_id, line_id, seconds, rung in ((1, None, None, (3,)), (2, 2, 40, (2, 1)), (3, 1, 15, ())):
                connection.execute(
                    sa.text(
                        "INSERT INTO inbound_routes (id, line_id, description, ring_seconds, message, active,"
                        " created_at) VALUES (:id, :line, 'd', :seconds, 'Bye.', :on, :at)"
                    ),
                    {"id": route_id, "line": line_id, "seconds": seconds, "on": True, "at": AT},
                )
                for position, user_id in enumerate(rung):
                    connection.execute(
                        sa.text(
                            "INSERT INTO route_targets (route_id, user_id, position, created_at)"
                            " VALUES (:route, :user, :position, :at)"
                        ),
                        {"route": route_id, "user": user_id, "position": position, "at": AT},
                    )
        yield app
        db.session.remove()
        db.engine.dispose()


def rows(query: str) -> list[tuple]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


STEPS = (
    "SELECT r.position, r.line_id, s.ring_seconds, p.user_id FROM inbound_routes r"
    " LEFT JOIN route_steps s ON s.route_id = r.id LEFT JOIN route_step_people p ON p.step_id = s.id"
    " ORDER BY r.position, p.position"
)
TARGETS = (
    "SELECT r.line_id, r.ring_seconds, t.user_id FROM inbound_routes r"
    " LEFT JOIN route_targets t ON t.route_id = r.id ORDER BY r.id, t.position"
)


def test_routes_keep_their_people_and_are_tried_as_before(old_house):
    old = rows(TARGETS)
    upgrade()
    assert rows(STEPS) == [(0, 2, 40, 2), (0, 2, 40, 1), (1, 1, None, None), (2, None, None, 3)]
    downgrade(revision=before(old_house))
    assert rows(TARGETS) == [(*row[:1], None, *row[2:]) if row[2] is None else row for row in old]
    upgrade()
    assert [row[3] for row in rows(STEPS)] == [2, 1, None, 3]


def test_of_several_routes_for_a_line_the_first_survives_the_way_back(old_house):
    upgrade()
    with db.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO inbound_routes (id, line_id, description, message, active, position, prefix,"
                " caller_prefix, time_zone, closed_message, hours, holidays, created_at)"
                " VALUES (9, 2, 'later', '', :on, 5, '', '', '', '', '[]', '[]', :at)"
            ),
            {"on": True, "at": AT},
        )
    downgrade(revision=before(old_house))
    assert rows("SELECT id FROM inbound_routes ORDER BY id") == [(1,), (2,), (3,)]
