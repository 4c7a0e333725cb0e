"""PostgreSQL knows better how common a piece of a name or number is: the way to find it depends on that

By default it keeps a sample of a hundred values, in which what one in two hundred has does not occur. It then walked
the table from its end until it had a page of hits, through half a million rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0120"
down_revision = "0091"
branch_labels = None
depends_on = None

SEARCHED = (("persons", "search_text"), ("organizations", "search_text"), ("calls", "peer_number"))


def upgrade():
    _keep_values(1000)


def downgrade():
    _keep_values(-1)  # the default


def _keep_values(count):
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in SEARCHED:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS {count}")
        # An empty table stays unanalyzed: that it is empty would be believed, and what is planned meanwhile reads it
        # whole, through thousands of calls, until autovacuum comes by.
        if op.get_bind().scalar(sa.text(f"SELECT EXISTS (SELECT 1 FROM {table})")):
            op.execute(f"ANALYZE {table} ({column})")
