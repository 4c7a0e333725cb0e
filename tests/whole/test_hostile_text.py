"""Whatever people and strangers write is refused with a sentence or kept as text, and never becomes anything else."""

from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa

from voipcrm.core.db import db
from whole.crawling import Crawler, House
from whole.writing import attempts, filled, questions, send

STRANGE = "a\x00b\u202eright to left\u202c \ud800 שלום \r\n'; DROP TABLE users --"
LONG = "ü" * 10_240
FORMULA = "=1+2+cmd|' /C calc'!A0"


def test_no_text_in_any_field_is_too_much(furnished, cast):
    crawler, wrong = Crawler(furnished, cast.root), []
    crawler.crawl()
    house = House(furnished)
    tried = 0
    for way, name, value in attempts(crawler, (STRANGE, LONG)):
        with house.writes():
            status = send(crawler, way, filled(way, name, value)).status_code
        tried += 1
        if status >= 500:
            wrong.append(f"{way}, {name}: {status} for {value[:12]!r}")
    browser = crawler.browser()
    for path in questions(crawler, (STRANGE, LONG[:2000], "-1", "99999999999999999999", "2026-13-45")):
        status = browser.get(path).status_code
        tried += 1
        if status >= 500:
            wrong.append(f"GET {path[:200]}: {status}")
    assert tried > 100
    assert not wrong, "\n" + "\n".join(wrong)


def test_no_cell_of_an_export_is_a_formula(furnished, cast):
    crawler = Crawler(furnished, cast.root)
    crawler.crawl()
    for way, name, value in attempts(crawler, (FORMULA,)):
        send(crawler, way, filled(way, name, value))
    assert len(tables_with(furnished, FORMULA)) > 5
    after = Crawler(furnished, cast.root)
    after.crawl()
    files = [visit.way.address for visit in after.visits if visit.page is None]
    sheets = [
        text for path in files if (answer := after.browser().get(path)).mimetype == "text/csv" for text in [answer.text]
    ]
    assert sheets
    cells = [cell for sheet in sheets for row in csv.reader(io.StringIO(sheet.lstrip("\ufeff"))) for cell in row]
    assert any(FORMULA in cell for cell in cells)
    assert [cell for cell in cells if cell.startswith(("=", "@", "\t", "\r"))] == []


def tables_with(app, text: str) -> set[str]:
    """Where it was kept."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name
            for table in db.metadata.sorted_tables
            for column in table.columns
            if isinstance(getattr(column.type, "impl_instance", column.type), sa.Text)
            and connection.scalar(sa.select(sa.func.count()).select_from(table).where(column.contains(text)))
        }


@pytest.fixture
def poisoned(furnished, cast):
    """The house with a payload in every field that takes one."""
    crawler = Crawler(furnished, cast.root)
    crawler.crawl()
    for way, name, value in attempts(crawler, (PAYLOAD,)):
        send(crawler, way, filled(way, name, value))
    assert len(tables_with(furnished, PAYLOAD)) > 5
    return furnished


PAYLOAD = "\"'><img src=x onerror=alert(1)><script>alert(2)</script><a href=javascript:alert(3)>x</a>${alert(4)}{{7*7}}"


@pytest.mark.browser
def test_nothing_that_people_wrote_runs_on_any_page(poisoned, cast, window):
    page, complaints = window(cast.root)
    crawler = Crawler(poisoned, cast.root)
    crawler.crawl()
    for address in crawler.few_pages():
        page.goto(address)
        page.wait_for_load_state()
        assert page.locator("img[src=x], a[href^='javascript:']").count() == 0, address
    assert complaints == []
