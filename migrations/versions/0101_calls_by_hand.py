"""Calls that people write down, for they did not go through the house"""

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    # A constant default: neither database rewrites the table.
    op.add_column("calls", sa.Column("is_by_hand", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_calls_by_hand",
        "calls",
        ["started_at", "id"],
        postgresql_where=sa.text("is_by_hand"),
        sqlite_where=sa.text("is_by_hand = 1"),
    )
    op.create_table(
        "logged_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("edited_at", moment, nullable=True),
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("kept", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logged_calls")),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_logged_calls_by_id")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_logged_calls_call_id"), ondelete="SET NULL"),
        sa.UniqueConstraint("call_id", name=op.f("uq_logged_calls_call_id")),
    )


def downgrade() -> None:
    op.drop_table("logged_calls")
    op.execute("DELETE FROM calls WHERE is_by_hand")
    op.drop_index("ix_calls_by_hand", "calls")
    op.execute("ALTER TABLE calls DROP COLUMN is_by_hand")
