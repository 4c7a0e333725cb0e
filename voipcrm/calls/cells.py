"""What lists show of a call, cell by cell: functions, for a list has hundreds of them (see core.components). Templates
import them from calls/_cells.html. `seen` is the call as the viewer reads it (calls.words)."""

from __future__ import annotations

from flask import Flask
from markupsafe import Markup, escape

from voipcrm.accounts.permissions import Can
from voipcrm.calls.models import Call
from voipcrm.calls.words import Reading
from voipcrm.contacts.phone_links import phone_button
from voipcrm.core.components import badge, icon, who
from voipcrm.core.gates import can
from voipcrm.core.pages import length


def title(seen: Reading) -> str:
    """Whom it was with, in one line."""
    return seen.title


def other(seen: Reading) -> Markup:
    """Name over way and number; the word of the way gives room to the number where it is narrow. The number is
    no link: the button beside it calls, and two links above each other are hard to hit with a finger."""
    way = "calls__way calls__way--missed" if seen.was_missed else "calls__way"
    number = f' <span class="nowrap">{escape(seen.shown)}</span>' if seen.name and seen.shown else ""
    below = (
        f'<span class="calls__below"><span class="{way}">{icon(seen.icon)}'
        f'<span class="calls__word">{escape(seen.way)}</span></span>{number}</span>'
    )
    is_open = seen.contact_id and can(Can.VIEW_CONTACTS)
    return who(seen.title, Markup(below), f"/contacts/persons/{seen.contact_id}" if is_open else None)


def result(call: Call, seen: Reading) -> Markup:
    """How it came out: its length, or the state or outcome in a word."""
    hand = ' <span class="calls__came">Logged by hand</span>' if call.is_by_hand else ""
    if seen.badge:
        return Markup(f"{badge(seen.badge.text, seen.badge.kind, icon=seen.badge.icon)}{hand}")
    mark = f" {icon('voicemail', 'recorded')}" if call.has_recording else ""
    return Markup(f"{length(call.talk_seconds)}{mark}{hand}")


def dial(seen: Reading) -> Markup:
    """Calls back: the number, or the colleague, who has none."""
    if not can(Can.MAKE_CALLS):
        return Markup("")
    if seen.number:
        return phone_button(seen.number, seen.name, seen.contact_id)
    if not seen.colleague_id:
        return Markup('<span class="calls__no-dial"></span>')
    name = escape(seen.name or "")
    return Markup(
        f'<button class="button button--dial button--square" type="button" aria-label="Call {name}" title="Call {name}"'
        f' data-user="{seen.colleague_id}" data-name="{name}">{icon("phone")}</button>'
    )


def add(call: Call, seen: Reading) -> Markup:
    """Somebody unknown becomes a contact, or a number more of one."""
    if not seen.number or seen.contact_id or not (can(Can.EDIT_CONTACTS) and can(Can.VIEW_CONTACTS)):
        return Markup("")
    words = f"Add {escape(seen.shown)} to contacts"
    look = 'class="button button--quiet button--square calls__add"'
    return Markup(
        f'<a {look} href="/calls/{call.public_id}/contact" aria-label="{words}" title="{words}">'
        f"{icon('user-round-plus')}</a>"
    )


def init_app(app: Flask) -> None:
    app.jinja_env.globals["call_cells"] = {"title": title, "other": other, "result": result, "dial": dial, "add": add}
