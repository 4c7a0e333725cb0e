"""Calls: create, list, fetch, update (status, url, twiml), delete."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from multidict import MultiMapping

from voipcrm.sandbox.addresses import is_number, normal
from voipcrm.sandbox.calls import API_VERSION, Call
from voipcrm.sandbox.exchange import Exchange, Outgoing
from voipcrm.sandbox.parts import PARTS
from voipcrm.sandbox.recordings import Teller, teller
from voipcrm.sandbox.rest.forms import boolean, dated, form_of, method_of, page, required, stamp, whole
from voipcrm.sandbox.rest.guard import RestError, not_found
from voipcrm.sandbox.twiml.documents import Document, DocumentError, Goto, parse


def as_json(call: Call) -> dict[str, Any]:
    """A Call resource."""
    path = f"/{API_VERSION}/Accounts/{call.account_sid}/Calls/{call.sid}"
    names = {"recordings": "Recordings", "notifications": "Notifications", "events": "Events"}
    return {
        "sid": call.sid,
        "account_sid": call.account_sid,
        "api_version": API_VERSION,
        "parent_call_sid": call.parent_sid,
        "from": call.from_,
        "from_formatted": call.from_,
        "to": call.to,
        "to_formatted": call.to,
        "status": call.status,
        "direction": call.direction,
        "date_created": stamp(call.created_at),
        "date_updated": stamp(call.updated_at),
        "start_time": stamp(call.answered_at or call.ended_at),
        "end_time": stamp(call.ended_at),
        "duration": None if call.is_live else str(call.seconds),
        "price": None if call.price is None else f"{call.price:.5f}",
        "price_unit": "USD",
        "queue_time": "0",
        "caller_name": call.caller_name,
        "answered_by": None,
        "annotation": None,
        "forwarded_from": None,
        "group_sid": None,
        "phone_number_sid": "",
        "trunk_sid": "",
        "uri": path + ".json",
        "subresource_uris": {name: f"{path}/{folder}.json" for name, folder in names.items()},
    }


def call_of(request: web.Request) -> Call:
    """The call in the path. Raises RestError 20404."""
    call = request.app[PARTS].exchange.calls.get(request.match_info["call"])
    if call is None:
        raise not_found(request)
    return call


async def fetch(request: web.Request) -> web.Response:
    """GET one."""
    return web.json_response(as_json(call_of(request)))


async def list_(request: web.Request) -> web.Response:
    """GET all, newest first: To, From, ParentCallSid, Status, StartTime and EndTime (also with < and >)."""
    query = request.query
    rows = list(reversed(request.app[PARTS].exchange.calls.values()))
    for name, value_of in (
        ("To", lambda call: call.to),
        ("From", lambda call: call.from_),
        ("Status", lambda call: call.status),
        ("ParentCallSid", lambda call: call.parent_sid),
    ):
        if query.get(name):
            rows = [call for call in rows if value_of(call) == query[name]]
    rows = dated(rows, query, "StartTime", lambda call: call.answered_at or call.ended_at)
    rows = dated(rows, query, "EndTime", lambda call: call.ended_at)
    return page(request, "calls", rows, as_json)


async def create(request: web.Request) -> web.Response:
    """POST a new call: To, From, and one of Url, Twiml, ApplicationSid."""
    exchange = request.app[PARTS].exchange
    fields = await form_of(request)
    to = callee_of(fields)
    from_ = required(fields, "From", 21213)
    check_caller_id(exchange, to, from_)
    start = start_of(exchange, fields)
    if start is None:
        raise RestError(400, 21205, "Url parameter is required.")
    call = exchange.originate(outgoing(fields, to=to, from_=from_, start=start))
    return web.json_response(as_json(call), status=201)


def callee_of(fields: MultiMapping[str]) -> str:
    """The number, client or SIP address in To. Raises RestError 21201 or 21211."""
    to = required(fields, "To", 21201)
    if not to.startswith(("client:", "sip:", "sips:")) and not is_number(normal(to)):
        raise RestError(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
    return to


def check_caller_id(exchange: Exchange, to: str, from_: str) -> None:
    """To the telephone network only a number of the account. Raises RestError 21210 or 21212."""
    if to.startswith("client:"):
        return
    if not is_number(normal(from_)) and not to.startswith(("sip:", "sips:")):
        raise RestError(400, 21212, f"Invalid From Number (caller ID): {from_}")
    if is_number(normal(to)) and not exchange.store.may_show(normal(from_)):
        raise RestError(400, 21210, f"From {from_} is not a valid, verified phone number of this account.")


def outgoing(fields: MultiMapping[str], *, to: str, from_: str, start: Goto | Document) -> Outgoing:
    """The fields that Calls and Participants have in common. Raises RestError on a malformed one."""
    return Outgoing(
        to=to,
        from_=from_,
        start=start,
        timeout=whole(fields, "Timeout", 60, 1, 600),
        time_limit=whole(fields, "TimeLimit", 14400, 1, 86400),
        send_digits=fields.get("SendDigits", ""),
        status_url=fields.get("StatusCallback", ""),
        status_method=method_of(fields, "StatusCallbackMethod"),
        status_events=tuple(_many(fields, "StatusCallbackEvent")),
        fallback=(fields.get("FallbackUrl", ""), method_of(fields, "FallbackMethod")),
        record=recording_teller(fields) if boolean(fields, "Record") else None,
        record_channels=2 if fields.get("RecordingChannels") == "dual" else 1,
    )


def recording_teller(fields: MultiMapping[str]) -> Teller:
    """The RecordingStatusCallback fields."""
    name = "RecordingStatusCallback"
    return teller(fields.get(name, ""), _many(fields, f"{name}Event"), method_of(fields, f"{name}Method"))


def start_of(exchange: Exchange, fields: MultiMapping[str]) -> Goto | Document | None:
    """What the call is to do: Twiml, ApplicationSid or Url. Raises RestError for bad TwiML or an unknown SID."""
    if fields.get("Twiml"):
        try:
            return parse(fields["Twiml"], fields.get("Url", ""))
        except DocumentError as error:
            raise RestError(400, error.code, error.detail) from error
    if fields.get("ApplicationSid"):
        target = exchange.store.applications.get(fields["ApplicationSid"])
        if target is None or not target.voice_url:
            raise RestError(400, 21218, "Invalid ApplicationSid")
        return Goto(target.voice_url, target.voice_method, {"ApplicationSid": target.sid})
    if fields.get("Url"):
        if not fields["Url"].startswith(("http://", "https://")):
            raise RestError(400, 21205, f"Url is not a valid URL: {fields['Url']}")
        return Goto(fields["Url"], method_of(fields, "Method"))
    return None


async def update(request: web.Request) -> web.Response:
    """POST: Status=canceled|completed ends it, Url or Twiml gives a live call other instructions."""
    exchange = request.app[PARTS].exchange
    call = call_of(request)
    fields = await form_of(request)
    status = fields.get("Status")
    if status and status not in ("canceled", "completed"):
        raise RestError(400, 21218, f"Status must be canceled or completed, not {status}")
    start = None if status else start_of(exchange, fields)
    if start is not None:
        answered_or_ours = call.answered.is_set() or call.placed_by_its_end
        if not call.is_live or not answered_or_ours:
            raise RestError(400, 21220, "Call is not in-progress. Cannot redirect.")
        if fields.get("FallbackUrl"):
            call.fallback = (fields["FallbackUrl"], method_of(fields, "FallbackMethod"))
        exchange.subscribe(call, fields.get("StatusCallback", ""), (), method_of(fields, "StatusCallbackMethod"))
        await exchange.redirect(call, start)
    elif status == "completed" or (status == "canceled" and not call.answered.is_set()):
        await call.hang_up(status if call.answered.is_set() else "canceled")
    if fields.get("TimeLimit"):
        exchange.limit(call, max(0, whole(fields, "TimeLimit", 0, 1, 86400) - call.seconds))
    return web.json_response(as_json(call))


async def delete(request: web.Request) -> web.Response:
    """DELETE the record of a call that is over."""
    call = call_of(request)
    if call.is_live:
        raise RestError(409, 20409, "The call is still in progress")
    del request.app[PARTS].exchange.calls[call.sid]
    return web.Response(status=204)


def _many(fields: MultiMapping[str], name: str) -> list[str]:
    """Events as repeated fields, or separated by spaces in one."""
    return [word for value in fields.getall(name, []) for word in value.split()]


ROUTES = [
    ("GET", "/Calls.json", list_),
    ("POST", "/Calls.json", create),
    ("GET", "/Calls/{call}.json", fetch),
    ("POST", "/Calls/{call}.json", update),
    ("DELETE", "/Calls/{call}.json", delete),
]
