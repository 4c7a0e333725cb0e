"""Trunks, the channels that they have, and which one a call took"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    op.create_table(
        "trunks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("authentication", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_sealed", sa.Text(), nullable=True),
        sa.Column("caller_line_id", sa.Integer(), nullable=True),
        sa.Column("prefixes", sa.JSON(), nullable=False),
        sa.Column("max_calls", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("retired_at", moment, nullable=True),
        sa.Column("checked_at", moment, nullable=True),
        sa.Column("check_good", sa.Boolean(), nullable=True),
        sa.Column("check_words", sa.Text(), nullable=True),
        sa.Column("check_ms", sa.Integer(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["caller_line_id"], ["lines.id"], name="fk_trunks_caller_line_id"),
        sa.PrimaryKeyConstraint("id", name="pk_trunks"),
    )
    # Written into ADD COLUMN itself: SQLite has no other way but to copy the whole table.
    trunk = sa.Column("trunk_id", sa.Integer(), sa.ForeignKey("trunks.id", name="fk_calls_trunk_id"), nullable=True)
    op.add_column("calls", trunk, inline_references=True)
    taken = sa.text("trunk_id IS NOT NULL")
    op.create_index("ix_calls_trunk", "calls", ["trunk_id"], postgresql_where=taken, sqlite_where=taken)
    op.create_table(
        "trunk_channels",
        sa.Column("trunk_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunks.id"], name="fk_trunk_channels_trunk_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_trunk_channels_call_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("trunk_id", "number", name="pk_trunk_channels"),
    )
    op.create_index("ix_trunk_channels_call_id", "trunk_channels", ["call_id"])


def downgrade() -> None:
    op.drop_table("trunk_channels")
    op.drop_index("ix_calls_trunk", "calls")
    op.execute("ALTER TABLE calls DROP COLUMN trunk_id")
    op.drop_table("trunks")
