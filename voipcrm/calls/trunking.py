"""Which way a call goes out: the first trunk that takes its number and has room, then the next, then the phone
provider's own network.

Room is claimed by one statement, so that however many calls are placed at once no trunk carries more than it may. A
channel is free again as soon as its call has ended, and the end of a call costs no statement for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any, cast

import sqlalchemy as sa

from voipcrm.calls import ledger, statements
from voipcrm.calls.models import Call, TrunkChannel
from voipcrm.core import clock
from voipcrm.core.db import db, insert
from voipcrm.core.prepared import Connection, Prepared
from voipcrm.telephony.facts import Form
from voipcrm.trunks.dialling import Way
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
    free(db.session.connection(), call.id)
    _send(call, later, failed=failed, sip_code=sip_code)


def take(connection: Connection, call_id: int, public_id: str, way: Way) -> bool:
    """Put a call from outside on this trunk, as its route says. False: the trunk is full. The caller commits."""
    free(connection, call_id)  # the provider may ask twice
    if _TAKE.first(connection, {"of_trunk": way.id, "for_call": call_id}) is None:
        return False
    statements.update_call(("trunk_id",)).run(connection, {"of_call": call_id, "new_trunk_id": way.id})
    note_way(connection, public_id, way)
    return True


def _take(which: sa.ColumnElement[bool], call_id: Any) -> sa.Update:
    """Give a free channel of the first of these trunks (in the trunks' order) that has one to the call; no row when all
    are full."""
    channel, trunk = _CHANNELS.alias("channel"), _TRUNKS
    room = (
        sa.select(channel.c.trunk_id, channel.c.number)
        .join(trunk, trunk.c.id == channel.c.trunk_id)
        .where(
            which,
            channel.c.number <= trunk.c.max_calls,
            _is_free(channel),
            # Only after the limit was lowered: what runs on channels above it counts as well.
            _busy(trunk.c.id) < trunk.c.max_calls,
        )
        .order_by(trunk.c.position, trunk.c.id, channel.c.number)
        .limit(sa.literal_column("1"))
        # Who comes at the same moment passes over the channel that is just being taken.
        .with_for_update(of=channel, skip_locked=True)
    ).cte("room")
    return (
        _CHANNELS.update()
        .where(_CHANNELS.c.trunk_id == room.c.trunk_id, _CHANNELS.c.number == room.c.number)
        .values(call_id=call_id)
        .returning(_CHANNELS.c.trunk_id)
    )


def free(connection: Connection, call_id: int) -> None:
    """Give back the channel of a call that goes on without it. The caller commits."""
    _FREE.run(connection, {"of_call": call_id})


def has_room(connection: Connection, way: Way) -> bool:
    """Whether it would take a call now."""
    return _BUSY.first(connection, {"of_trunk": way.id}).calls < way.max_calls


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
    connection: Connection,
    public_id: str,
    trunk: Trunk | Way | None,
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
    form = Form((name, value) for name, value in facts.items() if value)
    key = f"trunk:{secrets.token_hex(12)}"
    ledger.enter(connection, ledger.Entry(kind="trunk", key=key, form=form, public_id=public_id, at=clock.now()))


def _active() -> sa.Select[Trunk]:
    return Trunk.in_use().where(Trunk.active)


def _send(call: Call, takers: Sequence[Trunk], *, failed: Trunk | None = None, sip_code: int | None = None) -> None:
    """Onto the first of these that has room, else the provider's own network."""
    connection = db.session.connection()
    which = _TRUNKS.c.id.in_([trunk.id for trunk in takers])
    taken = connection.execute(_take(which, call.id)).scalar() if takers else None
    way = next((trunk for trunk in takers if trunk.id == taken), None)
    full = takers[: takers.index(way)] if way else takers
    call.trunk = way
    db.session.flush()
    note_way(connection, call.public_id, way, full=full, failed=failed, sip_code=sip_code)


def _is_free(channel: sa.FromClause) -> sa.ColumnElement[bool]:
    # "Ended" is asked, not "not live": the call of another's claim may be too new for this statement to see.
    ended = sa.exists().where(_CALLS.c.id == channel.c.call_id, _CALLS.c.state == sa.literal_column("'ended'"))
    return sa.or_(channel.c.call_id.is_(None), ended)


def _busy(trunk_id: sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    held = _CHANNELS.alias("held")
    return sa.select(sa.func.count()).where(held.c.trunk_id == trunk_id, sa.not_(_is_free(held))).scalar_subquery()


_TAKE = Prepared(
    lambda: _take(_TRUNKS.c.id == sa.bindparam("of_trunk"), sa.bindparam("for_call", type_=_CHANNELS.c.call_id.type))
)
_FREE = Prepared(
    lambda: _CHANNELS.update().where(_CHANNELS.c.call_id == sa.bindparam("of_call")).values(call_id=sa.null())
)
_BUSY = Prepared(lambda: sa.select(_busy(sa.bindparam("of_trunk", type_=_TRUNKS.c.id.type)).label("calls")))
