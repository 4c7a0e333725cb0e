"""What the provider billed for the legs of calls, and which calls it is still to be asked about"""

import sqlalchemy as sa
from alembic import op

revision = "0100"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    op.create_table(
        "leg_costs",
        sa.Column("leg_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("leg_id", name=op.f("pk_leg_costs")),
        sa.ForeignKeyConstraint(["leg_id"], ["legs.id"], name=op.f("fk_leg_costs_leg_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_leg_costs_call_id"), ondelete="CASCADE"),
    )
    op.create_index(op.f("ix_leg_costs_call_id"), "leg_costs", ["call_id"])
    op.create_index("ix_leg_costs_started", "leg_costs", ["started_at", "currency", "micros"])
    op.create_table(
        "cost_asks",
        sa.Column("call_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_cost_asks")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_cost_asks_call_id"), ondelete="CASCADE"),
    )
    still = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_cost_asks_due", "cost_asks", ["due_at", "call_id"], postgresql_where=still, sqlite_where=still
    )


def downgrade() -> None:
    op.drop_table("cost_asks")
    op.drop_table("leg_costs")
