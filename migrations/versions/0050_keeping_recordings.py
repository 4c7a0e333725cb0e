"""Recordings are deleted with a reason, held, and every access to one is written down"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0061"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
COLUMNS = (
    ("deleted_at", MOMENT, True, None),
    ("deleted_by", sa.Text(), False, ""),
    ("deleted_reason", sa.Text(), False, ""),
    ("erase_at", MOMENT, True, None),
    ("erase_tries", sa.Integer(), False, "0"),
    ("provider_erased_at", MOMENT, True, None),
)
INDEXES = (
    ("ix_recordings_state_started", ["state", "started_at", "id"]),
    ("ix_recordings_erase_at", ["erase_at"]),
    ("ix_recordings_length", ["duration_seconds", "started_at", "id"]),
)


def upgrade() -> None:
    for name, kind, nullable, default in COLUMNS:
        op.add_column("recordings", sa.Column(name, kind, nullable=nullable, server_default=default))
    for name, columns in INDEXES:
        op.create_index(name, "recordings", columns)
    op.create_table(
        "recording_accesses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("recording_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name="fk_recording_accesses_recording_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_recording_accesses_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_recording_accesses"),
    )
    op.create_index("ix_recording_accesses_at", "recording_accesses", ["created_at", "id"])
    for name in ("recording", "user"):
        columns = [f"{name}_id", "created_at", "id"]
        op.create_index(f"ix_recording_accesses_{name}_at", "recording_accesses", columns)
    op.create_index("ix_recording_accesses_kind_at", "recording_accesses", ["kind", "created_at", "id"])
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("recording_id", sa.Integer(), nullable=True),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("released_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name="fk_legal_holds_recording_id"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_legal_holds_call_id"),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name="fk_legal_holds_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_legal_holds"),
    )
    op.create_index("ix_legal_holds_recording_id", "legal_holds", ["recording_id"])
    op.create_index("ix_legal_holds_call_id", "legal_holds", ["call_id"])


def downgrade() -> None:
    op.drop_table("legal_holds")
    op.drop_table("recording_accesses")
    for name, _ in INDEXES:
        op.drop_index(name, "recordings")
    for name, *_ in reversed(COLUMNS):
        op.drop_column("recordings", name)
