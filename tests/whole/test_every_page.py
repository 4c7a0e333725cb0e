"""Tried as a new user would: every link followed, every form sent as it stands and once empty, by each role."""

from __future__ import annotations

from typing import Any

import pytest
from cast import Person
from flask import Flask

from voipcrm.accounts.models import Role, User, UserSession
from voipcrm.accounts.permissions import Can
from voipcrm.core.db import db
from whole.crawling import PARTIAL, UNTOLD, Crawler, House
from whole.reading import Page, Way

BUILT_IN = ("ada", "bo", "root", "mallory")
SESSION = "voipcrm="  # this cookie alone is no effect


@pytest.mark.parametrize("who", BUILT_IN)
def test_every_link_leads_somewhere_and_every_page_is_whole(furnished, cast, who):
    crawler = Crawler(furnished, getattr(cast, who))
    crawler.crawl()
    assert not crawler.wrong, "\n" + "\n".join(sorted(set(crawler.wrong)))


@pytest.mark.parametrize("can", Can)
def test_no_single_right_shows_a_way_to_what_it_does_not_open(furnished, can):
    crawler = Crawler(furnished, person_with(furnished, can))
    crawler.crawl()
    assert not crawler.wrong, "\n" + "\n".join(sorted(set(crawler.wrong)))


def person_with(app: Flask, can: Can) -> Person:
    with app.app_context():
        user = User(email="one@example.com", name="One Right", password_hash="x")
        user.roles = [Role(name="One right", permissions=[can])]
        db.session.add(user)
        db.session.flush()
        UserSession.begin(user)
        db.session.commit()
        return Person(user.id, user.name, user.email, user.get_id())


@pytest.mark.parametrize("who", BUILT_IN)
def test_every_form_has_an_effect_or_says_why_not(furnished, cast, who):
    crawler = Crawler(furnished, getattr(cast, who))
    crawler.crawl()
    crawler.wrong.clear()
    house = House(furnished)
    for way, seen_on in crawler.forms.values():
        empty = [(name, "" if name in way.free else value) for name, value in way.fields if name not in way.ticked]
        for fields in (list(way.fields), empty):
            with house.writes() as written:
                crawler.wrong += complaints(crawler, way, seen_on, fields, written)
    assert not crawler.wrong, "\n" + "\n".join(sorted(set(crawler.wrong)))


def complaints(crawler: Crawler, way: Way, seen_on: str, fields: list[tuple[str, str]], written: set[str]) -> list[str]:
    """What is wrong with the answer to this form."""
    answer, page = send(crawler, way, fields)
    told = f"{way} with {[name for name, value in fields if value]} (on {seen_on})"
    if answer.status_code >= 500 or answer.status_code in {400, 401, 403, 404, 405}:
        return [f"{told} answers {answer.status_code}"]
    before = Page(crawler.browser().get(seen_on).text, seen_on)
    answers = (answer, *answer.history)
    cookies = [cookie for one in answers for cookie in one.headers.getlist("Set-Cookie")]
    has_effect = bool(written - UNTOLD) or any("HX-Trigger" in one.headers for one in answers)
    has_effect = has_effect or not all(cookie.startswith(SESSION) for cookie in cookies)
    explains = page is not None and (page.explains() or page.text() != before.text())
    if not has_effect and not explains and not way.rearranges:
        return [f"{told} has no effect and says nothing ({answer.status_code})"]
    return page.faults() if page else []


def send(crawler: Crawler, way: Way, fields: list[tuple[str, str]]) -> tuple[Any, Page | None]:
    """Without a script's help the token must stand in the form; htmx sends it in a header."""
    browser = crawler.browser()
    if not way.partial:
        browser.token = None
    body: dict[str, list[str]] = {}
    for name, value in fields:
        body.setdefault(name, []).append(value)
    headers = PARTIAL if way.partial else {}
    answer = browser.open(way.address, method=way.method, data=body, headers=headers, follow_redirects=True)
    is_page = answer.mimetype == "text/html" and answer.status_code in {200, 422}
    return answer, Page(answer.text, way.address) if is_page else None
