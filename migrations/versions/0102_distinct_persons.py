"""Contacts that look the same and are not"""

import sqlalchemy as sa
from alembic import op

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    op.create_table(
        "distinct_persons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("low_id", sa.Integer(), nullable=False),
        sa.Column("high_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_distinct_persons")),
        sa.ForeignKeyConstraint(
            ["low_id"], ["persons.id"], name=op.f("fk_distinct_persons_low_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["high_id"], ["persons.id"], name=op.f("fk_distinct_persons_high_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_distinct_persons_by_id")),
        sa.UniqueConstraint("low_id", "high_id", name=op.f("uq_distinct_persons_low_id_high_id")),
    )
    op.create_index(op.f("ix_distinct_persons_high_id"), "distinct_persons", ["high_id"])
    op.create_index("ix_distinct_persons_at", "distinct_persons", ["created_at", "id"])
    op.add_column("import_rows", sa.Column("is_other", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.execute("ALTER TABLE import_rows DROP COLUMN is_other")
    op.drop_table("distinct_persons")
