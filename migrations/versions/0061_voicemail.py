"""Mailboxes, the step of a route that takes a message, and the messages"""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("greeting", sa.Text(), nullable=False),
        sa.Column("greeting_file", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_mailboxes_user_id"),
        sa.ForeignKeyConstraint(["group_id"], ["ring_groups.id"], name="fk_mailboxes_group_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mailboxes"),
        sa.UniqueConstraint("name", name="uq_mailboxes_name"),
        sa.UniqueConstraint("greeting_file", name="uq_mailboxes_greeting_file"),
    )
    op.create_index("ix_mailboxes_user_id", "mailboxes", ["user_id"])
    op.create_index("ix_mailboxes_group_id", "mailboxes", ["group_id"])
    # Both databases know this sentence; Alembic's way would rebuild the table on SQLite, and rows refer to it.
    constraint = "CONSTRAINT fk_route_steps_mailbox_id REFERENCES mailboxes (id)"
    op.execute(f"ALTER TABLE route_steps ADD COLUMN mailbox_id INTEGER {constraint}")
    op.create_index("ix_route_steps_mailbox_id", "route_steps", ["mailbox_id"])
    constraint = "CONSTRAINT fk_inbound_routes_closed_mailbox_id REFERENCES mailboxes (id)"
    op.execute(f"ALTER TABLE inbound_routes ADD COLUMN closed_mailbox_id INTEGER {constraint}")
    op.create_index("ix_inbound_routes_closed_mailbox_id", "inbound_routes", ["closed_mailbox_id"])
    op.create_table(
        "voicemails",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("recording_id", sa.Integer(), nullable=True),
        sa.Column("heard_at", moment, nullable=True),
        sa.Column("heard_by_id", sa.Integer(), nullable=True),
        sa.Column("done_at", moment, nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_voicemails_call_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name="fk_voicemails_mailbox_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name="fk_voicemails_recording_id"),
        sa.ForeignKeyConstraint(["heard_by_id"], ["users.id"], name="fk_voicemails_heard_by_id"),
        sa.ForeignKeyConstraint(["done_by_id"], ["users.id"], name="fk_voicemails_done_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_voicemails"),
        sa.UniqueConstraint("call_id", name="uq_voicemails_call_id"),
    )
    op.create_index("ix_voicemails_mailbox", "voicemails", ["mailbox_id", "created_at", "id"])
    op.create_index("ix_voicemails_recording_id", "voicemails", ["recording_id"])


def downgrade() -> None:
    op.drop_table("voicemails")
    op.drop_index("ix_route_steps_mailbox_id", "route_steps")
    op.execute("DELETE FROM route_steps WHERE kind = 'voicemail'")
    op.execute("ALTER TABLE route_steps DROP COLUMN mailbox_id")
    op.drop_index("ix_inbound_routes_closed_mailbox_id", "inbound_routes")
    op.execute("ALTER TABLE inbound_routes DROP COLUMN closed_mailbox_id")
    op.drop_table("mailboxes")
