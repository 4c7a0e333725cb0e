"""Search in the database at hand. Both find the same, since each must find what the folded texts say."""

import random
from dataclasses import replace

import pytest
import sqlalchemy as sa
from contacts.people import contact
from flask_migrate import downgrade, upgrade
from servers import DATABASE
from sqlalchemy.exc import DBAPIError

from voipcrm import create_app
from voipcrm.contacts import searching
from voipcrm.contacts.folding import folded, patterns, search_text
from voipcrm.contacts.models import EmailAddress, Organization, Person, PhoneNumber, Tag, Tagging
from voipcrm.contacts.searching import Narrow, more_match, page_of_listed, page_of_persons
from voipcrm.core.db import db

pytestmark = pytest.mark.usefixtures("context")


def found(query: str) -> list[str]:
    return [person.name for person in page_of_persons(sa.select(Person), query).rows]


@pytest.fixture
def three(context):
    contact("Priya Raman", "Acme Dental", numbers=("+14155550142", "+14155550143"), emails=("priya@acme.example",))
    contact("Jonas Weber", "Weber & Söhne", numbers=("+4930901820",))
    contact("Ólafur Árnason", "Acme Travel", emails=("olafur@travel.example",))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Jonas Weber", "Ólafur Árnason", "Priya Raman"]),
        ("acme", ["Ólafur Árnason", "Priya Raman"]),
        ("ACME priya", ["Priya Raman"]),
        ("priya weber", []),
        ("olafur", ["Ólafur Árnason"]),
        ("sohne", ["Jonas Weber"]),
        ("o", ["Ólafur Árnason"]),
        ("we", ["Jonas Weber"]),
        ("travel.example", ["Ólafur Árnason"]),
        ("(415) 555-0143", ["Priya Raman"]),
        ("030 9018", ["Jonas Weber"]),
        ("555", ["Priya Raman"]),
        ("nobody", []),
    ],
)
def test_persons_are_found_in_the_order_of_their_names(three, query, names):
    assert found(query) == names


@pytest.mark.parametrize(
    "query",
    [
        '"',
        '""',
        "priya*",
        "acme OR priya",
        "NOT acme",
        "NEAR(a b)",
        "search_text:acme",
        "^acme",
        "%%%",
        "___",
        "\\",
        "/",
    ],
)
def test_the_databases_own_signs_are_only_text(three, query):
    assert found(query) == []


def test_a_long_word_is_found_only_in_one_piece():
    contact("Maria", emails=("maria.delgado@example.com",))
    contact("Mario", emails=("delgado@example.com", "maria@example.com", "a.delg@do.example"))
    assert found("maria.delgado@example.com") == ["Maria"]
    assert found("delgado@example") == ["Maria", "Mario"]
    assert found("a.delgado@exam") == ["Maria"]


def test_the_database_finds_what_the_folded_texts_say():
    draw = random.Random(5)
    syllables = ["an", "Ann", "Ä", "o'", "ß", "li", "王", "-", "%", "_", '"', "0", "55", "é", "x ", " ", "  z"]
    for _ in range(120):
        contact("n" + "".join(draw.choices(syllables, k=5)), "".join(draw.choices(syllables, k=2)))
    texts = dict(db.session.execute(sa.select(Person.id, Person.search_text)).all())
    for _ in range(150):
        query = "".join(draw.choices(syllables, k=draw.randint(1, 4)))
        expected = {key for key, text in texts.items() if all(any(o in text for o in g) for g in patterns(query))}
        rows = page_of_persons(sa.select(Person), query, size=500).rows
        assert {person.id for person in rows} == expected, query


