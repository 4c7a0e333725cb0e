"""For how long recordings are kept, by the house and by line"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lines", sa.Column("keep_days", sa.Integer(), nullable=True))
    op.add_column("house_settings", sa.Column("keep_recordings_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("house_settings", "keep_recordings_days")
    op.drop_column("lines", "keep_days")
