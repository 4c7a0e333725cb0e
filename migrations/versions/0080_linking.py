"""Whom people chose for numbers, and their decisions about whom calls are with, so that each can be undone"""

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    op.create_table(
        "number_choices",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name="fk_number_choices_person_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name="fk_number_choices_by_id"),
        sa.PrimaryKeyConstraint("number", name="pk_number_choices"),
    )
    op.create_index("ix_number_choices_person_id", "number_choices", ["person_id"])
    op.create_table(
        "relinks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("person_name", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("has_added_number", sa.Boolean(), nullable=False),
        sa.Column("choice_before", sa.JSON(), nullable=True),
        sa.Column("undone_at", moment, nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_relinks_call_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name="fk_relinks_person_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name="fk_relinks_by_id"),
        sa.ForeignKeyConstraint(["undone_by_id"], ["users.id"], name="fk_relinks_undone_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_relinks"),
    )
    op.create_table(
        "relinked_calls",
        sa.Column("relink_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("person_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["relink_id"], ["relinks.id"], name="fk_relinked_calls_relink_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_relinked_calls_call_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name="fk_relinked_calls_person_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("relink_id", "call_id", name="pk_relinked_calls"),
    )
    for table, column in (
        ("relinks", "call_id"),
        ("relinks", "person_id"),
        ("relinked_calls", "call_id"),
        ("relinked_calls", "person_id"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    for table in ("relinked_calls", "relinks", "number_choices"):
        op.drop_table(table)
