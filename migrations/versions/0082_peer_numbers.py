"""The numbers of calls, each once, with an index of their parts"""

import sqlalchemy as sa
from alembic import op

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None

SQLITE_INDEX = (
    """CREATE VIRTUAL TABLE peer_number_search USING fts5
       (number, content='peer_numbers', content_rowid='id', tokenize='trigram')""",
    """CREATE TRIGGER peer_number_search_insert AFTER INSERT ON peer_numbers BEGIN
         INSERT INTO peer_number_search (rowid, number) VALUES (new.id, new.number);
       END""",
    """CREATE TRIGGER peer_number_search_delete AFTER DELETE ON peer_numbers BEGIN
         INSERT INTO peer_number_search (peer_number_search, rowid, number) VALUES ('delete', old.id, old.number);
       END""",
)


def upgrade() -> None:
    op.create_table(
        "peer_numbers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_peer_numbers"),
        sa.UniqueConstraint("number", name="uq_peer_numbers_number"),
    )
    op.create_table(
        "peer_reach",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_peer_reach"),
    )
    op.execute(
        "INSERT INTO peer_numbers (number) SELECT DISTINCT peer_number FROM calls WHERE peer_number IS NOT NULL"
    )
    op.execute("INSERT INTO peer_reach (id, call_id) SELECT 1, id FROM calls ORDER BY id DESC LIMIT 1")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute("CREATE INDEX ix_peer_numbers_search ON peer_numbers USING gin (number gin_trgm_ops)")
    else:
        for statement in SQLITE_INDEX:
            op.execute(statement)
        op.execute("INSERT INTO peer_number_search (peer_number_search) VALUES ('rebuild')")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        for event in ("insert", "delete"):
            op.execute(f"DROP TRIGGER peer_number_search_{event}")
        op.execute("DROP TABLE peer_number_search")
    op.drop_table("peer_reach")
    op.drop_table("peer_numbers")
