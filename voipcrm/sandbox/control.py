"""The control API for people and tests: ring a number, see everything, ask for faults. No log-in: same origin only."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from voipcrm.sandbox.addresses import is_number, normal
from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.conferences import Conference
from voipcrm.sandbox.disorder import Plan
from voipcrm.sandbox.farends.directory import CALLER_BEHAVIOURS, UnknownBehaviour
from voipcrm.sandbox.faults import Faults
from voipcrm.sandbox.parts import PARTS, Parts

CALLS_SHOWN = 200
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A web page of another site must not ring telephones here, nor read who called."""
    if not request.path.startswith("/control"):
        return await handler(request)
    if _is_foreign(request):
        return web.json_response({"error": "cross-origin requests are refused"}, status=403)
    try:
        return await handler(request)
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=400)


def _is_foreign(request: web.Request) -> bool:
    # Host too: a name that an attacker points at 127.0.0.1 (DNS rebinding) is not one of ours.
    if urlsplit(f"//{request.host}").hostname not in ("127.0.0.1", "localhost", "::1"):
        return True
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return True
    return request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")


async def _asked(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body, {} without one. Raises ValueError."""
    text = await request.text()
    if not text.strip():
        return {}
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError("a JSON object is expected")
    return content


def _call(request: web.Request) -> Call:
    call = request.app[PARTS].exchange.calls.get(request.match_info["call"])
    if call is None:
        raise web.HTTPNotFound(text='{"error": "no such call"}', content_type="application/json")
    return call


async def state(request: web.Request) -> web.Response:
    """
    GET: calls, conferences, devices, far ends and what they hear, webhooks, debugger, disorder, faults, clock.
    `?brief=1` is what the page needs: without recordings, far ends and the forms of webhooks.
    """
    parts = request.app[PARTS]
    brief = "brief" in request.query
    exchange = parts.exchange
    webhooks = exchange.webhooks
    return web.json_response(
        {
            "numbers": [_number(row.phone_number, row.friendly_name) for row in exchange.store.numbers.values()],
            "calls": [call_json(parts, call) for call in list(exchange.calls.values())[: -CALLS_SHOWN - 1 : -1]],
            "conferences": [_conference(row) for row in exchange.conferences.rows.values() if row.is_live],
            "queues": [{"name": row.name, "waiting": len(row.waiting)} for row in exchange.queues.rows.values()],
            "devices": exchange.devices.report(),
            "far_ends": [] if brief else exchange.far_ends.report(),
            "recordings": [] if brief else [row.__dict__ for row in exchange.recordings.rows.values()][-CALLS_SHOWN:],
            "webhooks": {
                "delivered": webhooks.delivered,
                "failed": webhooks.failed,
                "recent": [
                    delivery.as_json() | ({"params": {}} if brief else {}) for delivery in reversed(webhooks.recent)
                ],
            },
            "notifications": exchange.notifications.as_json(),
            "disorder": parts.disorder.as_json(),
            "faults": parts.faults.as_json(),
            "clock": exchange.clock.figures(),
            "tasks": len(exchange.tasks),
        }
    )


def _number(phone_number: str, name: str) -> dict[str, str]:
    return {"phone_number": phone_number, "friendly_name": name}


def call_json(parts: Parts, call: Call) -> dict[str, Any]:
    """A call as the control API shows it: its life, and what a simulated end of it hears."""
    far_end = parts.exchange.far_ends.of_call(call.sid)
    return {
        "sid": call.sid,
        "parent_sid": call.parent_sid,
        "direction": call.direction,
        "from": call.from_,
        "to": call.to,
        "status": call.status,
        "sip_code": call.sip_code,
        "live": call.is_live,
        "seconds": call.seconds,
        "created_at": call.created_at.isoformat(),
        "media": call.leg.connected.is_set(),
        "conference": bool(call.participant),
        "far_end": _without_history(far_end.report()) if far_end else None,
    }


def _without_history(report: dict[str, Any]) -> dict[str, Any]:
    """The minute's measurements are in GET /control/calls/<sid> and in `far_ends`."""
    return report | {"hears": {name: value for name, value in report["hears"].items() if name != "history"}}


async def show(request: web.Request) -> web.Response:
    """GET one call, with the minute's measurements of its simulated end."""
    call = _call(request)
    far_end = request.app[PARTS].exchange.far_ends.of_call(call.sid)
    shown = call_json(request.app[PARTS], call)
    return web.json_response(shown | {"far_end": far_end.report() if far_end else None})


def _conference(row: Conference) -> dict[str, Any]:
    people = [
        {"call_sid": who.call.sid, "label": who.label, "muted": who.muted, "hold": who.hold, "coaching": who.coaching}
        for who in row.participants.values()
    ]
    return {"sid": row.sid, "name": row.name, "status": row.status, "participants": people}


async def ring(request: web.Request) -> web.Response:
    """
    POST {to, from, behaviour, give_up_after, hang_up_after, keys}: a telephone calls one of our numbers. Answers
    {call_sid}. `from` is E.164 or a word such as Anonymous; times in seconds; keys are pressed after the answer.
    """
    exchange = request.app[PARTS].exchange
    asked = await _asked(request)
    known = {"to", "from", "behaviour", "give_up_after", "hang_up_after", "keys"}
    if set(asked) - known:
        raise ValueError(f"unknown: {', '.join(sorted(set(asked) - known))}")
    to, from_ = normal(str(asked.get("to", ""))), str(asked.get("from", ""))
    if exchange.store.number_owned(to) is None:
        raise ValueError(f"{to or 'to'} is not a number of this account")
    if is_number(normal(from_)):
        from_ = normal(from_)
    elif not from_.isalpha() and from_:
        raise ValueError(f"{from_} is neither a number nor a word")
    script = {name: _seconds(asked, name) for name in ("give_up_after", "hang_up_after")}
    try:
        call = await exchange.far_ends.place(
            exchange, from_, to, str(asked.get("behaviour") or "talk"), keys=str(asked.get("keys") or ""), **script
        )
    except UnknownBehaviour as error:
        raise ValueError(str(error)) from error
    return web.json_response({"call_sid": call.sid}, status=201)


def _seconds(asked: dict[str, Any], name: str) -> float | None:
    value = asked.get(name)
    if value is None or value == "":
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is a number of seconds") from None
    if not 0 < seconds <= 3600:
        raise ValueError(f"{name} is more than 0 and at most 3600 seconds")
    return seconds


async def hang_up(request: web.Request) -> web.Response:
    """POST: the end of this leg hangs up: a simulated telephone itself, a browser's leg by the exchange."""
    call = _call(request)
    far_end = request.app[PARTS].exchange.far_ends.of_call(call.sid)
    if far_end and call.is_live:
        await far_end.leave()
    else:
        await call.hang_up()
    return web.json_response({"status": call.status})


async def digits(request: web.Request) -> web.Response:
    """POST {digits}: keys pressed at the simulated end of this leg. Answers when they have been pressed."""
    call = _call(request)
    keys = str((await _asked(request)).get("digits", ""))
    if not keys or set(keys) - set("0123456789*#ABCDwW"):
        raise ValueError("digits are 0 to 9, * # A B C D, w and W to wait")
    far_end = request.app[PARTS].exchange.far_ends.of_call(call.sid)
    if far_end is None or not call.is_live:
        raise ValueError("this call has no live simulated end")
    await far_end.press(keys)
    return web.json_response({"status": call.status})


async def disorder(request: web.Request) -> web.Response:
    """
    POST a plan {delay_ms, shuffle_ms, duplicate, drop, hold, match, seed}, all optional, replacing the one before;
    or {release: [positions]} / {release: "all"}, which sends what is held and waits for the answers.
    """
    parts = request.app[PARTS]
    asked = await _asked(request)
    if "release" in asked:
        order = asked["release"]
        if order != "all" and not (isinstance(order, list) and all(isinstance(item, int) for item in order)):
            raise ValueError('release is "all" or a list of positions')
        await parts.disorder.release(None if order == "all" else order)
    else:
        parts.disorder.follow(Plan.from_json(asked))
    return web.json_response(parts.disorder.as_json())


async def faults(request: web.Request) -> web.Response:
    """POST some of the fields of Faults."""
    wanted = request.app[PARTS].faults
    wanted.follow(await _asked(request))
    return web.json_response(wanted.as_json())


async def drop_signalling(request: web.Request) -> web.Response:
    """POST {identity}: cuts the sockets of that browser as a lost network does. Answers {dropped}."""
    identity = str((await _asked(request)).get("identity", ""))
    return web.json_response({"dropped": request.app[PARTS].exchange.devices.drop(identity)})


async def reset(request: web.Request) -> web.Response:
    """POST: ends every call, forgets disorder, faults, webhooks and figures. Recordings and numbers stay."""
    parts = request.app[PARTS]
    exchange = parts.exchange
    for call in list(exchange.calls.values()):
        await call.hang_up()
    parts.disorder.held.clear()
    parts.disorder.follow(Plan())
    parts.faults.follow(Faults().as_json())
    exchange.webhooks.recent.clear()
    exchange.notifications.recent.clear()
    exchange.clock.reset_figures()
    return web.json_response({"calls": len(exchange.calls)})


async def behaviours(_request: web.Request) -> web.Response:
    """GET: what a scripted caller can do."""
    return web.json_response(CALLER_BEHAVIOURS)


def add_routes(app: web.Application) -> None:
    """All below /control."""
    app.router.add_get("/control/state", state)
    app.router.add_get("/control/behaviours", behaviours)
    app.router.add_get("/control/calls/{call}", show)
    app.router.add_post("/control/ring", ring)
    app.router.add_post("/control/calls/{call}/hangup", hang_up)
    app.router.add_post("/control/calls/{call}/digits", digits)
    app.router.add_post("/control/disorder", disorder)
    app.router.add_post("/control/faults", faults)
    app.router.add_post("/control/drop-signalling", drop_signalling)
    app.router.add_post("/control/reset", reset)
