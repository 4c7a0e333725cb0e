"""Lines: the numbers (DIDs) we own, with their labels and policies. Trunks: SIP ways out beside the provider's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voipcrm.core.db import Record, db
from voipcrm.core.prepared import Connection, Prepared
from voipcrm.core.sealing import seal, unseal
from voipcrm.telephony.sip_options import Server
from voipcrm.trunks import recording_policies

AUTHENTICATIONS = ("password", "address")
KEEP_FOR_EVER = 0  # days


class Line(Record):
    """A DID of ours: the only numbers that may be shown as caller ID."""

    __tablename__ = "lines"

    number: Mapped[str] = mapped_column(unique=True)  # E.164
    label: Mapped[str]
    provider_sid: Mapped[str | None]  # PN…, once found at the provider
    # recording_policies.POLICIES; frozen on each call at its start.
    recording_in: Mapped[str] = mapped_column(default="on")
    recording_out: Mapped[str] = mapped_column(default="on")
    recording_notice: Mapped[str] = mapped_column(default="")  # said under the policy "announce"; empty: ours
    recording_question: Mapped[str] = mapped_column(default="")  # asked under "consent"; empty: ours
    keep_days: Mapped[int | None]  # its recordings: so many days or KEEP_FOR_EVER; None: as the house says
    retired_at: Mapped[datetime | None]  # no longer ours to use; calls refer to it, so it stays

    def says_before_recording(self, policy: str) -> str:
        """What the other party of a call under this policy hears first; empty: nothing."""
        return recording_policies.sentence(policy, notice=self.recording_notice, question=self.recording_question)

    @staticmethod
    def in_use() -> sa.Select[Line]:
        """The lines that are not retired."""
        return sa.select(Line).where(Line.retired_at.is_(None))

    @staticmethod
    def for_calling(line_id: int | None, default_number: str) -> Line | None:
        """The line to call from: the chosen one, else the default caller ID, else the oldest; None if we own none."""
        if line_id is not None:
            return db.session.scalars(Line.in_use().where(Line.id == line_id)).one_or_none()
        default_first = Line.in_use().order_by(Line.number != default_number, Line.id).limit(1)
        return db.session.scalars(default_first).first()


@dataclass(frozen=True, slots=True)
class CalledLine:
    """A line as the answer to an incoming call needs it."""

    id: int
    number: str
    label: str
    recording: str  # of calls that come in
    notice: str
    question: str

    @property
    def says_before_recording(self) -> str:
        """What the caller hears before anybody is rung; empty: nothing."""
        return recording_policies.sentence(self.recording, notice=self.notice, question=self.question)

    @staticmethod
    def of(connection: Connection, number: str | None) -> CalledLine | None:
        """The line with this E.164 number, if it is ours and in use."""
        return CalledLine.ask(connection, number)()

    @staticmethod
    def ask(connection: Connection, number: str | None) -> Callable[[], CalledLine | None]:
        """The same, to be read later."""
        if not number:
            return lambda: None
        asked = _BY_NUMBER.ask(connection, {"number": number})
        return lambda: CalledLine(*row) if (row := asked.first()) else None


_BY_NUMBER = Prepared(
    lambda: sa.select(
        Line.id, Line.number, Line.label, Line.recording_in, Line.recording_notice, Line.recording_question
    ).where(Line.number == sa.bindparam("number"), Line.retired_at.is_(None))
)


class Trunk(Record):
    """A SIP provider or telephone system of ours, through which the phone provider can call."""

    __tablename__ = "trunks"

    position: Mapped[int] = mapped_column(default=0)  # outgoing calls try the lowest first
    name: Mapped[str]
    host: Mapped[str]
    port: Mapped[int]
    transport: Mapped[str]  # telephony.sip_options.TRANSPORTS
    authentication: Mapped[str] = mapped_column(default="password")  # AUTHENTICATIONS; address: it knows our addresses
    username: Mapped[str] = mapped_column(default="")
    password_sealed: Mapped[str | None]  # core.sealing; written, never shown
    caller_line_id: Mapped[int | None] = mapped_column(sa.ForeignKey("lines.id"))  # shown in place of the call's line
    prefixes: Mapped[list[str]] = mapped_column(sa.JSON, default=list)  # of E.164; "+" is any number, none: routes only
    max_calls: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)
    retired_at: Mapped[datetime | None]  # no longer used; calls refer to it, so it stays

    # What the last test found; all None until one was made of host, port and transport as they are now.
    checked_at: Mapped[datetime | None]
    check_good: Mapped[bool | None]
    check_words: Mapped[str | None]
    check_ms: Mapped[int | None]

    caller_line: Mapped[Line | None] = relationship()

    @staticmethod
    def in_use() -> sa.Select[Trunk]:
        """The trunks that are not retired, in the order in which calls try them."""
        return sa.select(Trunk).where(Trunk.retired_at.is_(None)).order_by(Trunk.position, Trunk.id)

    def takes(self, number: str) -> bool:
        """Is it for calls to this E.164 number?"""
        return any(number.startswith(prefix) for prefix in self.prefixes)

    def put_last(self) -> None:
        """Give a new trunk its position."""
        last = db.session.scalar(sa.select(sa.func.max(Trunk.position)).where(Trunk.retired_at.is_(None)))
        self.position = 0 if last is None else last + 1

    def set_password(self, password: str | None) -> None:
        """None removes it."""
        self.password_sealed = seal(password) if password else None

    def forget_test(self) -> None:
        self.checked_at = self.check_good = self.check_words = self.check_ms = None


def server_of(trunk: Any) -> Server:
    """Where a trunk (or a row with its columns) is and how to prove who we are. Raises core.sealing.SealBroken."""
    with_password = trunk.authentication == "password"
    return Server(
        host=trunk.host,
        port=trunk.port,
        transport=trunk.transport,
        username=trunk.username if with_password else "",
        password=unseal(trunk.password_sealed) if with_password and trunk.password_sealed else "",
    )
