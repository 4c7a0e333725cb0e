"""Find persons and organizations among a million: by words of the name and company, by e-mail or website, persons by
any fragment of a number too.

The same rows on both databases, since both look for the same substrings (contacts.folding.patterns) in the same
folded text: SQLite in FTS5 trigram tables, which triggers keep (`person_search`, `organization_search`); PostgreSQL in
pg_trgm indexes. Migrations 0002 and 0030 make them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import aliased, joinedload, load_only
from sqlalchemy.orm import join as orm_join

from voipcrm.accounts.models import User
from voipcrm.contacts.folding import folded, patterns
from voipcrm.contacts.models import Organization, Person, PhoneNumber, Tagging
from voipcrm.core.db import db
from voipcrm.core.paging import PAGE_SIZE, Page, page_of

MOST_HITS = 500  # of each kind, see _hits: a search costs the same however much it could find
FEW = 10_000  # persons whom filters leave: so many are looked through themselves in some 30 ms
POSTGRES_BUDGET = "250ms"
# Ten times the usual: a walk by id that compares texts takes five times what PostgreSQL reckons. For a word that one in
# three hundred has it would rather walk past a hundred thousand (25 ms) than ask the index (6 ms).
_COST_OF_A_ROW = 0.1
_QUERY_CANCELED = "57014"
_PIECE = 5  # characters
_LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrow:
    """Filters of persons beside the search; None where not asked. Owner 0 is nobody."""

    owner_id: int | None = None
    tag_id: int | None = None

    def __bool__(self) -> bool:
        return self.owner_id is not None or self.tag_id is not None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What persons must fulfil."""
        asked: list[sa.ColumnElement[bool]] = []
        if self.owner_id is not None:
            asked.append(Person.owner_id == (self.owner_id or None))
        if self.tag_id is not None:
            asked.append(Person.id.in_(sa.select(Tagging.person_id).where(Tagging.tag_id == self.tag_id)))
        return asked


EVERYBODY = Narrow()


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is searched: its model, and its trigram table on SQLite."""

    model: Any  # with id, sort_name, search_text
    index: sa.TableClause


def _index(name: str) -> sa.TableClause:
    return sa.table(name, sa.column("rowid", sa.Integer), sa.column("search_text", sa.Text))


_PERSONS = _Kind(Person, _index("person_search"))
_ORGANIZATIONS = _Kind(Organization, _index("organization_search"))


def page_of_persons(
    scope: sa.Select[Person], query: str = "", *, cursor: str | None = None, size: int = PAGE_SIZE
) -> Page[Person]:
    """One page of those of the scope that match, by name, with their numbers, company and owner: one statement.

    An empty query matches everybody. The scope is applied to the hits that were gathered."""
    return _page(_PERSONS, scope.options(*_shown()), query, [], cursor=cursor, size=size)


class ListedPerson(NamedTuple):
    """What the list shows of a person. Fifty entities, with those of their numbers, cost twice that."""

    id: int
    name: str
    sort_name: str
    organization_id: int | None
    company: str | None
    owner: str | None
    number: str | None  # the first
    numbers: int  # how many

    @property
    def person_id(self) -> int:
        """What a tagging, whose index has the order of a tag's list, calls the id."""
        return self.id


def page_of_listed(
    scope: sa.Select[Person], query: str = "", *, narrow: Narrow = EVERYBODY, cursor: str | None = None
) -> Page[ListedPerson]:
    """page_of_persons for the list itself. One statement. The scope is applied to the hits that were gathered, `narrow`
    already while they are gathered: what leaves out most persons belongs there."""
    made = ListedPerson._make
    if narrow.tag_id is not None and not patterns(query):  # walks the index of the tag
        columns, named = _columns(tagged=True)
        rows: Any = scope.with_only_columns(*columns).select_from(named).where(Tagging.tag_id == narrow.tag_id)
        rows = rows.where(*replace(narrow, tag_id=None).conditions())
        keys = Tagging.sort_name, Tagging.person_id
        return page_of(rows, *keys, cursor=cursor, size=PAGE_SIZE, descending=False, made=made)
    columns, named = _columns()
    rows = scope.with_only_columns(*columns).select_from(named).where(*narrow.conditions())
    return _page(_PERSONS, rows, query, narrow.conditions(), cursor=cursor, size=PAGE_SIZE, made=made)


