"""A number that one can call: a tel: link, which the phone in the page takes over and any mobile understands by itself.
Functions, since lists have hundreds of them (see core.components); templates import them from
components/phone_link.html."""

from __future__ import annotations

from flask import Flask
from markupsafe import Markup, escape

from voipcrm.core.components import icon
from voipcrm.core.house import house
from voipcrm.telephony import numbers


def phone_number(number: str) -> str:
    """An E.164 number as people at home write it; other text unchanged."""
    return numbers.display(number, house.default_country)


def phone_link(number: str, name: str | None = "", contact_id: int | None = None) -> Markup:
    """The number as text."""
    shown = escape(phone_number(number))
    title = escape(name) if name else shown
    target = _target(number, name, contact_id)
    return Markup(f'<a class="num nowrap" {target} title="Call {title}">{shown}</a>')


def phone_button(number: str, name: str | None = "", contact_id: int | None = None) -> Markup:
    """The green icon beside a row."""
    shown = escape(phone_number(number))
    words = f"Call {escape(name)}, {shown}" if name else f"Call {shown}"
    target, look = _target(number, name, contact_id), 'class="button button--dial button--square"'
    return Markup(f'<a {look} {target} aria-label="{words}" title="{words}">{icon("phone")}</a>')


def _target(number: str, name: str | None, contact_id: int | None) -> str:
    contact = "" if contact_id is None else f' data-contact="{contact_id}"'
    called = f' data-name="{escape(name)}"' if name else ""
    return f'href="tel:{escape(number)}"{contact}{called}'


def init_app(app: Flask) -> None:
    app.jinja_env.globals["phone_number"] = phone_number
    app.jinja_env.globals["components"] |= {"phone_link": phone_link, "phone_button": phone_button}
