"""Calls with a recording come out of an index of their own: in a house that records few they lie far apart"""

import sqlalchemy as sa
from alembic import op

revision = "0110"
down_revision = "0102"
branch_labels = None
depends_on = None


def upgrade() -> None:
    recorded = sa.text("has_recording")
    op.create_index(
        "ix_calls_recorded_started",
        "calls",
        ["started_at", "id"],
        postgresql_where=recorded,
        sqlite_where=sa.text("has_recording = 1"),
    )


def downgrade() -> None:
    op.drop_index("ix_calls_recorded_started", "calls")
