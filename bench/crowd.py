"""A database of many: so many contacts and as many calls with them, over two years, written in bulk."""

from __future__ import annotations

import io
import random
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import psycopg

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAYS = 730
AGENTS, LINES, TAGS = 20, 5, 20
BIG = (
    "organizations",
    "persons",
    "phone_numbers",
    "email_addresses",
    "taggings",
    "calls",
    "call_targets",
    "call_events",
    "peer_numbers",
)
OUTCOMES = ("answered",) * 6 + ("missed", "abandoned", "busy", "no-answer")
PERSONS = "id name sort_name search_text organization_id owner_id note updated_at created_at"
CALLS = (
    "id public_id root_sid direction state outcome user_id line_id peer_number peer_place person_id person_reason "
    "started_at answered_at ended_at talk_seconds recording has_recording created_at"
)
Rows = Iterator[tuple[Any, ...]]


def number_of(person_id: int) -> str:
    """The first number of a contact: valid in form, and nobody else's."""
    return f"+1{2_000_000_000 + person_id * 48_271 % 7_999_999_999}"


def first_names() -> list[str]:
    return _names("first", 300)


def last_names() -> list[str]:
    return _names("last", 3000)


def fill(url: str, count: int) -> None:
    """Into a migrated, empty database: `count` contacts and calls, agents, lines and tags. Takes a minute a million."""
    write: Callable[[dict[str, tuple[str, Rows]]], None] = (
        (lambda tables: _into_sqlite(url, tables))
        if url.startswith("sqlite")
        else (lambda tables: _into_postgres(url, tables))
    )
    write(
        {
            "organizations": ("id name sort_name search_text website note created_at", _organizations(count)),
            "tags": ("id name sort_name created_at", ((i, f"tag {i}", f"tag {i}", NOW) for i in range(1, TAGS + 1))),
            "persons": (PERSONS, _persons(count)),
            "phone_numbers": ("id person_id number label position created_at", _numbers(count)),
            "email_addresses": ("id person_id address position created_at", _emails(count)),
            "taggings": ("person_id tag_id sort_name", _taggings(count)),
            "calls": (CALLS, _calls(count)),
            "call_targets": ("call_id user_id", _targets(count)),
            "call_events": ("key kind call_id call_sid status sequence at received_at body", _events(count)),
            "peer_numbers": ("id number", enumerate(dict.fromkeys(row[8] for row in _calls(count)), 1)),
            "peer_reach": ("id call_id", iter([(1, count)])),
        }
    )


@cache
def _names(kind: str, count: int) -> list[str]:
    chance = random.Random(kind)
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = (chance.choice("bcdfghjklmnprstvwz") + chance.choice("aeiou") for _ in range(chance.choice((2, 3))))
        found["".join(syllables).capitalize() + chance.choice(("", "n", "r", "s", "th"))] = None
    return list(found)


