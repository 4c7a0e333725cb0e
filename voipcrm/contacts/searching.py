"""Find persons among a million: by words of name and company, by e-mail, by any fragment of a number.

The same persons on both databases, since both look for the same substrings (contacts.folding.patterns) in the same
folded text: SQLite in the FTS5 trigram table `person_search`, which triggers on `persons` keep; PostgreSQL in the
pg_trgm index `ix_persons_search`. Migration 0002 makes both.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload, selectinload

from voipcrm.contacts.folding import folded, patterns
from voipcrm.contacts.models import Person
from voipcrm.core.db import db
from voipcrm.core.paging import PAGE_SIZE, Page, page_of

MOST_HITS = 500  # of each kind, see _hits: a search costs the same however much it could find
POSTGRES_BUDGET = "250ms"
_QUERY_CANCELED = "57014"
_INDEX = sa.table("person_search", sa.column("rowid", sa.Integer), sa.column("search_text", sa.Text))
_PIECE = 5  # characters
_LAST_CHARACTER = "\U0010ffff"


def page_of_persons(
    scope: sa.Select[Person], query: str = "", *, cursor: str | None = None, size: int = PAGE_SIZE
) -> Page[Person]:
    """One page of those of the scope that match, by name, with their numbers, company and owner: two statements.

    An empty query matches everybody. The scope is applied to the hits that were gathered, so one that leaves out
    most persons has to become a part of `_hits`."""
    persons = scope.options(joinedload(Person.owner), selectinload(Person.numbers))

    def page(persons: sa.Select[Person]) -> Page[Person]:
        return page_of(persons, Person.sort_name, Person.id, cursor=cursor, size=size, descending=False)

    if not patterns(query):
        return page(persons)
    if not _is_postgres():
        return page(persons.where(Person.id.in_(_hits(query))))
    try:
        with db.session.begin_nested():
            db.session.execute(sa.text(f"SET LOCAL statement_timeout = '{POSTGRES_BUDGET}'"))
            return page(persons.where(Person.id.in_(_hits(query))))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _QUERY_CANCELED:
            raise
    return page(persons.where(Person.id.in_(_beginning(query))))  # the half that no term can make slow


def more_match(query: str) -> bool:
    """Did the search find more than it gathered? Costs a search: ask where the last page ends."""
    if not patterns(query):
        return False
    hits = _containing(query, MOST_HITS + 1).subquery()
    return (db.session.scalar(sa.select(sa.func.count()).select_from(hits)) or 0) > MOST_HITS


def _hits(query: str) -> sa.Select[int]:
    """Ids of the persons whose name begins with the query, the first by name; and of those in whom it stands
    anywhere, the newest. Each half comes out of its index in that order and stops at MOST_HITS; neither is ranked,
    for that would need all of them."""
    beginning, containing = _beginning(query).subquery(), _containing(query, MOST_HITS).subquery()
    return sa.select(sa.union_all(sa.select(beginning), sa.select(containing)).subquery())


def _beginning(query: str) -> sa.Select[int]:
    start = folded(query)
    return (
        sa.select(Person.id)
        .where(Person.sort_name >= start, Person.sort_name < start + _LAST_CHARACTER)
        .order_by(Person.sort_name, Person.id)
        .limit(MOST_HITS)
    )


def _containing(query: str, limit: int) -> sa.Select[int]:
    wanted = patterns(query)
    if _is_postgres():
        groups = (sa.or_(*(Person.search_text.contains(one, autoescape=True) for one in group)) for group in wanted)
        return sa.select(Person.id).where(*groups).order_by(Person.id.desc()).limit(limit)
    match = sa.literal_column("person_search").op("MATCH")(" AND ".join(f"({_phrases(group)})" for group in wanted))
    cut = [group for group in wanted if any(len(one) > _PIECE for one in group)]
    whole = [sa.or_(*(sa.func.instr(_INDEX.c.search_text, one) > 0 for one in group)) for group in cut]
    return sa.select(_INDEX.c.rowid).where(match, *whole).order_by(_INDEX.c.rowid.desc()).limit(limit)


def _phrases(group: tuple[str, ...]) -> str:
    """FTS5's language: what stands in quotes is text, a quote in it is doubled.

    A long text is looked for in pieces, and then as a whole in what that found: FTS5 compares the positions of all
    trigrams of a phrase, which for an address at a domain that everybody has takes three times as long."""
    return " OR ".join(f"({' AND '.join(map(_quoted, _pieces(one)))})" for one in group)


def _pieces(text: str) -> list[str]:
    pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    return [*pieces[:-1], pieces[-1] if len(pieces[-1]) >= 3 else text[-3:]]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _is_postgres() -> bool:
    return db.engine.dialect.name == "postgresql"
