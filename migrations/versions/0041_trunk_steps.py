"""Steps of routes that call a SIP address through a trunk"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    trunk = sa.Column("trunk_id", sa.Integer(), sa.ForeignKey("trunks.id", name="fk_route_steps_trunk_id"), nullable=True)
    op.add_column("route_steps", trunk, inline_references=True)
    op.add_column("route_steps", sa.Column("sip_user", sa.Text(), nullable=True))
    op.create_index("ix_route_steps_trunk_id", "route_steps", ["trunk_id"])


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM route_steps WHERE kind = 'trunk'"))
    op.drop_index("ix_route_steps_trunk_id", "route_steps")
    # Not in a batch, whose new table would hold the references of other columns in a way that these can't be dropped.
    op.execute("ALTER TABLE route_steps DROP COLUMN sip_user")
    op.execute("ALTER TABLE route_steps DROP COLUMN trunk_id")
