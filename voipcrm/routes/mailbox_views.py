"""Pages of mailboxes, and the recorded greetings as the phone provider fetches them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask_login import current_user
from sqlalchemy.orm import joinedload

from voipcrm.accounts.audit import note
from voipcrm.accounts.permissions import Can
from voipcrm.core.db import db, find
from voipcrm.core.gates import open_to_anyone, requires
from voipcrm.core.pages import render
from voipcrm.core.security import csrf
from voipcrm.routes import greetings, words
from voipcrm.routes.mailbox_forms import MailboxForm
from voipcrm.routes.mailboxes import Mailbox
from voipcrm.routes.models import InboundRoute, RouteStep

bp = Blueprint("mailboxes", __name__)
LIST = "/admin/voip/routes/mailboxes"
A_MAILBOX = LIST + "/<int(max=2147483647):mailbox_id>"


@bp.get(LIST + "/")
@requires(Can.ADMIN_ROUTES)
def index() -> Any:
    query = sa.select(Mailbox).options(joinedload(Mailbox.user), joinedload(Mailbox.group))
    mailboxes = db.session.scalars(query.order_by(sa.func.lower(Mailbox.name), Mailbox.id)).all()
    return render("routes/mailboxes.html", mailboxes=mailboxes, routes=_routes_by_mailbox(), words=words)


@bp.get(LIST + "/create")
@requires(Can.ADMIN_ROUTES)
def create() -> Any:
    return _page(MailboxForm.about(Mailbox(name="", greeting="")), Mailbox(name="", greeting=""))


@bp.post(LIST + "/create")
@requires(Can.ADMIN_ROUTES)
@csrf.exempt
def add() -> Any:
    _check_token()
    return _save(Mailbox(name="", greeting=""))


@bp.get(A_MAILBOX + "/edit")
@requires(Can.ADMIN_ROUTES)
def edit(mailbox_id: int) -> Any:
    mailbox = find(sa.select(Mailbox), mailbox_id)
    return _page(MailboxForm.about(mailbox), mailbox)


@bp.post(A_MAILBOX + "/edit")
@requires(Can.ADMIN_ROUTES)
@csrf.exempt
def change(mailbox_id: int) -> Any:
    _check_token()
    return _save(find(sa.select(Mailbox), mailbox_id))


@bp.get(A_MAILBOX + "/delete")
@requires(Can.ADMIN_ROUTES)
def ask_to_delete(mailbox_id: int) -> Any:
    mailbox = find(sa.select(Mailbox), mailbox_id)
    routes = _routes_by_mailbox().get(mailbox_id, [])
    return render("routes/delete_mailbox.html", mailbox=mailbox, routes=routes, words=words)


@bp.post(A_MAILBOX + "/delete")
@requires(Can.ADMIN_ROUTES)
def delete(mailbox_id: int) -> Any:
    """Refused, naming the routes, while routes lead to it. Its messages leave the inbox with it; their calls and
    recordings stay."""
    mailbox = find(sa.select(Mailbox), mailbox_id)
    routes = _routes_by_mailbox().get(mailbox_id, [])
    if routes:
        return render("routes/delete_mailbox.html", mailbox=mailbox, routes=routes, words=words), 422
    name, file = mailbox.name, mailbox.greeting_file
    note("deleted", mailbox, by=current_user, before=_facts(mailbox))
    db.session.delete(mailbox)
    db.session.commit()
    if file:
        greetings.forget(file)
    flash(f"Deleted {name}.", "good")
    return redirect(url_for("mailboxes.index"), code=303)


@bp.get("/voip/greetings/<name>")
@open_to_anyone("the phone provider plays it to every caller; the address is random and dies with the greeting")
def greeting(name: str) -> Response:
    if not greetings.NAME.fullmatch(name):
        abort(404)
    if db.session.scalar(sa.select(Mailbox.id).where(Mailbox.greeting_file == name)) is None:
        abort(404)
    try:
        content = greetings.read(name)
    except FileNotFoundError:
        abort(404)
    return Response(content, mimetype="audio/wav", headers={"Cache-Control": "private, max-age=3600"})


def _routes_by_mailbox() -> dict[int, list[InboundRoute]]:
    """The routes that lead to each mailbox, in their order."""
    by_step = sa.select(RouteStep.mailbox_id, RouteStep.route_id)
    when_closed = sa.select(InboundRoute.closed_mailbox_id, InboundRoute.id)
    leads = sa.union(by_step, when_closed).subquery()
    query = (
        sa.select(leads.c.mailbox_id, InboundRoute)
        .join(InboundRoute, InboundRoute.id == leads.c.route_id)
        .where(leads.c.mailbox_id.is_not(None))
        .order_by(InboundRoute.position, InboundRoute.id)
    )
    found: dict[int | None, dict[int, InboundRoute]] = {}
    for mailbox_id, route in db.session.execute(query):
        found.setdefault(mailbox_id, {})[route.id] = route
    return {mailbox_id: list(routes.values()) for mailbox_id, routes in found.items() if mailbox_id}


def _page(form: MailboxForm, mailbox: Mailbox) -> Any:
    return render("routes/mailbox_form.html", form=form, mailbox=mailbox)


def _check_token() -> None:
    """A greeting may be larger than other forms; the limit is set before anything is read, then the token is asked
    for."""
    request.max_content_length = greetings.MOST_BYTES + 256 * 1024
    csrf.protect()


def _save(mailbox: Mailbox) -> Any:
    form = MailboxForm.about(mailbox)
    if not form.validate_on_submit():
        return _page(form, mailbox), 422
    before, old = _facts(mailbox) if mailbox.id else {}, mailbox.greeting_file
    is_new = mailbox.id is None
    form.write_to(mailbox)
    db.session.add(mailbox)
    db.session.flush()
    db.session.expire(mailbox, ["user", "group"])
    note("created" if is_new else "changed", mailbox, by=current_user, before=before, after=_facts(mailbox))
    file = mailbox.greeting_file
    db.session.commit()
    if old and old != file:
        greetings.forget(old)
    flash("Saved.", "good")
    return redirect(url_for("mailboxes.index"), code=303)


def _facts(mailbox: Mailbox) -> dict[str, object]:
    """A mailbox as the audit log keeps it; not the greeting's file name, which is a secret."""
    return {
        "name": mailbox.name,
        "owner": mailbox.owner,
        "greeting": mailbox.greeting,
        "recorded_greeting": mailbox.greeting_file is not None,
    }
