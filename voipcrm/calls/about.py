"""What people said of a call, for its page."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from voipcrm.calls.forms import DispositionForm
from voipcrm.calls.models import Call
from voipcrm.calls.notes import notes_of
from voipcrm.calls.wrapping_up import WrapUp
from voipcrm.contacts.forms import NoteForm
from voipcrm.core.db import db


def part(call: Call, **forms: Any) -> dict[str, Any]:
    """For calls/_about.html. `forms`: form (of the disposition) and note_form where they were refused."""
    wrap_ups = sa.select(WrapUp).where(WrapUp.call_id == call.id).options(joinedload(WrapUp.user))
    return {
        "call": call,
        "wrap_ups": db.session.scalars(wrap_ups.order_by(WrapUp.id)).all(),
        "notes": notes_of([call]).get(call.id, []),
        "form": DispositionForm.known(call.disposition_id),
        "note_form": NoteForm(formdata=None),
        **forms,
    }
