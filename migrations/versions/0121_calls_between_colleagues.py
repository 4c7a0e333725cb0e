"""Only calls between colleagues stand in the index of the one who was called

All others are one value in it, none: each call that came or went paid for a place, and SQLite took the index for no
better than that of outcomes, which it then walked for an agent's few calls.
"""

import sqlalchemy as sa
from alembic import op

revision = "0121"
down_revision = "0120"
branch_labels = None
depends_on = None

NAME, COLUMNS = "ix_calls_other_user_started", ["other_user_id", "started_at", "id"]
THERE = sa.text("other_user_id IS NOT NULL")


def upgrade():
    op.drop_index(NAME, table_name="calls")
    op.create_index(NAME, "calls", COLUMNS, postgresql_where=THERE, sqlite_where=THERE)


def downgrade():
    op.drop_index(NAME, table_name="calls")
    op.create_index(NAME, "calls", COLUMNS)
