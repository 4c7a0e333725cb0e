"""When a recording's copy became owed, so that giving up counts from there and not from the start of a long call."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("recordings") as table:
        table.add_column(sa.Column("pending_at", sa.DateTime(timezone=True), nullable=True))


def downgrade():
    with op.batch_alter_table("recordings") as table:
        table.drop_column("pending_at")
