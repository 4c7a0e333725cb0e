"""Which page of the browser told of a phone, so that one that closes does not switch off the one that took over."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("presence") as table:
        table.add_column(sa.Column("phone", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("presence") as table:
        table.alter_column("phone", server_default=None)


def downgrade():
    with op.batch_alter_table("presence") as table:
        table.drop_column("phone")
