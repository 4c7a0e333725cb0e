"""Inbound routes grow steps, hours, patterns and an order; ring groups; lines can be retired."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0005"
branch_labels = None
depends_on = None

ROUTES = sa.table(
    "inbound_routes",
    sa.column("id", sa.Integer),
    sa.column("line_id", sa.Integer),
    sa.column("ring_seconds", sa.Integer),
    sa.column("position", sa.Integer),
)
STEPS = sa.table(
    "route_steps",
    sa.column("id", sa.Integer),
    sa.column("route_id", sa.Integer),
    sa.column("position", sa.Integer),
    sa.column("kind", sa.Text),
    sa.column("ring_seconds", sa.Integer),
    sa.column("created_at", sa.DateTime(timezone=True)),
)


def _people(table, owner):
    names = (owner, "user_id", "position")
    integers = [sa.column(name, sa.Integer) for name in names]
    return sa.table(table, *integers, sa.column("created_at", sa.DateTime(timezone=True)))


TARGETS = _people("route_targets", "route_id")
STEP_PEOPLE = _people("route_step_people", "step_id")


def _people_table(name, owner, owners):
    op.create_table(
        name,
        sa.Column(owner, sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint([owner], [f"{owners}.id"], name=op.f(f"fk_{name}_{owner}"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{name}_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint(owner, "user_id", name=op.f(f"uq_{name}_{owner}_user_id")),
    )


def upgrade():
    connection = op.get_bind()
    # Read first: SQLite rebuilds inbound_routes, and what refers to a rebuilt table goes with the old one.
    routes = connection.execute(sa.select(ROUTES.c.id, ROUTES.c.line_id, ROUTES.c.ring_seconds)).all()
    targets = connection.execute(sa.select(TARGETS).order_by(TARGETS.c.position)).all()
    op.drop_table("route_targets")

    op.add_column("lines", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("inbound_routes") as table:
        table.drop_constraint(op.f("uq_inbound_routes_line_id"), type_="unique")
        table.drop_column("ring_seconds")
        table.add_column(sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
        for name in ("prefix", "caller_prefix", "time_zone", "closed_message"):
            table.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        for name in ("hours", "holidays"):
            table.add_column(sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
        table.create_index(op.f("ix_inbound_routes_line_id"), ["line_id"])

    op.create_table(
        "ring_groups",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ring_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_ring_groups_name")),
    )
    _people_table("ring_group_members", "group_id", "ring_groups")
    op.create_table(
        "route_steps",
        sa.Column("route_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ring_seconds", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["route_id"], ["inbound_routes.id"], name=op.f("fk_route_steps_route_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["group_id"], ["ring_groups.id"], name=op.f("fk_route_steps_group_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route_steps")),
    )
    op.create_index(op.f("ix_route_steps_route_id"), "route_steps", ["route_id"])
    op.create_index(op.f("ix_route_steps_group_id"), "route_steps", ["group_id"])
    _people_table("route_step_people", "step_id", "route_steps")

    # What was tried by line, and else by the catch-all, is now tried in that order.
    for position, route in enumerate(sorted(routes, key=lambda one: (one.line_id is None, one.id))):
        connection.execute(ROUTES.update().where(ROUTES.c.id == route.id).values(position=position))
        rung = [one for one in targets if one.route_id == route.id]
        if rung:
            step = {"route_id": route.id, "position": 0, "kind": "people", "ring_seconds": route.ring_seconds}
            connection.execute(STEPS.insert().values(created_at=rung[0].created_at, **step))
            step_id = connection.scalar(sa.select(STEPS.c.id).where(STEPS.c.route_id == route.id))
            for one in rung:
                row = {"user_id": one.user_id, "position": one.position, "created_at": one.created_at}
                connection.execute(STEP_PEOPLE.insert().values(step_id=step_id, **row))


def downgrade():
    connection = op.get_bind()
    routes = connection.execute(sa.select(ROUTES.c.id, ROUTES.c.line_id).order_by(ROUTES.c.position)).all()
    first_steps = sa.select(STEPS).where(STEPS.c.kind == "people").order_by(STEPS.c.position.desc())
    steps = {step.route_id: step for step in connection.execute(first_steps)}
    people = connection.execute(sa.select(STEP_PEOPLE)).all()
    for table in ("route_step_people", "route_steps", "ring_group_members", "ring_groups"):
        op.drop_table(table)

    kept = {route.line_id: route.id for route in reversed(routes)}  # one of each line, the first that was tried
    connection.execute(sa.delete(ROUTES).where(ROUTES.c.id.not_in(list(kept.values()))))
    with op.batch_alter_table("inbound_routes") as table:
        table.drop_index(op.f("ix_inbound_routes_line_id"))
        for name in ("position", "prefix", "caller_prefix", "time_zone", "closed_message", "hours", "holidays"):
            table.drop_column(name)
        table.add_column(sa.Column("ring_seconds", sa.Integer(), nullable=True))
        table.create_unique_constraint(op.f("uq_inbound_routes_line_id"), ["line_id"])
    op.drop_column("lines", "retired_at")  # not in a batch: that rebuilds the table, which calls refer to
    _people_table("route_targets", "route_id", "inbound_routes")
    for route_id in kept.values():
        step = steps.get(route_id)
        if step is not None:
            connection.execute(ROUTES.update().where(ROUTES.c.id == route_id).values(ring_seconds=step.ring_seconds))
            for one in (row for row in people if row.step_id == step.id):
                row = {"user_id": one.user_id, "position": one.position, "created_at": one.created_at}
                connection.execute(TARGETS.insert().values(route_id=route_id, **row))
