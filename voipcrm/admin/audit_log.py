"""/settings/audit: who changed what."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request

from voipcrm.accounts.audit import VERBS, AuditEntry
from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.core.gates import requires
from voipcrm.core.log_filters import LogFilters
from voipcrm.core.pages import render, viewer_zone
from voipcrm.core.paging import cursor_of_request, page_of

bp = Blueprint("audit_log", __name__, url_prefix="/settings/audit")


@bp.get("")
@requires(Can.ADMIN_USERS)
def index() -> Any:
    filters = LogFilters.read(request.args, VERBS)
    query = filters.narrow(
        sa.select(AuditEntry),
        viewer_zone(),
        person=AuditEntry.user_id,
        kind=AuditEntry.verb,
        at=AuditEntry.created_at,
    )
    return render(
        "audit/index.html",
        "audit/_results.html",
        page=page_of(query, AuditEntry.created_at, AuditEntry.id, cursor=cursor_of_request()),
        filters=filters,
        people=User.choices(),
        verbs=VERBS,
    )
