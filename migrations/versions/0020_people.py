"""Sessions as rows, links for passwords, two-step sign-in, and the audit log

Everybody has to sign in once more after it: their sessions have no rows yet. The columns of `users` are added and
dropped in place, for a table that SQLite makes anew would take the rows that refer to it along.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade():
    op.drop_column("users", "session_key")
    op.add_column("users", sa.Column("seen_at", MOMENT, nullable=True))
    op.add_column("users", sa.Column("totp_secret", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("totp_on_at", MOMENT, nullable=True))
    op.add_column("users", sa.Column("totp_step", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("created_at", MOMENT, nullable=False),
        _user_id("sessions"),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("created_at", MOMENT, nullable=False),
        _user_id("recovery_codes"),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"])
    op.create_table(
        "password_links",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("created_at", MOMENT, nullable=False),
        _user_id("password_links"),
        sa.Column(
            "made_by_id", sa.Integer(), sa.ForeignKey("users.id", name="fk_password_links_made_by_id"), nullable=True
        ),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("mail_asked_at", MOMENT, nullable=True),
        sa.Column("mail_tried_at", MOMENT, nullable=True),
        sa.Column("mail_tries", sa.Integer(), nullable=False),
        sa.Column("mailed_at", MOMENT, nullable=True),
        sa.Column("mail_trouble", sa.Text(), nullable=False),
    )
    op.create_index("ix_password_links_user_id", "password_links", ["user_id"])
    op.create_table(
        "password_requests",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id", name="fk_audit_entries_user_id"), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("subject_name", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["created_at", "id"])
    op.create_index("ix_audit_entries_user_at", "audit_entries", ["user_id", "created_at", "id"])
    op.create_index("ix_audit_entries_verb_at", "audit_entries", ["verb", "created_at", "id"])


def downgrade():
    for table in ("audit_entries", "password_requests", "password_links", "recovery_codes", "sessions"):
        op.drop_table(table)
    for column in ("totp_step", "totp_on_at", "totp_secret", "seen_at"):
        op.drop_column("users", column)
    op.add_column("users", sa.Column("session_key", sa.Text(), nullable=False, server_default=""))
    users = sa.table("users", sa.column("id"), sa.column("session_key"))
    connection = op.get_bind()
    for user_id in connection.execute(sa.select(users.c.id)).scalars().all():
        connection.execute(users.update().where(users.c.id == user_id).values(session_key=secrets.token_hex(8)))


def _user_id(table):
    key = sa.ForeignKey("users.id", name=f"fk_{table}_user_id", ondelete="CASCADE")
    return sa.Column("user_id", sa.Integer(), key, nullable=False)
