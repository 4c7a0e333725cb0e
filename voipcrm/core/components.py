"""The components of which a list shows hundreds, as functions: as macros they took most of the time of a page of fifty
rows (bench/lists.py).

Templates import them from `components/`, as all the others. They know no model. Each value goes through `escape`."""

from __future__ import annotations

from functools import lru_cache

from flask import Flask
from markupsafe import Markup, escape

from voipcrm.core.static import asset
from voipcrm.core.texts import initials

VARIANTS = 2000  # kept of those that come again and again; typed, for Markup equals the text that it was made of


@lru_cache(maxsize=VARIANTS, typed=True)
def icon(name: str, label: str | None = None) -> Markup:
    """See components/icon.html."""
    role = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(f'<svg class="icon" {role}><use href="{asset("icons.svg")}#{escape(name)}"/></svg>')


_icon = icon  # where an argument has the name


@lru_cache(maxsize=VARIANTS, typed=True)
def badge(text: str, kind: str | None = None, icon: str | None = None, dot: bool = False) -> Markup:
    """See components/badge.html."""
    look = f"badge badge--{escape(kind)}" if kind else "badge"
    before = '<span class="dot"></span> ' if dot else f"{_icon(icon)} " if icon else ""
    return Markup(f'<span class="{look}">{before}{escape(text)}</span>')


@lru_cache(maxsize=VARIANTS, typed=True)
def avatar(name: str | None = None) -> Markup:
    """See components/avatar.html."""
    letters = initials(name or "")
    inside = escape(letters) if letters[0].isalpha() else icon("user")
    return Markup(f'<span class="avatar" aria-hidden="true">{inside}</span>')


def who(name: str, below: str = "", href: str | None = None) -> Markup:
    """See components/avatar.html."""
    title = f'<a href="{escape(href)}">{escape(name)}</a>' if href else escape(name)
    under = f'<span class="sub num">{escape(below)}</span>' if below else ""
    return Markup(f'<div class="who">{avatar(name)}<span class="stack"><span>{title}</span>{under}</span></div>')


def init_app(app: Flask) -> None:
    app.jinja_env.globals["components"] = {"icon": icon, "badge": badge, "avatar": avatar, "who": who}
