"""A caller reaches a mailbox, and leaves a message or not."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from voipcrm.calls import ledger
from voipcrm.core import clock
from voipcrm.core.db import db, insert
from voipcrm.core.prepared import Connection, Prepared
from voipcrm.routes.mailboxes import Box
from voipcrm.telephony.facts import Form
from voipcrm.voicemail.models import Voicemail

_table = cast(sa.Table, Voicemail.__table__)


def _open() -> sa.Insert:
    names = ("call_id", "mailbox_id", "created_at")
    statement = insert(_table).values({name: bindparam(name, type_=_table.c[name].type) for name in names})
    return statement.on_conflict_do_nothing(index_elements=["call_id"])


_OPEN = Prepared(_open)


def open_for(connection: Connection, *, call_id: int, public_id: str, box: Box) -> None:
    """The caller hears the greeting of this mailbox from now on; once a call, and the caller commits."""
    _OPEN.run(connection, {"call_id": call_id, "mailbox_id": box.id, "created_at": clock.now()})
    form = Form([("Mailbox", box.name)])
    entry = ledger.Entry(kind="mailbox", key=f"mailbox:{public_id}", form=form, public_id=public_id, at=clock.now())
    ledger.keep(connection, entry)


def attach(call_id: int | None, recording_id: int) -> None:
    """This recording is the message that the call's caller left; the caller commits."""
    waiting = sa.update(Voicemail).where(Voicemail.call_id == call_id, Voicemail.recording_id.is_(None))
    db.session.execute(waiting.values(recording_id=recording_id).execution_options(synchronize_session=False))