@cache
def _columns(*, tagged: bool = False) -> tuple[tuple[Any, ...], Any]:
    """Of ListedPerson, and the tables they come from, `tagged` with the taggings first; composed once."""
    organization, owner = aliased(Organization), aliased(User)
    theirs = sa.select(PhoneNumber).where(PhoneNumber.person_id == Person.id).correlate(Person)
    first = theirs.with_only_columns(PhoneNumber.number).order_by(PhoneNumber.position, PhoneNumber.id).limit(1)
    count = theirs.with_only_columns(sa.func.count())
    own = (Person.id, Person.name, Person.sort_name, organization.id, organization.name, owner.name)
    named: Any = orm_join(Tagging, Person, Tagging.person_id == Person.id) if tagged else Person
    named = orm_join(named, organization, organization.id == Person.organization_id, isouter=True)
    named = orm_join(named, owner, owner.id == Person.owner_id, isouter=True)
    return (*own, first.scalar_subquery(), count.scalar_subquery()), named


def page_of_organizations(
    scope: sa.Select[Organization], query: str = "", *, cursor: str | None = None, size: int = PAGE_SIZE
) -> Page[Organization]:
    """One page of those of the scope that match, by name: one statement."""
    return _page(_ORGANIZATIONS, scope, query, [], cursor=cursor, size=size)


def more_match(query: str, *, narrow: Narrow = EVERYBODY) -> bool:
    """Did the search for persons find more than it gathered? Costs a search: ask where the last page ends."""
    return _more_match(_PERSONS, query, narrow.conditions())


def more_organizations_match(query: str) -> bool:
    """The same for organizations."""
    return _more_match(_ORGANIZATIONS, query, [])


def weigh() -> None:
    """Before a statement that holds a search: for the rest of the transaction PostgreSQL knows what comparing costs."""
    if _is_postgres():
        db.session.execute(sa.text(f"SET LOCAL cpu_tuple_cost = {_COST_OF_A_ROW}"))


def first_ids(query: str, limit: int) -> sa.Select[int]:
    """Ids of the first by name of those who match, to stand inside another statement; nobody for an empty query."""
    if not patterns(query):
        return sa.select(Person.id).where(sa.false())
    found = sa.select(Person.id).where(Person.id.in_(_hits(_PERSONS, query, [])))
    return found.order_by(Person.sort_name, Person.id).limit(limit)


def ids_of_persons(query: str, narrow: Narrow, *, after: int, limit: int) -> Sequence[int]:
    """The next ids above `after` of all who match, however many: for files, which hold everybody."""
    if patterns(query) and not _is_postgres():
        ids = _in_index(_PERSONS, query, narrow.conditions()).where(_PERSONS.index.c.rowid > after)
        ids = ids.order_by(_PERSONS.index.c.rowid)
    else:
        found = [_contains(Person.search_text, group) for group in patterns(query)]
        ids = sa.select(Person.id).where(Person.id > after, *found, *narrow.conditions()).order_by(Person.id)
    return db.session.scalars(ids.limit(limit)).all()


@cache
def _shown() -> tuple[Any, ...]:
    """What a row shows, and no more: whatever else is asked of these persons costs a statement each."""
    return (
        load_only(Person.name, Person.sort_name, Person.organization_id, Person.owner_id),
        joinedload(Person.organization).load_only(Organization.name),
        joinedload(Person.owner).load_only(User.name),
        joinedload(Person.numbers).load_only(PhoneNumber.number, PhoneNumber.label, PhoneNumber.position),
    )


def _page(
    kind: _Kind,
    rows: sa.Select[Any],
    query: str,
    conditions: list[sa.ColumnElement[bool]],
    *,
    cursor: str | None,
    size: int,
    made: Callable[[Any], Any] | None = None,
) -> Page[Any]:
    model = kind.model

    def page(rows: sa.Select[Any]) -> Page[Any]:
        return page_of(rows, model.sort_name, model.id, cursor=cursor, size=size, descending=False, made=made)

    if not patterns(query):
        return page(rows)
    if not _is_postgres():
        return page(rows.where(model.id.in_(_hits(kind, query, conditions))))
    try:
        with db.session.begin_nested():
            db.session.execute(sa.text(f"SET LOCAL statement_timeout = '{POSTGRES_BUDGET}'"))
            weigh()
            return page(rows.where(model.id.in_(_hits(kind, query, conditions))))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _QUERY_CANCELED:
            raise
    return page(rows.where(model.id.in_(_beginning(kind, query, conditions))))  # the half that no term can make slow


