"""Conferences: list, fetch, end."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from voipcrm.sandbox.calls import API_VERSION
from voipcrm.sandbox.conferences import Conference
from voipcrm.sandbox.parts import PARTS
from voipcrm.sandbox.rest.forms import dated, form_of, page, stamp
from voipcrm.sandbox.rest.guard import RestError, not_found


def as_json(row: Conference) -> dict[str, Any]:
    """A Conference resource."""
    path = f"/{API_VERSION}/Accounts/{row.account_sid}/Conferences/{row.sid}"
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "api_version": API_VERSION,
        "friendly_name": row.name,
        "status": row.status,
        "region": "us1",
        "date_created": stamp(row.created_at),
        "date_updated": stamp(row.updated_at),
        "reason_conference_ended": row.reason_ended,
        "call_sid_ending_conference": row.ended_by,
        "uri": path + ".json",
        "subresource_uris": {"participants": f"{path}/Participants.json", "recordings": f"{path}/Recordings.json"},
    }


def conference_of(request: web.Request) -> Conference:
    """The one in the path, by SID or by the name of a live one. Raises RestError 20404."""
    conferences = request.app[PARTS].exchange.conferences
    name = request.match_info["conference"]
    found = conferences.rows.get(name) or conferences.named(name)
    if found is None:
        raise not_found(request)
    return found


async def list_(request: web.Request) -> web.Response:
    """GET all, newest first: FriendlyName, Status, DateCreated and DateUpdated (also with < and >)."""
    query = request.query
    rows = list(reversed(request.app[PARTS].exchange.conferences.rows.values()))
    if query.get("FriendlyName"):
        rows = [row for row in rows if row.name == query["FriendlyName"]]
    if query.get("Status"):
        rows = [row for row in rows if row.status == query["Status"]]
    rows = dated(rows, query, "DateCreated", lambda row: row.created_at)
    rows = dated(rows, query, "DateUpdated", lambda row: row.updated_at)
    return page(request, "conferences", rows, as_json)


async def fetch(request: web.Request) -> web.Response:
    """GET one."""
    return web.json_response(as_json(conference_of(request)))


async def update(request: web.Request) -> web.Response:
    """POST Status=completed."""
    conference = conference_of(request)
    fields = await form_of(request)
    if fields.get("AnnounceUrl"):
        raise RestError(400, 20001, "AnnounceUrl is not built in the sandbox")
    if fields.get("Status") == "completed":
        conference.end("conference-ended-via-api")
    elif fields.get("Status"):
        raise RestError(400, 20001, "Status must be completed")
    return web.json_response(as_json(conference))


ROUTES = [
    ("GET", "/Conferences.json", list_),
    ("GET", "/Conferences/{conference}.json", fetch),
    ("POST", "/Conferences/{conference}.json", update),
]
