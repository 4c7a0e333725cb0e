"""For whom an incoming call was meant, so that they find it even when their phone was off."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "call_targets",
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_call_targets_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_call_targets_user_id")),
        sa.PrimaryKeyConstraint("call_id", "user_id", name=op.f("pk_call_targets")),
    )
    op.create_index(op.f("ix_call_targets_user_id"), "call_targets", ["user_id"])
    op.execute(
        "INSERT INTO call_targets (call_id, user_id) SELECT DISTINCT legs.call_id, legs.user_id FROM legs "
        "JOIN calls ON calls.id = legs.call_id WHERE calls.direction = 'inbound' AND legs.user_id IS NOT NULL"
    )


def downgrade():
    op.drop_table("call_targets")
