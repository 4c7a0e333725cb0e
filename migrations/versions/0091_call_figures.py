"""An index from which analytics sums up ended calls without reading them"""

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0110"
branch_labels = None
depends_on = None

ENDED = "state = 'ended'"


def upgrade():
    columns = ["started_at", "direction", "outcome", "line_id", "user_id", "talk_seconds", "answered_at", "is_by_hand"]
    op.create_index(
        "ix_calls_figures", "calls", columns, postgresql_where=sa.text(ENDED), sqlite_where=sa.text(ENDED)
    )


def downgrade():
    op.drop_index("ix_calls_figures", table_name="calls")