def _organizations_of(count: int) -> int:
    return max(count // 20, 1)


def _organizations(count: int) -> Rows:
    for one in range(1, _organizations_of(count) + 1):
        name = _company(one)
        yield one, name, name.lower(), "".join(f"  {word}" for word in name.lower().split()), "", "", NOW


def _company(one: int) -> str:
    lasts = last_names()
    return f"{lasts[one % len(lasts)]} {lasts[one * 7 % len(lasts)]} {one}"


def _people(count: int) -> Iterator[tuple[int, str, str, int, int | None]]:
    """(id, name, e-mail, organization, owner), the same at every call."""
    chance, firsts, lasts = random.Random(1), first_names(), last_names()
    organizations = _organizations_of(count)
    for one in range(1, count + 1):
        first, last = chance.choice(firsts), chance.choice(lasts)
        owner = chance.randint(1, AGENTS) if chance.random() < 0.8 else None
        email = f"{first}.{last}.{one}@example.com".lower()
        yield one, f"{first} {last}", email, chance.randint(1, organizations), owner


def _persons(count: int) -> Rows:
    companies = [""] + [_company(one).lower() for one in range(1, _organizations_of(count) + 1)]
    for one, name, email, organization, owner in _people(count):
        words = "".join(f"  {word}" for word in f"{name.lower()} {companies[organization]}".split())
        found_by = f"{words}\n{email}\n{number_of(one)[1:]}"
        yield one, name, name.lower(), found_by, organization, owner, "", NOW - timedelta(minutes=one % 99_999), NOW


def _numbers(count: int) -> Rows:
    for one in range(1, count + 1):
        yield one, one, number_of(one), ("work", "mobile")[one % 2], 0, NOW


def _emails(count: int) -> Rows:
    for one, _, email, _, _ in _people(count):
        yield one, one, email, 0, NOW


def _taggings(count: int) -> Rows:
    for one, name, _, _, _ in _people(count):
        if one % 10 == 0:
            yield one, one // 10 % TAGS + 1, name.lower()


def _calls(count: int) -> Rows:
    """Half of them in, two thirds with somebody known; evenly over the days before NOW."""
    chance = random.Random(2)
    every = timedelta(days=DAYS) / count
    for one in range(1, count + 1):
        started = NOW - timedelta(days=DAYS) + one * every
        person = chance.randint(1, count) if chance.random() < 0.67 else None
        outcome = chance.choice(OUTCOMES)
        is_missed = outcome in {"missed", "abandoned"}
        way = "inbound" if is_missed or chance.random() < 0.4 else "outbound"
        talked = chance.randint(5, 900) if outcome == "answered" else 0
        answered = started + timedelta(seconds=9) if talked else None
        number = number_of(person or count + chance.randint(1, count))
        reason = f"{number} is this person's number." if person else ""
        yield (
            one,
            f"{one:020x}",
            f"CA{one:032x}",
            way,
            "ended",
            outcome,
            None if is_missed else chance.randint(1, AGENTS),
            chance.randint(1, LINES),
            number,
            "United States",
            person,
            reason,
            started,
            answered,
            started + timedelta(seconds=20 + talked),
            talked,
            "on",
            bool(talked) and one % 2 == 0,
            started,
        )


def _targets(count: int) -> Rows:
    chance = random.Random(3)
    for row in _calls(count):
        if row[6] is None:
            yield row[0], chance.randint(1, AGENTS)


def _events(count: int) -> Rows:
    """Of the newest calls, one in twenty: enough for the database to look them up by their call."""
    first = count - count // 20
    for one, row in enumerate(islice(_calls(count), first, None), first + 1):
        for sequence, status in enumerate(("ringing", "in-progress", "completed")):
            yield f"{one}:{sequence}", "status", one, row[2], status, sequence, row[12], row[12], "[]"


def _into_sqlite(url: str, tables: dict[str, tuple[str, Rows]]) -> None:
    link = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-500000"):
        link.execute(f"PRAGMA {pragma}")
    kept = link.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        f" AND tbl_name IN ({', '.join('?' * len(BIG))})",
        BIG,
    ).fetchall()
    for kind, name, _ in kept:
        link.execute(f"DROP {kind} {name}")
    for table, (names, rows) in tables.items():
        columns = names.split()
        link.execute("BEGIN")
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        link.executemany(insert, (tuple(map(_for_sqlite, row)) for row in rows))
        link.execute("COMMIT")
    for _, _, sql in kept:
        link.execute(sql)
    for index in ("person_search", "organization_search", "peer_number_search"):
        link.execute(f"INSERT INTO {index} ({index}) VALUES ('rebuild')")
    link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    link.close()


def _for_sqlite(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def _into_postgres(url: str, tables: dict[str, tuple[str, Rows]]) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as link:
        kept = link.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND NOT EXISTS"
            " (SELECT 1 FROM pg_constraint WHERE conname = indexname)",
            (list(BIG),),
        ).fetchall()
        for name, _ in kept:
            link.execute(f"DROP INDEX {name}")
        link.execute("SET session_replication_role = replica")  # the rows refer to each other rightly
        link.execute("SET maintenance_work_mem = '512MB'")
        for table, (names, rows) in tables.items():
            with link.cursor().copy(f"COPY {table} ({', '.join(names.split())}) FROM STDIN") as copy:
                while lines := _lines(islice(rows, 2000)):
                    copy.write(lines)
        for _, sql in kept:
            link.execute(sql)
        for table, (names, _) in tables.items():
            if "id" in names.split():
                link.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        link.execute("VACUUM ANALYZE")
        link.execute("CHECKPOINT")


def _lines(rows: Iterable[tuple[Any, ...]]) -> str:
    file = io.StringIO()
    for row in rows:
        file.write("\t".join(map(_for_copy, row)) + "\n")
    return file.getvalue()


def _for_copy(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return re.sub(r"[\\\n\t]", lambda found: {"\\": r"\\", "\n": r"\n", "\t": r"\t"}[found[0]], value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
