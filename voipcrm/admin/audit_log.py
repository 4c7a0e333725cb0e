"""/settings/audit: who changed what."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request

from voipcrm.accounts.audit import VERBS, AuditEntry, Filters
from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.core.db import db
from voipcrm.core.gates import requires
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.paging import cursor_of_request, page_of

bp = Blueprint("audit_log", __name__, url_prefix="/settings/audit")


@bp.get("")
@requires(Can.ADMIN_USERS)
def index() -> Any:
    filters = Filters.read(request.args)
    query = filters.query(viewer_zone())
    people = db.session.execute(sa.select(User.id, User.name).order_by(sa.func.lower(User.name), User.id)).all()
    return render(
        "audit/index.html",
        "audit/_results.html",
        page=page_of(query, AuditEntry.created_at, AuditEntry.id, cursor=cursor_of_request()),
        filters=filters,
        people=people,
        verbs=VERBS,
    )
