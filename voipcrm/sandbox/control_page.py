"""The page at /: ring a number, see the calls, the special numbers and the webhooks. Works on the control API."""

from __future__ import annotations

import html
from pathlib import Path

from aiohttp import web

from voipcrm.sandbox.farends.directory import CALLER_BEHAVIOURS, NUMBERS

PAGES = Path(__file__).parent / "pages"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
FILES = {"control.css": "text/css", "control.js": "text/javascript"}


async def page(_request: web.Request) -> web.Response:
    """GET /."""
    numbers = "".join(
        f"<tr><td><code>…{digits}</code></td><td>{html.escape(behaviour.description)}</td></tr>"
        for digits, behaviour in NUMBERS.items()
    )
    behaviours = "".join(
        f'<option value="{html.escape(name)}">{html.escape(text)}</option>' for name, text in CALLER_BEHAVIOURS.items()
    )
    text = (PAGES / "control.html").read_text("utf-8")
    text = text.replace("<!-- numbers -->", numbers).replace("<!-- behaviours -->", behaviours)
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


async def file(request: web.Request) -> web.StreamResponse:
    """GET the page's style and script."""
    name = request.match_info["name"]
    if name not in FILES:
        raise web.HTTPNotFound
    return web.FileResponse(PAGES / name, headers=HEADERS | {"Content-Type": f"{FILES[name]}; charset=utf-8"})


async def health(_request: web.Request) -> web.Response:
    """GET /healthz, for whoever started the process."""
    return web.json_response({"status": "ok"})


def add_routes(app: web.Application) -> None:
    """/, /pages/<file>, /healthz."""
    app.router.add_get("/", page)
    app.router.add_get("/pages/{name}", file)
    app.router.add_get("/healthz", health)