def _more_match(kind: _Kind, query: str, conditions: list[sa.ColumnElement[bool]]) -> bool:
    if not patterns(query):
        return False
    hits = _containing(kind, query, conditions, MOST_HITS + 1).subquery()
    return (db.session.scalar(sa.select(sa.func.count()).select_from(hits)) or 0) > MOST_HITS


def _hits(kind: _Kind, query: str, conditions: list[sa.ColumnElement[bool]]) -> sa.Select[int]:
    """Ids of the rows whose name begins with the query, the first by name; and of those in which it stands
    anywhere, the newest. Each half comes out of its index in that order and stops at MOST_HITS; neither is ranked,
    for that would need all of them."""
    beginning = _beginning(kind, query, conditions).subquery()
    containing = _containing(kind, query, conditions, MOST_HITS).subquery()
    return sa.select(sa.union_all(sa.select(beginning), sa.select(containing)).subquery())


def _beginning(kind: _Kind, query: str, conditions: list[sa.ColumnElement[bool]]) -> sa.Select[int]:
    start, model = folded(query), kind.model
    return (
        sa.select(model.id)
        .where(model.sort_name >= start, model.sort_name < start + _LAST_CHARACTER, *conditions)
        .order_by(model.sort_name, model.id)
        .limit(MOST_HITS)
    )


def _containing(kind: _Kind, query: str, conditions: list[sa.ColumnElement[bool]], limit: int) -> sa.Select[int]:
    model = kind.model
    if _is_postgres():
        found = [_contains(model.search_text, group) for group in patterns(query)]
        return sa.select(model.id).where(*found, *conditions).order_by(model.id.desc()).limit(limit)
    if not conditions:
        return _in_index(kind, query, []).order_by(kind.index.c.rowid.desc()).limit(limit)
    # Of a word that most have, the index would give each, to find those whom the filters leave. Where these are few,
    # they are looked through themselves, and the index is asked for what nothing holds.
    left = sa.select(model.id).where(*conditions).limit(FEW + 1).cte("left_by_filters")
    counted = sa.select(sa.func.count()).select_from(left).scalar_subquery()
    found = [_holds(model.search_text, group) for group in patterns(query)]
    few = sa.select(model.id).where(model.id.in_(sa.select(left.c.id).where(counted <= FEW)), *found)
    many = _in_index(kind, query, conditions, only_if=counted > FEW)
    halves = few.order_by(model.id.desc()).limit(limit), many.order_by(kind.index.c.rowid.desc()).limit(limit)
    return sa.select(sa.union_all(*(sa.select(one.subquery()) for one in halves)).subquery())


def _contains(column: Any, group: tuple[str, ...]) -> sa.ColumnElement[bool]:
    return sa.or_(*(column.contains(one, autoescape=True) for one in group))


def _holds(column: Any, group: tuple[str, ...]) -> sa.ColumnElement[bool]:
    """_contains as SQLite finds it soonest."""
    return sa.or_(*(sa.func.instr(column, one) > 0 for one in group))


def _in_index(
    kind: _Kind,
    query: str,
    conditions: list[sa.ColumnElement[bool]],
    *,
    only_if: sa.ColumnElement[bool] | None = None,
) -> sa.Select[int]:
    """Row ids out of the trigram table, in no order yet. only_if: else none, at once."""
    index, wanted = kind.index, patterns(query)
    asked: Any = " AND ".join(f"({_phrases(group)})" for group in wanted)
    if only_if is not None:  # a condition beside MATCH would be tried with each row that MATCH gives
        asked = sa.case((only_if, asked), else_=_quoted(""))
    match = sa.literal_column(index.name).op("MATCH")(asked)
    cut = [group for group in wanted if any(len(one) > _PIECE for one in group)]
    found = sa.select(index.c.rowid).where(match, *(_holds(index.c.search_text, group) for group in cut))
    if conditions:
        # The plus keeps SQLite from asking the index anew for each person that the filters leave.
        row_id = sa.literal_column(f"+{index.name}.rowid")
        found = found.where(sa.exists().where(kind.model.id == row_id, *conditions))
    return found


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
