"""Pages and partials: the one view that gives both, and how moments, lengths and numbers read."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Flask, Response, g, make_response, render_template, request
from flask_login import current_user
from markupsafe import Markup

from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.gates import held
from voipcrm.core.house import house


def render(page: str, partial: str | None = None, /, **context: Any) -> Response:
    """The whole page, or the partial where htmx asked for just that.

    htmx 4 sends `HX-Request-Type: full` when it picks #main out of a whole page (links, history), else `partial`."""
    asked = request.headers.get("HX-Request-Type")
    name = partial if partial and asked == "partial" else page
    response = make_response(render_template(name, **context))
    response.vary.update(("HX-Request", "HX-Request-Type", "Cookie"))
    return response


def viewer_zone() -> ZoneInfo:
    """The time zone in which this viewer reads moments."""
    known: ZoneInfo | None = g.get("viewer_zone")
    if known is None:
        known = g.viewer_zone = zone(getattr(current_user, "time_zone", None) or house.default_time_zone)
    return known


@lru_cache(maxsize=600)
def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def local_time(moment: datetime | None) -> Markup:
    """A <time> in the viewer's zone, with the full date in its title."""
    if moment is None:
        return Markup("")
    in_zone = viewer_zone()
    return _local_time(moment, in_zone, clock.now().astimezone(in_zone).date())


@lru_cache(maxsize=5000)  # the newest calls are read again and again
def _local_time(moment: datetime, in_zone: ZoneInfo, today: date) -> Markup:
    local = moment.astimezone(in_zone)
    words, full = _moment_words(local, today), f"{local:%A, %-d %B %Y, %H:%M:%S %Z}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), full, words)


def _moment_words(local: datetime, today: date) -> str:
    """'Today, 10:42', 'Yesterday, 9:05', '14 Nov, 9:05', '14 Nov 2024, 9:05'"""
    time, day = f"{local.hour}:{local.minute:02}", local.date()
    if day == today:
        return f"Today, {time}"
    if day == today - timedelta(days=1):
        return f"Yesterday, {time}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%b}{year}, {time}"


def length(seconds: float | timedelta | None) -> str:
    """Seconds as people read them on phones: 6:18, 1:02:03; empty for None."""
    if seconds is None:
        return ""
    whole = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def shell_mark(*worn: str) -> str:
    """Another one when what stands around #main is: `worn`, and what the viewer may do. By it a page that swaps #main
    alone sees that the rest has to follow (js/shell.js)."""
    return hashlib.sha256("\n".join([*worn, *held()]).encode()).hexdigest()[:12]


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(local_time=local_time, length=length, shell_mark=shell_mark)

    @app.context_processor
    def shell() -> dict[str, Any]:
        theme = request.cookies.get("theme", "system")
        return {
            "brand_name": house.brand_name,
            "theme": theme if theme in {"light", "dark"} else "system",
            "signalling_url": settings.signalling_url,
            "sandbox_url": settings.sandbox_url if settings.is_sandbox else "",
        }
