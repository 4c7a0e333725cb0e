"""Somebody who opens every page that can be reached from the first one, and then sends every form on them."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import sqlalchemy as sa
from cast import Browser, Person
from flask import Flask
from sqlalchemy import event
from werkzeug.exceptions import HTTPException

from voipcrm.accounts.models import User
from voipcrm.core.db import db
from whole.doors import Door, doors
from whole.reading import Page, Way

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
ALIKE = 8  # pages of one address: enough for every state that a row has
WRITE = re.compile(r"^\s*(?:INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)", re.IGNORECASE)
UNTOLD = {"sessions"}  # when somebody was seen last is no effect of a form


class House:
    """The database as it was seeded, and how to get back there."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context(), db.engine.connect() as connection:
            self._kept = {
                table: [dict(row._mapping) for row in connection.execute(sa.select(table))]
                for table in db.metadata.sorted_tables
            }

    @contextmanager
    def writes(self) -> Iterator[set[str]]:
        """The names of the tables that are written meanwhile; afterwards everything is as it was."""
        written: set[str] = set()

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if found := WRITE.match(statement):
                written.add(found[1])

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield written
        finally:
            event.remove(engine, "before_cursor_execute", note)
            self._put_back(set(written))

    def _put_back(self, written: set[str]) -> None:
        touched = set(written)
        for table in db.metadata.sorted_tables:  # parents first: what refers to a written table may have gone with it
            if any(key.column.table.name in touched for key in table.foreign_keys):
                touched.add(table.name)
        tables = [table for table in db.metadata.sorted_tables if table.name in touched]
        if tables:
            with self.app.app_context(), db.engine.begin() as connection:
                for table in reversed(tables):
                    connection.execute(table.delete())
                for table in tables:
                    if self._kept[table]:
                        connection.execute(table.insert(), self._kept[table])


@dataclass
class Visit:
    """One answer."""

    way: Way
    status: int
    page: Page | None  # None for what is not HTML
    seen_on: str  # the page that led there


class Crawler:
    """Follows everything from "/" as one person. `wrong` says what should not be."""

    def __init__(self, app: Flask, who: Person) -> None:
        self.app, self.who = app, who
        self.visits: list[Visit] = []
        self.forms: dict[tuple[Any, ...], tuple[Way, str]] = {}
        self.wrong: list[str] = []
        self.met: set[tuple[str, str]] = set()  # (endpoint, method)
        self._adapter = app.url_map.bind("here")
        self._alike: dict[tuple[Any, ...], int] = defaultdict(int)
        self._known: set[tuple[str, bool]] = set()
        self._doors = {(door.endpoint, door.method): door for door in doors(app)}
        with app.app_context():
            self._may = db.session.get_one(User, who.id).permissions

    def browser(self) -> Browser:
        return self.app.test_client().sign_in(self.who)

    def pages(self) -> list[str]:
        """Addresses of the whole pages found."""
        return [visit.way.address for visit in self.visits if visit.page and visit.page.is_whole]

    def few_pages(self) -> list[str]:
        """Of pages of one address and with the same filters the last: most tables are in their last state there."""
        kinds: dict[tuple[Any, ...], list[str]] = defaultdict(list)
        for address in self.pages():
            endpoint, _ = self._match(Way("GET", address, partial=False))
            kinds[endpoint, frozenset(name for name, value in parse_qsl(urlsplit(address).query) if value)].append(
                address
            )
        return [alike[-1] for alike in kinds.values()]

    def crawl(self) -> None:
        """Every link and everything that htmx fetches."""
        browser = self.browser()
        due = deque([(Way("GET", "/", partial=False), "nowhere")])
        while due:
            way, seen_on = due.popleft()
            visit = self._look(browser, way, seen_on)
            for found in visit.page.ways() if visit.page else []:
                self._check(found, way.address)
                if found.method == "GET" and self._is_new(found):
                    due.append((found, way.address))
                elif found.method != "GET":
                    self.forms.setdefault(self._kind_of_form(found), (found, way.address))

    def _look(self, browser: Browser, way: Way, seen_on: str) -> Visit:
        answer = browser.get(way.address, headers=PARTIAL if way.partial else {})
        readable = answer.mimetype == "text/html" and answer.status_code in {200, 422}
        page = Page(answer.text, way.address) if readable else None
        visit = Visit(way, answer.status_code, page, seen_on)
        is_explained = answer.status_code == 422 and page is not None and page.explains()
        if answer.status_code >= 400 and not is_explained:
            self.wrong.append(f"{way} answers {answer.status_code}; it stands on {seen_on}")
        if answer.status_code in {301, 302, 303, 307, 308}:
            target = Way("GET", urlsplit(answer.location)._replace(scheme="", netloc="").geturl(), partial=False)
            if self._is_new(target):
                self.visits.append(visit)
                return self._look(browser, target, way.address)
        if page:
            self.wrong += page.faults()
        self.visits.append(visit)
        return visit

    def _is_new(self, way: Way) -> bool:
        if (way.address, way.partial) in self._known or way.address.startswith("/static/"):
            return False
        self._known.add((way.address, way.partial))
        endpoint, values = self._match(way)
        asked = frozenset(name for name, value in parse_qsl(urlsplit(way.address).query) if value)
        kind = (endpoint, asked, way.partial)
        self._alike[kind] += 1
        return self._alike[kind] <= (ALIKE if values or not asked else 2)

    def _check(self, way: Way, seen_on: str) -> None:
        """No link and no button to something that this person may not do, or that is not there."""
        endpoint, _ = self._match(way)
        if endpoint == "static":
            return
        door: Door | None = self._doors.get((endpoint, way.method))
        if door is None:
            self.wrong.append(f"{way} leads nowhere; it stands on {seen_on}")
            return
        self.met.add((endpoint, way.method))
        if door.gate != "signed-in" and not door.is_open and self._may.isdisjoint(door.gate.split(" or ")):
            self.wrong.append(f"{way} needs {door.gate}; it stands on {seen_on}")

    def _match(self, way: Way) -> tuple[str, dict[str, Any]]:
        try:
            return self._adapter.match(urlsplit(way.address).path, method=way.method)
        except HTTPException:
            return "", {}

    def _kind_of_form(self, way: Way) -> tuple[Any, ...]:
        """Forms of one kind differ in rows only."""
        endpoint, _ = self._match(way)
        asked = urlsplit(way.address).query
        names = frozenset(re.sub(r"\d+", "", name) for name, _ in way.fields)
        return endpoint, way.method, way.partial, re.sub(r"\d+", "", asked), names
