"""ZIP files of recordings"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "recording_bundles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("reached_at", MOMENT, nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name="fk_recording_bundles_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_recording_bundles"),
    )
    op.create_index("ix_recording_bundles_by_at", "recording_bundles", ["by_id", "created_at", "id"])
    op.create_index("ix_recording_bundles_state", "recording_bundles", ["state", "reached_at"])
    op.create_table(
        "recording_bundle_items",
        sa.Column("bundle_id", sa.Integer(), nullable=False),
        sa.Column("recording_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bundle_id"], ["recording_bundles.id"], name="fk_recording_bundle_items_bundle_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name="fk_recording_bundle_items_recording_id"),
        sa.PrimaryKeyConstraint("bundle_id", "recording_id", name="pk_recording_bundle_items"),
    )
    op.create_index("ix_recording_bundle_items_recording_id", "recording_bundle_items", ["recording_id"])


def downgrade() -> None:
    op.drop_table("recording_bundle_items")
    op.drop_table("recording_bundles")
