"""What calls leave to be done: dispositions, wrap-ups, notes, and the inbox of missed calls"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0082"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")

    def row() -> tuple[sa.Column, ...]:
        return (sa.Column("id", sa.Integer(), nullable=False), sa.Column("created_at", moment, nullable=False))

    op.create_table(
        "dispositions",
        *row(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispositions")),
        sa.UniqueConstraint("name", name=op.f("uq_dispositions_name")),
    )
    # Both databases take it so; a batch would rebuild the table to which most others refer.
    op.execute(
        "ALTER TABLE calls ADD COLUMN disposition_id INTEGER "
        "CONSTRAINT fk_calls_disposition_id REFERENCES dispositions (id)"
    )
    op.create_index("ix_calls_disposition_started", "calls", ["disposition_id", "started_at", "id"])
    op.create_table(
        "wrap_up_policy",
        *row(),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("limit_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrap_up_policy")),
    )
    op.create_table(
        "wrap_ups",
        *row(),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("limit_seconds", sa.Integer(), nullable=False),
        sa.Column("finished_at", moment, nullable=True),
        sa.Column("finished_by", sa.Text(), nullable=True),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("disposition_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("follow_up", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrap_ups")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_wrap_ups_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_wrap_ups_user_id")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_wrap_ups_task_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["disposition_id"], ["dispositions.id"], name=op.f("fk_wrap_ups_disposition_id")),
        sa.UniqueConstraint("call_id", "user_id", name=op.f("uq_wrap_ups_call_id_user_id")),
    )
    unfinished = sa.text("finished_at IS NULL")
    op.create_index("ix_wrap_ups_open", "wrap_ups", ["user_id"], postgresql_where=unfinished, sqlite_where=unfinished)
    op.create_table(
        "call_notes",
        *row(),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("edited_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_notes")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_call_notes_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_call_notes_by_id")),
    )
    op.create_index(op.f("ix_call_notes_call_id"), "call_notes", ["call_id"])
    op.create_table(
        "missed_calls",
        *row(),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", moment, nullable=False),
        sa.Column("latest_at", moment, nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("done_at", moment, nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("done_how", sa.Text(), nullable=True),
        sa.Column("done_call_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missed_calls")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_missed_calls_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_missed_calls_owner_id")),
        sa.ForeignKeyConstraint(["done_by_id"], ["users.id"], name=op.f("fk_missed_calls_done_by_id")),
        sa.ForeignKeyConstraint(
            ["done_call_id"], ["calls.id"], name=op.f("fk_missed_calls_done_call_id"), ondelete="SET NULL"
        ),
    )
    waits = sa.text("done_at IS NULL")
    for name, columns, unique in (
        ("uq_missed_calls_open", ["number"], True),
        ("ix_missed_calls_open", ["latest_at", "id"], False),
    ):
        op.create_index(name, "missed_calls", columns, unique=unique, postgresql_where=waits, sqlite_where=waits)
    op.create_index("ix_missed_calls_done", "missed_calls", ["done_at", "id"])
    op.create_index(op.f("ix_missed_calls_call_id"), "missed_calls", ["call_id"])
    op.create_index(op.f("ix_missed_calls_done_call_id"), "missed_calls", ["done_call_id"])
    _fill(moment)


def _fill(moment: sa.DateTime) -> None:
    """What was missed lately waits for a call back as it did before; returned ones leave the list by themselves."""
    connection = op.get_bind()
    now = datetime.now(UTC)
    if connection.dialect.name != "postgresql":
        now = now.replace(tzinfo=None)
    connection.execute(
        sa.text(
            "INSERT INTO missed_calls (created_at, number, call_id, times, first_at, latest_at) "
            "SELECT :now, peer_number, max(id), count(*), min(started_at), max(started_at) FROM calls "
            "WHERE direction = 'inbound' AND outcome IN ('missed', 'abandoned') AND peer_number IS NOT NULL "
            "AND started_at > :since GROUP BY peer_number"
        ).bindparams(sa.bindparam("now", now, moment), sa.bindparam("since", now - timedelta(days=14), moment))
    )


def downgrade() -> None:
    for table in ("missed_calls", "call_notes", "wrap_ups", "wrap_up_policy"):
        op.drop_table(table)
    op.drop_index("ix_calls_disposition_started", "calls")
    op.drop_column("calls", "disposition_id")
    op.drop_table("dispositions")
