"""Organizations get a page and are found as people are; people get tags, notes and tasks

The columns are added in place: a table made anew on SQLite would lose the search triggers of `persons`.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0020"
branch_labels = None
depends_on = None

SQLITE_INDEX = (
    """CREATE VIRTUAL TABLE organization_search USING fts5
       (search_text, content='organizations', content_rowid='id', tokenize='trigram case_sensitive 1')""",
    """CREATE TRIGGER organization_search_insert AFTER INSERT ON organizations BEGIN
         SELECT raise(ABORT, 'organizations.search_text is missing') WHERE new.search_text = '';
         INSERT INTO organization_search (rowid, search_text) VALUES (new.id, new.search_text);
       END""",
    """CREATE TRIGGER organization_search_update AFTER UPDATE OF search_text ON organizations
       WHEN old.search_text IS NOT new.search_text BEGIN
         INSERT INTO organization_search (organization_search, rowid, search_text)
           VALUES ('delete', old.id, old.search_text);
         INSERT INTO organization_search (rowid, search_text) VALUES (new.id, new.search_text);
       END""",
    """CREATE TRIGGER organization_search_delete AFTER DELETE ON organizations BEGIN
         INSERT INTO organization_search (organization_search, rowid, search_text)
           VALUES ('delete', old.id, old.search_text);
       END""",
)


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    folded = sa.Text(collation="C") if is_postgres else sa.Text()
    moment = sa.DateTime(timezone=is_postgres)

    op.add_column("organizations", sa.Column("website", sa.Text(), nullable=False, server_default=""))
    op.add_column("organizations", sa.Column("note", sa.Text(), nullable=False, server_default=""))
    op.add_column("organizations", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    op.add_column("organizations", sa.Column("updated_at", moment, nullable=True))
    fill(op.get_bind())
    if is_postgres:
        op.alter_column("organizations", "search_text", server_default=None)
        op.execute(
            "CREATE INDEX ix_organizations_search ON organizations USING gin (search_text gin_trgm_ops)"
            " WITH (fastupdate = off)"
        )
    else:
        for statement in SQLITE_INDEX:
            op.execute(statement)
        op.execute("INSERT INTO organization_search (organization_search) VALUES ('rebuild')")

    # A list of somebody's contacts, or of those of a company, comes out of its index in the order of the list.
    for column, name in (("organization_id", "organization"), ("owner_id", "owner")):
        op.drop_index(f"ix_persons_{column}", table_name="persons")
        op.create_index(f"ix_persons_{name}_sort", "persons", [column, "sort_name", "id"])

    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sort_name", folded, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.UniqueConstraint("sort_name", name="uq_tags_sort_name"),
    )
    op.create_table(
        "taggings",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("sort_name", folded, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name="fk_taggings_person_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name="fk_taggings_tag_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", "tag_id", name="pk_taggings"),
    )
    op.create_index("ix_taggings_sort", "taggings", ["tag_id", "sort_name", "person_id"])
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("edited_at", moment, nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name="fk_notes_person_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name="fk_notes_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
    )
    op.create_index("ix_notes_person_created", "notes", ["person_id", "created_at", "id"])
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_at", moment, nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name="fk_tasks_person_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name="fk_tasks_by_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_tasks_owner_id"),
        sa.ForeignKeyConstraint(["done_by_id"], ["users.id"], name="fk_tasks_done_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
    )
    op.create_index("ix_tasks_person_done", "tasks", ["person_id", "done_at", "id"])
    op.create_index(
        "ix_tasks_open",
        "tasks",
        ["owner_id", "due_on", "id"],
        postgresql_where=sa.text("done_at IS NULL"),
        sqlite_where=sa.text("done_at IS NULL"),
    )


def downgrade() -> None:
    for table in ("tasks", "notes", "taggings", "tags"):
        op.drop_table(table)
    for column, name in (("organization_id", "organization"), ("owner_id", "owner")):
        op.drop_index(f"ix_persons_{name}_sort", table_name="persons")
        op.create_index(f"ix_persons_{column}", "persons", [column])
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_organizations_search", table_name="organizations")
    else:
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER organization_search_{event}")
        op.execute("DROP TABLE organization_search")
    for column in ("updated_at", "search_text", "note", "website"):
        op.execute(f"ALTER TABLE organizations DROP COLUMN {column}")


def fill(connection) -> None:
    """Fold what is there, a thousand rows at a time."""
    some = sa.text("SELECT id, name FROM organizations WHERE id > :after ORDER BY id LIMIT 1000")
    after = 0
    while rows := connection.execute(some, {"after": after}).all():
        for organization_id, name in rows:
            words = "".join(f"  {word}" for word in folded(name).split())
            connection.execute(
                sa.text("UPDATE organizations SET search_text = :text WHERE id = :id"),
                {"id": organization_id, "text": words or "\n"},
            )
        after = rows[-1][0]


def folded(text: str) -> str:
    """As contacts.folding.folded stood when this migration was made."""
    plainer = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
    text = unicodedata.normalize("NFKD", text.casefold()).casefold()
    text = "".join(character for character in text if unicodedata.category(character) != "Mn")
    text = re.sub("[’‘ʼ´`]", "'", text.translate(str.maketrans(plainer)))
    text = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Zs"} else c for c in text)
    return " ".join(unicodedata.normalize("NFC", text).split())