def test_whoever_is_renamed_moves_or_loses_a_number_is_found_by_what_is_true_now(three):
    priya = db.session.scalars(sa.select(Person).where(Person.name == "Priya Raman")).one()
    priya.name = "Priya Kaur"
    priya.numbers.pop(0)
    priya.numbers.append(PhoneNumber(number="+442079460958"))
    db.session.commit()
    assert found("raman") == found("0142") == []
    assert found("kaur") == found("0143") == found("7946") == ["Priya Kaur"]

    db.session.delete(db.session.scalars(sa.select(PhoneNumber).where(PhoneNumber.number == "+442079460958")).one())
    db.session.add(EmailAddress(person_id=priya.id, address="kaur@new.example"))
    db.session.commit()
    assert found("7946") == []
    assert found("new.example") == ["Priya Kaur"]

    db.session.delete(priya)
    db.session.commit()
    assert found("kaur") == []


def test_an_organization_that_is_renamed_takes_its_people_along(three):
    db.session.scalars(sa.select(Organization).where(Organization.name == "Acme Dental")).one().name = "Zahn AG"
    db.session.commit()
    assert found("dental") == []
    assert found("zahn") == ["Priya Raman"]


def test_a_company_is_one_row_however_it_is_written(three):
    contact("Bea", "  ACME dental ")
    assert db.session.scalar(sa.select(sa.func.count()).where(Organization.sort_name == "acme dental")) == 1


def test_a_bulk_insert_that_forgets_the_search_text_is_refused():
    bare = {"name": "Bea", "note": "", "created_at": sa.func.now()}
    with pytest.raises(DBAPIError):
        db.session.execute(sa.insert(Person.__table__).values(**bare))
    db.session.rollback()


def test_pages_of_hits_hold_each_person_once_and_in_order():
    for at in range(23):
        contact(f"Ann {at % 7} {at}")
    names, cursor = [], None
    while True:
        page = page_of_persons(sa.select(Person), "ann", cursor=cursor, size=5)
        names += [person.sort_name for person in page.rows]
        if (cursor := page.older) is None:
            break
    assert len(names) == 23
    assert names == sorted(set(names))


def test_a_search_that_finds_too_many_lists_first_names_and_newest_and_says_that_there_are_more(monkeypatch):
    monkeypatch.setattr(searching, "MOST_HITS", 3)
    for name in ("Zoe Anders", "Yan Anders", "Anders A", "Anders B", "Xi Anders", "Wu Anders", "Vi Anders"):
        contact(name)
    assert found("anders") == ["Anders A", "Anders B", "Vi Anders", "Wu Anders", "Xi Anders"]
    assert more_match("anders")
    assert not more_match("anders b")
    assert not more_match("")


@pytest.mark.parametrize("few", [0, 2, 10])
def test_a_search_finds_the_same_whether_its_filters_leave_few_or_many(monkeypatch, few):
    monkeypatch.setattr(searching, "FEW", few)
    monkeypatch.setattr(searching, "MOST_HITS", 3)
    vip = Tag(name="vip", sort_name="vip")
    for at, name in enumerate(("Zoe Anders", "Yan Anders", "Xi 100%", "Wu Anders", "Vi Anders", "Uli O'Anders")):
        person = contact(name)
        if at != 3:
            person.taggings.append(Tagging(tag=vip))
    db.session.commit()
    narrow = Narrow(tag_id=vip.id)
    assert listed("anders", narrow) == ["Uli O'Anders", "Vi Anders", "Yan Anders"]
    assert more_match("anders", narrow=narrow)
    assert listed("anders yan", narrow) == ["Yan Anders"]
    assert listed("100%", narrow) == ["Xi 100%"]
    assert listed("wu", narrow) == []


def test_a_tags_list_is_paged_in_the_order_of_names(monkeypatch):
    monkeypatch.setattr(searching, "PAGE_SIZE", 4)
    vip, names, cursor = Tag(name="vip", sort_name="vip"), [], None
    for at in range(11):
        person = contact(f"Ann {at % 4} {at:02}")
        person.taggings.append(Tagging(tag=vip))
    contact("Ann untagged")
    db.session.commit()
    while True:
        page = page_of_listed(sa.select(Person), narrow=Narrow(tag_id=vip.id, owner_id=0), cursor=cursor)
        names += [person.sort_name for person in page.rows]
        if (cursor := page.older) is None:
            break
    assert names == sorted(f"ann {at % 4} {at:02}" for at in range(11))
    back = page_of_listed(sa.select(Person), narrow=Narrow(tag_id=vip.id), cursor=page.newer)
    assert [person.sort_name for person in back.rows] == names[4:8]


