"""Events are no longer indexed by CallSid, which nothing asks for, and legs by user only where there is one

Early events are found as those without a call. Each event of a call paid for a place in an index, and so did each leg
of the phone network, though no question led there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0122"
down_revision = "0121"
branch_labels = None
depends_on = None

EVENTS, LEGS = "ix_call_events_call_sid", "ix_legs_user_call"
THERE = sa.text("user_id IS NOT NULL")


def upgrade():
    op.drop_index(EVENTS, table_name="call_events")
    op.drop_index(LEGS, table_name="legs")
    op.create_index(LEGS, "legs", ["user_id", "call_id"], postgresql_where=THERE, sqlite_where=THERE)


def downgrade():
    op.drop_index(LEGS, table_name="legs")
    op.create_index(LEGS, "legs", ["user_id", "call_id"])
    op.create_index(EVENTS, "call_events", ["call_sid"])
