"""Contacts that became one, with all that is needed to make two of them again"""

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    op.create_table(
        "contact_merges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("kept_id", sa.Integer(), nullable=False),
        sa.Column("lost_id", sa.Integer(), nullable=False),
        sa.Column("lost_name", sa.Text(), nullable=False),
        sa.Column("lost", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("undone_at", moment, nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name="fk_contact_merges_by_id"),
        sa.ForeignKeyConstraint(["undone_by_id"], ["users.id"], name="fk_contact_merges_undone_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contact_merges"),
    )
    op.create_index("ix_contact_merges_lost", "contact_merges", ["kind", "lost_id"])
    op.create_index("ix_contact_merges_kept", "contact_merges", ["kind", "kept_id"])


def downgrade() -> None:
    op.drop_table("contact_merges")
