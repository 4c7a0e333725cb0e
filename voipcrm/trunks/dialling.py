"""The TwiML that calls somebody through a trunk."""

from __future__ import annotations

from typing import Any

from voipcrm.telephony import twiml
from voipcrm.trunks.models import Trunk


def dial_trunk(trunk: Trunk, user: str, *, caller_id: str, **rings: Any) -> str:
    """`user` (E.164, or a name there) at the trunk, showing `caller_id` unless the trunk has a line of its own to show.
    rings: as twiml.dial_sip takes them. Raises core.sealing.SealBroken. The document holds the password."""
    server = trunk.server()
    own = trunk.caller_line
    return twiml.dial_sip(
        user=user,
        host=server.host,
        port=server.port,
        transport=server.transport,
        username=server.username,
        password=server.password,
        caller_id=own.number if own and own.retired_at is None else caller_id,
        **rings,
    )
