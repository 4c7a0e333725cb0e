"""Whether calls are recorded: by direction, with an announcement or a question, and paused for card data"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0090"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    # Both databases know this sentence; Alembic's way would rebuild the table on SQLite, and calls refer to it.
    op.execute("ALTER TABLE lines RENAME COLUMN recording TO recording_in")
    op.add_column("lines", sa.Column("recording_out", sa.Text(), nullable=False, server_default="on"))
    op.add_column("lines", sa.Column("recording_notice", sa.Text(), nullable=False, server_default=""))
    op.add_column("lines", sa.Column("recording_question", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE lines SET recording_out = recording_in")
    op.add_column("calls", sa.Column("consented", sa.Boolean(), nullable=True))
    op.add_column("calls", sa.Column("recording_paused_at", moment, nullable=True))


def downgrade() -> None:
    op.drop_column("calls", "recording_paused_at")
    op.drop_column("calls", "consented")
    for name in ("recording_question", "recording_notice", "recording_out"):
        op.drop_column("lines", name)
    op.execute("ALTER TABLE lines RENAME COLUMN recording_in TO recording")
