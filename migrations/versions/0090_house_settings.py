"""What an administrator decides for the whole house in the app: one row, and the logo beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0090"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade():
    moment = sa.DateTime(timezone=op.get_bind().dialect.name == "postgresql")
    op.create_table(
        "house_settings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("brand_name", sa.Text()),
        sa.Column("brand_colour", sa.Text()),
        sa.Column("logo_digest", sa.Text()),
        sa.Column("default_country", sa.Text()),
        sa.Column("default_time_zone", sa.Text()),
        sa.Column("dial_countries", sa.JSON()),
        sa.Column("dial_calls_per_hour", sa.Integer()),
    )
    op.create_table(
        "house_logos",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("png", sa.LargeBinary(), nullable=False),
    )


def downgrade():
    op.drop_table("house_logos")
    op.drop_table("house_settings")
