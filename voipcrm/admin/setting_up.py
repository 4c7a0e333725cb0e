"""What the house needs to take calls, and how each thing stands now: the set-up list of whoever may mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app, url_for
from redis.exceptions import RedisError
from rq import Worker

from voipcrm.accounts.models import User
from voipcrm.accounts.permissions import Can
from voipcrm.admin import wiring
from voipcrm.admin.people import STATES
from voipcrm.core import clock
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.queue import SCHEDULER_HERE
from voipcrm.core.storage import StorageUnusable, storage
from voipcrm.routes import linting
from voipcrm.routes.words import listed
from voipcrm.telephony.errors import TelephonyError
from voipcrm.trunks.models import Line, Trunk

# The scheduler gives a worker something to do every 20 s, and a worker at a long job says so every 30 s.
WORKER_SILENT = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Point:
    """One thing, and the page where it is mended; without a page the text says what the operator does.

    state: good, warn (not set up wholly) or bad (does not work)."""

    title: str
    state: str
    text: str
    href: str = ""
    action: str = ""  # the words of the link


def points(user: User) -> list[Point]:
    """Those that this person may mend, in the order in which one sets up. Asks the provider and the storage, so it
    takes as long as they do, with no transaction open meanwhile."""
    return [look() for can, look in _LOOKS if user.may(can)]


def _provider() -> Point:
    title, href = "Phone provider", url_for("lines.index")
    try:
        changes = wiring.changes()
    except TelephonyError as error:
        return Point(title, "bad", error.sentence, href, "Numbers")
    if changes:
        what = "1 thing" if len(changes) == 1 else f"{len(changes)} things"
        return Point(title, "warn", f"{what} to wire before all calls come here.", href, "Wire")
    where = "The sandbox" if settings.is_sandbox else "Twilio"
    return Point(title, "good", f"{where} sends its calls to {settings.public_base_url}.", href, "Numbers")


def _storage() -> Point:
    title = "Recordings’ storage"
    try:
        storage().check()
    except StorageUnusable as problem:
        return Point(title, "bad", f"{problem} Mend that and restart.")
    return Point(title, "good", "A file was written, read and removed just now.")


def _numbers() -> Point:
    title, href = "Numbers", url_for("lines.index")
    count = db.session.scalar(sa.select(sa.func.count()).select_from(Line.in_use().subquery()))
    if not count:
        return Point(title, "warn", "Nobody can call you yet: no number is a line.", href, "Add a number")
    return Point(title, "good", "1 number." if count == 1 else f"{count} numbers.", href, "Numbers")


def _routes() -> Point:
    title, href = "Inbound routes", url_for("routes.index")
    routes = linting.routes_with_everybody()
    if not routes:
        none = "No route decides who answers: callers hear that nobody is there."
        return Point(title, "warn", none, url_for("routes.create"), "Add a route")
    found = linting.problems(routes)
    if found:
        what = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        return Point(title, "warn", f"{what}. First: {found[0].text}", href, "Look at the routes")
    return Point(title, "good", "Every number has a route, and all routes can be followed.", href, "Routes")


def _trunks() -> Point:
    title, href = "Trunks", url_for("trunks.index")
    trunks = [trunk for trunk in db.session.scalars(Trunk.in_use()) if trunk.active]
    failing = [trunk.name for trunk in trunks if trunk.check_good is False]
    untested = [trunk.name for trunk in trunks if trunk.check_good is None]
    if failing:
        return Point(title, "bad", f"{listed(failing)} failed the last test.", href, "Look at the trunks")
    if untested:
        return Point(title, "warn", f"Not tested yet: {listed(untested)}.", href, "Look at the trunks")
    if not trunks:
        return Point(title, "good", "None is in use: calls go through the provider’s own network.", href, "Trunks")
    return Point(title, "good", "All passed the last test.", href, "Trunks")


def _people() -> Point:
    title, everybody = "People", url_for("people.index")
    count = [sa.func.coalesce(sa.func.sum(sa.case((STATES[one], 1), else_=0)), 0) for one in ("active", "invited")]
    active, invited = (int(one) for one in db.session.execute(sa.select(*count)).one())
    if invited:
        words = "1 person was invited and has" if invited == 1 else f"{invited} people were invited and have"
        href = url_for("people.index", state="invited")
        return Point(title, "warn", f"{words} not chosen a password yet.", href, "Invited people")
    if active <= 1:
        return Point(title, "warn", "You are alone here.", url_for("people.create"), "Invite people")
    return Point(title, "good", f"{active} people can sign in.", everybody, "People")


def _mail() -> Point:
    title = "E-mail"
    if settings.sends_mail:
        return Point(title, "good", f"Invitations and lost passwords are mailed from {settings.mail_from}.")
    text = "Links for new people and lost passwords are not mailed; you hand them over. Set SMTP_URL and MAIL_FROM."
    return Point(title, "warn", text)


def _jobs() -> Point:
    """Worker and scheduler. A worker is heard of at each job; while no scheduler gives it any, its registration, which
    ends by itself, is all there is to know."""
    title = "Worker and scheduler"
    redis = current_app.extensions["bell"].redis
    try:
        has_scheduler = bool(redis.exists(SCHEDULER_HERE))
        heard = [worker.last_heartbeat for worker in Worker.all(connection=redis)]
    except RedisError:
        return Point(title, "bad", "Redis does not answer, so recordings and mail wait. Start it, or mend REDIS_URL.")
    since = clock.now() - WORKER_SILENT
    has_worker = any(at is not None and (at >= since or not has_scheduler) for at in heard)
    if has_worker and has_scheduler:
        return Point(title, "good", "Both are at work.")
    missing = {"worker": has_worker, "scheduler": has_scheduler}
    start = listed([f"flask {one}" for one, is_there in missing.items() if not is_there])
    return Point(title, "bad", f"Recordings, mail and imports wait. Start {start}.")


_LOOKS: tuple[tuple[Can, Callable[[], Point]], ...] = (
    (Can.ADMIN_NUMBERS, _provider),
    (Can.MANAGE, _storage),
    (Can.MANAGE, _jobs),
    (Can.MANAGE, _mail),
    (Can.ADMIN_NUMBERS, _numbers),
    (Can.ADMIN_USERS, _people),
    (Can.ADMIN_ROUTES, _routes),
    (Can.ADMIN_TRUNKS, _trunks),
)
MENDERS = tuple(dict.fromkeys(can for can, _ in _LOOKS))
