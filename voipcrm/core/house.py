"""What an administrator decided for the whole house, in the app: one row. Where they decided nothing, the environment's
setting of the same name holds.

    from voipcrm.core.house import house
    house.default_country  # costs nothing: what this process knows already

Each process looks at the row again when what it knows is LOOK_AGAIN_SECONDS old, at the beginning of a page's request
and without a lock. So a change holds everywhere within that time, and at once in the process that saved it. While a
provider waits for an answer, what is known is good enough: the look follows the answer.

To add one: a nullable column in HouseSettings (and `op.add_column` in a migration), a property in House that says what
holds while the column is empty, and a field in a form of `admin/company_forms.py`, which saves, notes in the audit log
and takes back by itself.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask, Response, current_app, has_request_context, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import Model, Record, db, insert
from voipcrm.core.hooks import PROVIDER
from voipcrm.core.prepared import Prepared

log = structlog.get_logger(__name__)
THE_ROW = 1  # its id
LOOK_AGAIN_SECONDS = 2.0
PLAIN_COLOUR = "#3451d1"  # --brand of css/tokens.css


class HouseSettings(Record):
    """The one row. None: not decided here."""

    __tablename__ = "house_settings"

    brand_name: Mapped[str | None]
    brand_colour: Mapped[str | None]  # #rrggbb
    logo_digest: Mapped[str | None]  # of the HouseLogo
    default_country: Mapped[str | None]  # ISO 3166
    default_time_zone: Mapped[str | None]  # IANA name
    dial_countries: Mapped[list[str] | None] = mapped_column(sa.JSON(none_as_null=True))  # ISO 3166
    dial_calls_per_hour: Mapped[int | None]
    keep_recordings_days: Mapped[int | None]  # 0: for ever

    @staticmethod
    def to_change() -> HouseSettings:
        """The row, locked until the commit."""
        first = insert(HouseSettings).values(id=THE_ROW, created_at=clock.now())
        db.session.execute(first.on_conflict_do_nothing())
        return db.session.get_one(HouseSettings, THE_ROW, with_for_update=True)


class HouseLogo(Model):
    """The picture beside the name: made anew by us from what was uploaded (admin/logo.py). At most one row."""

    __tablename__ = "house_logos"

    digest: Mapped[str] = mapped_column(primary_key=True)  # of the bytes, for addresses that may be kept for ever
    png: Mapped[bytes] = mapped_column(sa.LargeBinary)


class House:
    """What holds now. Properties are named as the columns, and as the environment's settings."""

    @property
    def brand_name(self) -> str:
        return self._chosen("brand_name") or settings.brand_name

    @property
    def brand_colour(self) -> str:
        return self._chosen("brand_colour") or PLAIN_COLOUR

    @property
    def logo_digest(self) -> str | None:
        return self._chosen("logo_digest")

    @property
    def default_country(self) -> str:
        """ISO 3166 code, of numbers without a country code."""
        return self._chosen("default_country") or settings.default_country

    @property
    def default_time_zone(self) -> str:
        return self._chosen("default_time_zone") or settings.default_time_zone

    @property
    def dial_countries(self) -> tuple[str, ...]:
        """Countries that may be dialled, ISO 3166; never empty."""
        return tuple(self._chosen("dial_countries") or settings.dial_countries or (self.default_country,))

    @property
    def countries_allowed(self) -> frozenset[str]:
        return frozenset(self.dial_countries)

    @property
    def dial_calls_per_hour(self) -> int:
        """Outgoing calls that one person may place within an hour."""
        chosen = self._chosen("dial_calls_per_hour")
        return settings.dial_calls_per_hour if chosen is None else chosen

    @property
    def keep_recordings_days(self) -> int:
        """For how long recordings are kept whose line says nothing else; 0: for ever."""
        return self._chosen("keep_recordings_days") or 0

    def is_chosen(self, name: str) -> bool:
        """Did an administrator decide that one?"""
        return self._chosen(name) is not None

    def forget(self) -> None:
        """After the commit of a change: whoever asks next in this process looks."""
        _known().forget()

    def _chosen(self, name: str) -> Any:
        return getattr(_known().row(), name, None)


house = House()
_ROW = Prepared(lambda: sa.select(*HouseSettings.__table__.columns).where(HouseSettings.id == sa.bindparam("the_row")))


class _Known:
    """What one process knows of the row."""

    def __init__(self) -> None:
        self._row: Any = None
        self._read_at = float("-inf")  # monotonic
        self._lock = threading.Lock()

    def row(self) -> Any:
        """The row as known, None where there is none. Looks where nothing is known yet, and outside of requests."""
        if self._read_at == float("-inf") or (self.is_old and not has_request_context()):
            self.look()
        return self._row

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self._read_at >= LOOK_AGAIN_SECONDS

    def look(self) -> None:
        """Read the row, unless another thread is at it. While the database is away, what was known goes on to hold."""
        if not self._lock.acquire(blocking=self._read_at == float("-inf")):
            return
        try:
            if self.is_old:
                with db.engine.connect() as connection:  # no transaction is begun, so nothing is locked
                    self._row = _ROW.first(connection, {"the_row": THE_ROW})
                self._read_at = time.monotonic()
        except (SQLAlchemyError, db.engine.dialect.loaded_dbapi.Error) as away:
            log.warning("house_settings_unread", reason=type(away).__name__)
        finally:
            self._lock.release()

    def forget(self) -> None:
        self._read_at = float("-inf")


def _known() -> _Known:
    return current_app.extensions["house"]


def init_app(app: Flask) -> None:
    known = app.extensions["house"] = _Known()

    def look_with_context() -> None:
        with app.app_context():
            known.look()

    @app.before_request
    def look_before_a_page() -> None:
        if known.is_old and request.endpoint != "static":
            known.look()

    def look_after_an_answer(response: Response) -> Response:
        if known.is_old:
            response.call_on_close(look_with_context)
        return response

    app.after_request_funcs[PROVIDER].append(look_after_an_answer)
