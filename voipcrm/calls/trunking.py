"""Which way a call goes out: the first trunk that takes its number and has room, then the next, then the phone
provider's own network.

Room is claimed by one statement, so that however many calls are placed at once no trunk carries more than it may. A
channel is free again as soon as its call has ended, and the end of a call costs no statement for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import cast

import sqlalchemy as sa

from voipcrm.calls import ledger
from voipcrm.calls.models import Call, TrunkChannel
from voipcrm.core import clock
from voipcrm.core.db import db, insert
from voipcrm.trunks.models import Trunk

_CHANNELS, _TRUNKS, _CALLS = (cast(sa.Table, model.__table__) for model in (TrunkChannel, Trunk, Call))


def choose(call: Call) -> None:
    """Put a new outgoing call on a trunk if one takes it. Only one statement where none does. The caller commits."""
    takers = [trunk for trunk in db.session.scalars(_active()) if trunk.takes(call.peer_number or "")]
    if takers:
        db.session.flush()
        _send(call, takers)


def choose_next(call: Call, *, sip_code: int | None) -> None:
    """The trunk that the call took failed, with this code if it gave one: put the call on the next that takes it, or
    back on the provider's own network. The caller commits."""
    failed = call.trunk
    if failed is None:
        return
    takers = [trunk for trunk in db.session.scalars(_active()) if trunk.takes(call.peer_number or "")]
    later = [trunk for trunk in takers if (trunk.position, trunk.id) > (failed.position, failed.id)]
    free(call.id)
    _send(call, later, failed=failed, sip_code=sip_code)


def claim(connection: sa.Connection, call_id: int, trunk_ids: Sequence[int]) -> int | None:
    """Take a free channel of the first of these trunks (in the trunks' order) that has one; the trunk's id. None: all
    are full. The caller commits."""
    channel, trunk = _CHANNELS.alias("channel"), _TRUNKS
    room = (
        sa.select(channel.c.trunk_id, channel.c.number)
        .join(trunk, trunk.c.id == channel.c.trunk_id)
        .where(
            trunk.c.id.in_(trunk_ids),
            channel.c.number <= trunk.c.max_calls,
            _is_free(channel),
            # Only after the limit was lowered: what runs on channels above it counts as well.
            _busy(trunk.c.id) < trunk.c.max_calls,
        )
        .order_by(trunk.c.position, trunk.c.id, channel.c.number)
        .limit(1)
        # Who comes at the same moment passes over the channel that is just being taken.
        .with_for_update(of=channel, skip_locked=True)
    ).cte("room")
    take = (
        _CHANNELS.update()
        .where(_CHANNELS.c.trunk_id == room.c.trunk_id, _CHANNELS.c.number == room.c.number)
        .values(call_id=call_id)
        .returning(_CHANNELS.c.trunk_id)
    )
    return connection.execute(take).scalar()


def free(call_id: int) -> None:
    """Give back the channel of a call that goes on without it. The caller commits."""
    db.session.execute(_CHANNELS.update().where(_CHANNELS.c.call_id == call_id).values(call_id=None))


def has_room(connection: sa.Connection, trunk: Trunk) -> bool:
    """Whether a claim would succeed now."""
    return connection.execute(sa.select(_busy(sa.literal(trunk.id)))).scalar_one() < trunk.max_calls


def busy_now(trunk_ids: Iterable[int]) -> dict[int, int]:
    """How many calls each of these trunks carries; those without any are left out."""
    held = sa.and_(_CHANNELS.c.trunk_id.in_(list(trunk_ids)), sa.not_(_is_free(_CHANNELS)))
    counted = sa.select(_CHANNELS.c.trunk_id, sa.func.count()).where(held).group_by(_CHANNELS.c.trunk_id)
    return dict(iter(db.session.execute(counted)))


def make_channels(trunk: Trunk) -> None:
    """The channels that its max_calls asks for, those there are left as they are. The caller commits."""
    rows = [{"trunk_id": trunk.id, "number": number} for number in range(1, trunk.max_calls + 1)]
    db.session.execute(insert(_CHANNELS).on_conflict_do_nothing(), rows)


def note_way(
    connection: sa.Connection,
    public_id: str,
    trunk: Trunk | None,
    *,
    full: Sequence[Trunk] = (),
    failed: Trunk | None = None,
    sip_code: int | None = None,
) -> None:
    """Write in the ledger which way a call was sent, None being the provider's own network, and why. Names are kept as
    they are now. The caller commits."""
    facts = {
        "Name": trunk.name if trunk else "",
        "Full": ", ".join(one.name for one in full),
        "Failed": failed.name if failed else "",
        "Code": str(sip_code or ""),
    }
    body = [(name, value) for name, value in facts.items() if value]
    key = f"trunk:{secrets.token_hex(12)}"
    ledger.enter(connection, ledger.Entry(kind="trunk", key=key, body=body, public_id=public_id, at=clock.now()))


def _active() -> sa.Select[Trunk]:
    return Trunk.in_use().where(Trunk.active)


def _send(call: Call, takers: Sequence[Trunk], *, failed: Trunk | None = None, sip_code: int | None = None) -> None:
    """Onto the first of these that has room, else the provider's own network."""
    connection = db.session.connection()
    taken = claim(connection, call.id, [trunk.id for trunk in takers]) if takers else None
    way = next((trunk for trunk in takers if trunk.id == taken), None)
    full = takers[: takers.index(way)] if way else takers
    call.trunk = way
    db.session.flush()
    note_way(connection, call.public_id, way, full=full, failed=failed, sip_code=sip_code)


def _is_free(channel: sa.FromClause) -> sa.ColumnElement[bool]:
    # "Ended" is asked, not "not live": the call of another's claim may be too new for this statement to see.
    ended = sa.exists().where(_CALLS.c.id == channel.c.call_id, _CALLS.c.state == "ended")
    return sa.or_(channel.c.call_id.is_(None), ended)


def _busy(trunk_id: sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    held = _CHANNELS.alias("held")
    return sa.select(sa.func.count()).where(held.c.trunk_id == trunk_id, sa.not_(_is_free(held))).scalar_subquery()
