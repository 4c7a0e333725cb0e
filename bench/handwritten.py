"""The two big lists as somebody would write them by hand who wants nothing but speed: one query, one template; no
session, no permissions, no layout. The limit against which our pages are measured."""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import Any

import psycopg
from flask import Blueprint, render_template_string, request

bp = Blueprint("handwritten", __name__)
_links = threading.local()

CALLS = """SELECT calls.public_id, calls.direction, calls.outcome, calls.peer_number, calls.person_id,
                  calls.started_at, calls.talk_seconds, persons.name, lines.label, users.name
           FROM calls LEFT JOIN persons ON persons.id = calls.person_id LEFT JOIN lines ON lines.id = calls.line_id
           LEFT JOIN users ON users.id = calls.user_id
           WHERE (calls.started_at, calls.id) < (?, ?) ORDER BY calls.started_at DESC, calls.id DESC LIMIT 51"""
PERSONS = """SELECT page.id, page.name, organizations.name, users.name, phone_numbers.number FROM
           (SELECT id, name, sort_name, organization_id, owner_id FROM persons
            WHERE (sort_name, id) > (?, ?) ORDER BY sort_name, id LIMIT 51) page
           LEFT JOIN organizations ON organizations.id = page.organization_id
           LEFT JOIN users ON users.id = page.owner_id LEFT JOIN phone_numbers ON phone_numbers.person_id = page.id
           ORDER BY page.sort_name, page.id"""
TABLE = """<!doctype html><title>{{ title }}</title><table>{% for row in rows %}
<tr id="row-{{ row[0] }}"><td><a href="/{{ title }}/{{ row[0] }}">{{ row[1] }}</a></td>
{% for cell in row[2:] %}<td>{{ cell if cell is not none }}</td>{% endfor %}</tr>{% endfor %}</table>"""


@bp.get("/calls")
def calls() -> str:
    return _page("calls", CALLS, (request.args.get("at", "2100-01-01"), request.args.get("id", 2**31 - 1, type=int)))


@bp.get("/persons")
def persons() -> str:
    return _page("persons", PERSONS, (request.args.get("at", ""), request.args.get("id", 0, type=int)))


def _page(title: str, query: str, values: tuple[Any, ...]) -> str:
    return render_template_string(TABLE, title=title, rows=_rows(query, values)[:50])


def _rows(query: str, values: tuple[Any, ...]) -> list[Any]:
    url = os.environ["DATABASE_URL"]
    if not hasattr(_links, "link"):
        if url.startswith("sqlite"):
            _links.link = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        else:
            _links.link = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
    if url.startswith("sqlite"):
        return _links.link.execute(query, values).fetchall()
    return _links.link.execute(query.replace("?", "%s"), values).fetchall()
