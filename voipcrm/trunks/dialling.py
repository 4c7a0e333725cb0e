"""Calling somebody through a trunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from voipcrm.core.prepared import Connection, Prepared
from voipcrm.telephony import twiml
from voipcrm.telephony.sip_options import Server
from voipcrm.trunks.models import Line, Trunk, server_of


@dataclass(frozen=True, slots=True)
class Way:
    """A trunk as the answer to a call needs it. caller_number: shown in place of the call's own, E.164."""

    id: int
    name: str
    is_usable: bool
    max_calls: int
    caller_number: str | None
    _row: Any

    @staticmethod
    def of(connection: Connection, trunk_id: int) -> Way | None:
        row = _BY_ID.first(connection, {"trunk_id": trunk_id})
        if row is None:
            return None
        is_usable = row.active and row.retired_at is None
        return Way(row.id, row.name, is_usable, row.max_calls, row.caller_number, row)

    def server(self) -> Server:
        """Raises core.sealing.SealBroken."""
        return server_of(self._row)


_BY_ID = Prepared(
    lambda: (
        sa.select(
            Trunk.id,
            Trunk.name,
            Trunk.host,
            Trunk.port,
            Trunk.transport,
            Trunk.authentication,
            Trunk.username,
            Trunk.password_sealed,
            Trunk.max_calls,
            Trunk.active,
            Trunk.retired_at,
            Line.number.label("caller_number"),
        )
        .outerjoin(Line, sa.and_(Line.id == Trunk.caller_line_id, Line.retired_at.is_(None)))
        .where(Trunk.id == sa.bindparam("trunk_id"))
    )
)


def dial_trunk(way: Way, user: str, *, caller_id: str, **rings: Any) -> str:
    """TwiML that calls `user` (E.164, or a name there) through the trunk, showing `caller_id` unless the trunk has a
    line of its own to show. rings: as twiml.dial_sip takes them. The document holds the password. Raises
    core.sealing.SealBroken."""
    server = way.server()
    return twiml.dial_sip(
        user=user,
        host=server.host,
        port=server.port,
        transport=server.transport,
        username=server.username,
        password=server.password,
        caller_id=way.caller_number or caller_id,
        **rings,
    )
