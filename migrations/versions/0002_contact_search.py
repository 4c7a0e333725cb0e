"""People are sorted and found by folded texts

Revision: 0002, after 0001

The triggers hang on `persons`. A later migration that makes that table anew (batch_alter_table on SQLite) loses them:
it must create them again, with SQLITE_INDEX below. tests/contacts/test_searching.py notices.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# An external content table: it holds the trigrams, persons the text. Case and accents are folded before.
SQLITE_INDEX = (
    """CREATE VIRTUAL TABLE person_search USING fts5
       (search_text, content='persons', content_rowid='id', tokenize='trigram case_sensitive 1')""",
    """CREATE TRIGGER person_search_insert AFTER INSERT ON persons BEGIN
         SELECT raise(ABORT, 'persons.search_text is missing') WHERE new.search_text = '';
         INSERT INTO person_search (rowid, search_text) VALUES (new.id, new.search_text);
       END""",
    """CREATE TRIGGER person_search_update AFTER UPDATE OF search_text ON persons
       WHEN old.search_text IS NOT new.search_text BEGIN
         INSERT INTO person_search (person_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
         INSERT INTO person_search (rowid, search_text) VALUES (new.id, new.search_text);
       END""",
    """CREATE TRIGGER person_search_delete AFTER DELETE ON persons BEGIN
         INSERT INTO person_search (person_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
       END""",
)


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    text = sa.Text(collation="C") if is_postgres else sa.Text()
    op.add_column("organizations", sa.Column("sort_name", text, nullable=False, server_default=""))
    op.add_column("persons", sa.Column("sort_name", text, nullable=False, server_default=""))
    op.add_column("persons", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    fill(op.get_bind())

    op.drop_index("ix_organizations_name", table_name="organizations")
    op.drop_index("ix_persons_name_id", table_name="persons")
    op.create_index("ix_organizations_sort", "organizations", ["sort_name", "id"])
    op.create_index("ix_persons_sort", "persons", ["sort_name", "id"])
    if is_postgres:
        # A row without them would be there and never be found: refuse it. (SQLite cannot drop a default.)
        op.alter_column("organizations", "sort_name", server_default=None)
        op.alter_column("persons", "sort_name", server_default=None)
        op.alter_column("persons", "search_text", server_default=None)
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute(
            "CREATE INDEX ix_persons_search ON persons USING gin (search_text gin_trgm_ops) WITH (fastupdate = off)"
        )
    else:
        for statement in SQLITE_INDEX:
            op.execute(statement)
        op.execute("INSERT INTO person_search (person_search) VALUES ('rebuild')")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_persons_search", table_name="persons")
    else:
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER person_search_{event}")
        op.execute("DROP TABLE person_search")
    op.drop_index("ix_persons_sort", table_name="persons")
    op.drop_index("ix_organizations_sort", table_name="organizations")
    op.create_index("ix_persons_name_id", "persons", ["name", "id"])
    op.create_index("ix_organizations_name", "organizations", ["name"])
    for table, column in (("persons", "search_text"), ("persons", "sort_name"), ("organizations", "sort_name")):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")  # in place: a table made anew would lose what refers to it


def fill(connection) -> None:
    """Fold what is there, a thousand rows at a time."""
    for organization_id, name in connection.execute(sa.text("SELECT id, name FROM organizations")).all():
        connection.execute(
            sa.text("UPDATE organizations SET sort_name = :name WHERE id = :id"),
            {"id": organization_id, "name": folded(name)},
        )
    people = sa.text(
        """SELECT persons.id, persons.name, coalesce(organizations.name, '') FROM persons
           LEFT JOIN organizations ON organizations.id = persons.organization_id
           WHERE persons.id > :after ORDER BY persons.id LIMIT 1000"""
    )
    after = 0
    while rows := connection.execute(people, {"after": after}).all():
        span = {"first": rows[0][0], "last": rows[-1][0]}
        lines = {person_id: [] for person_id, _, _ in rows}
        for query, plain in (
            ("SELECT person_id, address FROM email_addresses", folded),
            ("SELECT person_id, number FROM phone_numbers", lambda number: number.lstrip("+")),
        ):
            within = sa.text(f"{query} WHERE person_id BETWEEN :first AND :last ORDER BY position, id")
            for person_id, value in connection.execute(within, span):
                lines[person_id].append(plain(value))
        for person_id, name, company in rows:
            words = "".join(f"  {word}" for text in (name, company) for word in folded(text).split())
            connection.execute(
                sa.text("UPDATE persons SET sort_name = :sort_name, search_text = :search_text WHERE id = :id"),
                {
                    "id": person_id,
                    "sort_name": folded(name),
                    "search_text": "\n".join([words, *lines[person_id]]),
                },
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
