"""Recordings: of the account, of a call, of a conference; begin, pause, resume, stop, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from voipcrm.sandbox.calls import API_VERSION
from voipcrm.sandbox.parts import PARTS
from voipcrm.sandbox.recordings import ActiveRecording, Recording
from voipcrm.sandbox.rest import media
from voipcrm.sandbox.rest.calls import call_of, recording_teller
from voipcrm.sandbox.rest.forms import boolean, dated, form_of, page, required, stamp
from voipcrm.sandbox.rest.guard import RestError, not_found

CURRENT = "Twilio.CURRENT"


def as_json(row: Recording) -> dict[str, Any]:
    """A Recording resource."""
    path = f"/{API_VERSION}/Accounts/{row.account_sid}/Recordings/{row.sid}"
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "api_version": API_VERSION,
        "call_sid": row.call_sid,
        "conference_sid": row.conference_sid,
        "channels": row.channels,
        "source": row.source,
        "status": row.status,
        "duration": str(row.duration),
        "error_code": row.error_code,
        "start_time": stamp(row.start_time),
        "date_created": stamp(row.start_time),
        "date_updated": stamp(row.date_updated),
        "price": None if row.price is None else f"{row.price:.5f}",
        "price_unit": "USD",
        "track": row.track,
        "encryption_details": None,
        "uri": path + ".json",
        "subresource_uris": {"transcriptions": f"{path}/Transcriptions.json"},
        "media_url": path,
    }


async def list_(request: web.Request) -> web.Response:
    """GET all, newest first: CallSid, ConferenceSid, DateCreated (also with < and >), IncludeSoftDeleted."""
    query = request.query
    recordings = request.app[PARTS].exchange.recordings
    rows = [row for row in recordings.rows.values() if not row.deleted or boolean(query, "IncludeSoftDeleted")]
    call = request.match_info.get("call") or query.get("CallSid")
    conference = request.match_info.get("conference") or query.get("ConferenceSid")
    rows = [row for row in rows if call in (None, row.call_sid) and conference in (None, row.conference_sid)]
    rows = dated(rows, query, "DateCreated", lambda row: datetime.fromisoformat(row.start_time))
    rows.sort(key=lambda row: row.start_time, reverse=True)
    return page(request, "recordings", rows, as_json)


def _row_of(request: web.Request) -> Recording:
    recordings = request.app[PARTS].exchange.recordings
    sid = request.match_info["recording"]
    if sid == CURRENT:
        return _active_of(request).row
    row = recordings.find(sid)
    if row is None:
        raise not_found(request)
    owner = request.match_info.get("call") or request.match_info.get("conference")
    if owner and owner not in (row.call_sid, row.conference_sid):
        raise not_found(request)
    return row


def _active_of(request: web.Request) -> ActiveRecording:
    """The one that runs: by SID, or the latest of the call or conference in the path."""
    exchange = request.app[PARTS].exchange
    sid = request.match_info["recording"]
    owner = request.match_info.get("call") or request.match_info.get("conference")
    for active in reversed(exchange.recordings.running.values()):
        row = active.row
        if owner in (row.call_sid, row.conference_sid) and sid in (CURRENT, row.sid):
            return active
    raise not_found(request)


async def fetch(request: web.Request) -> web.StreamResponse:
    """GET one: as JSON, or its sound with another ending or none."""
    name = request.match_info["recording"]
    if not name.endswith(".json") and "call" not in request.match_info:
        return await media.serve(request, name)
    request.match_info["recording"] = name.removesuffix(".json")
    return web.json_response(as_json(_row_of(request)))


async def create(request: web.Request) -> web.Response:
    """POST to a call in progress: RecordingChannels, RecordingTrack, Trim, RecordingStatusCallback(+Event, Method)."""
    exchange = request.app[PARTS].exchange
    call = call_of(request)
    fields = await form_of(request)
    if not call.is_live or not call.answered.is_set():
        raise RestError(400, 21220, "Requested resource is not eligible for recording")
    active = exchange.record_call(
        call,
        channels=2 if fields.get("RecordingChannels") == "dual" else 1,
        source="StartCallRecordingAPI",
        teller=recording_teller(fields),
    )
    return web.json_response(as_json(active.row), status=201)


async def update(request: web.Request) -> web.Response:
    """POST Status=paused|in-progress|stopped, PauseBehavior=skip|silence, to a recording that runs."""
    request.match_info["recording"] = request.match_info["recording"].removesuffix(".json")
    fields = await form_of(request)
    status = required(fields, "Status")
    row = None if request.match_info["recording"] == CURRENT else _row_of(request)
    if row is not None and not row.is_running:
        raise RestError(400, 21220, f"The recording is {row.status} and cannot change")
    active = _active_of(request)
    if status == "paused":
        behavior = fields.get("PauseBehavior", "silence")
        if behavior not in ("skip", "silence"):
            raise RestError(400, 20001, "PauseBehavior must be skip or silence")
        active.pause("skip" if behavior == "skip" else "silence")
    elif status == "in-progress":
        active.resume()
    elif status == "stopped":
        active.stop()
        return web.json_response(as_json(active.row) | {"status": "stopped"})
    else:
        raise RestError(400, 20001, "Status must be paused, in-progress or stopped")
    return web.json_response(as_json(active.row))


async def delete(request: web.Request) -> web.Response:
    """DELETE the sound; a recording that runs is stopped first."""
    request.match_info["recording"] = request.match_info["recording"].removesuffix(".json")
    recordings = request.app[PARTS].exchange.recordings
    row = _row_of(request)
    if row.is_running or row.status == "processing":
        raise RestError(400, 21220, "The recording is still in progress")
    recordings.delete(row)
    return web.Response(status=204)


ROUTES = [
    ("GET", "/Recordings.json", list_),
    ("GET", "/Recordings/{recording}", fetch),
    ("DELETE", "/Recordings/{recording}", delete),
    *(
        (method, f"/{owner}/Recordings{rest}", handler)
        for owner in ("Calls/{call}", "Conferences/{conference}")
        for method, rest, handler in (
            ("GET", ".json", list_),
            ("GET", "/{recording}", fetch),
            ("POST", "/{recording}", update),
            ("DELETE", "/{recording}", delete),
        )
    ),
    ("POST", "/Calls/{call}/Recordings.json", create),
]