def listed(query: str, narrow: Narrow) -> list[str]:
    return [person.name for person in page_of_listed(sa.select(Person), query, narrow=narrow).rows]


def test_no_list_of_persons_reads_the_whole_table():
    many = [{"name": f"Person {at}", "numbers": [f"+1415{at:07}"]} for at in range(5000)]
    rows = [{"name": one["name"], "sort_name": folded(one["name"]), "search_text": search_text(**one)} for one in many]
    db.session.execute(sa.insert(Person), [{**row, "note": ""} for row in rows])
    db.session.execute(sa.text("ANALYZE"))
    db.session.commit()
    for query in ("", "person 12", "x", "0004123"):
        plan = plan_of(query)
        assert "Seq Scan on persons" not in plan
        assert not [line for line in plan.splitlines() if "SCAN persons" in line and "ix_persons_sort" not in line]
    assert "ix_persons_search" in plan or "SCAN person_search VIRTUAL TABLE INDEX" in plan


def plan_of(query: str) -> str:
    """How the database finds the first page of these persons."""
    seen = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT") and "persons" in statement:
            seen.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    page_of_persons(sa.select(Person), query, size=5)
    sa.event.remove(db.engine, "before_cursor_execute", note)
    db.session.rollback()
    statement, parameters = seen[0]
    if DATABASE == "postgres":
        db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))  # reading 5000 rows is cheap; must it?
    explain = "EXPLAIN " if DATABASE == "postgres" else "EXPLAIN QUERY PLAN "
    rows = db.session.connection().exec_driver_sql(explain + statement, parameters)
    return "\n".join(" ".join(map(str, row)) for row in rows)


if DATABASE == "postgres":

    def test_a_term_that_takes_too_long_answers_with_the_names_that_begin_with_it(monkeypatch, three):
        endless = sa.select(Person.id).where(sa.func.pg_sleep(5).is_not(None)).limit(3)
        monkeypatch.setattr(searching, "_containing", lambda *_: endless)
        monkeypatch.setattr(searching, "POSTGRES_BUDGET", "50ms")
        assert found("pri") == ["Priya Raman"]
        assert db.session.scalar(sa.text("SHOW statement_timeout")) == "0"


def test_people_from_before_there_was_a_search_are_found(migrated_app, new_database):
    settings = replace(migrated_app.extensions["settings"], database_url=new_database("before"))
    with create_app(settings).app_context():
        upgrade(revision="0001")
        with db.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO organizations (id, name, created_at) VALUES (7, 'Ünal', '2026-01-01')"
            )
            connection.exec_driver_sql(
                "INSERT INTO persons (id, name, organization_id, note, created_at)"
                " VALUES (9, 'Łukasz', 7, '', '2026-01-01')"
            )
            connection.exec_driver_sql(
                "INSERT INTO phone_numbers (id, person_id, number, label, position, created_at)"
                " VALUES (5, 9, '+4930901820', '', 0, '2026-01-01')"
            )
            connection.exec_driver_sql(
                "INSERT INTO email_addresses (id, person_id, address, position, created_at)"
                " VALUES (5, 9, 'l@example.com', 0, '2026-01-01')"
            )
        for _ in range(2):
            upgrade()
            person = db.session.get_one(Person, 9)
            stored = person.sort_name, person.search_text, person.organization.sort_name
            person.fold()
            assert stored == (person.sort_name, person.search_text, "unal")
            db.session.rollback()
            assert [found(query) for query in ("lukasz", "unal", "901820")] == [["Łukasz"]] * 3
            db.session.remove()
            downgrade(revision="0001")
        db.engine.dispose()
