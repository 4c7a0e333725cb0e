"""Situations of incoming calls as rows: what is set up, who calls, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cast import SALES, SUPPORT, Cast
from trunks.made import trunk

from voipcrm.accounts.models import Presence, User
from voipcrm.calls.models import Call, TrunkChannel
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.routes.mailboxes import Mailbox
from voipcrm.routes.models import GroupMember, InboundRoute, RingGroup, RouteStep, StepPerson

CALLER, GERMAN, MOBILE = "+14155550108", "+4930901820", "+12125550199"
UNKNOWN = "+12025550177"
MONDAY_10, MONDAY_20 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC), datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
SUNDAY, CHRISTMAS = datetime(2026, 11, 22, 10, 0, tzinfo=UTC), datetime(2026, 12, 25, 10, 0, tzinfo=UTC)
OFFICE = [[[540, 1020]]] * 5 + [[]] * 2
HOURS = {"hours": OFFICE, "holidays": ["2026-12-25 Christmas"], "time_zone": "UTC", "closed_message": "Closed."}
NOBODY = "nobody can take your call"
LEAVE = "leave a message after the tone"


@dataclass(frozen=True)
class People:
    """A step: names of the cast who ring, or of a group ("crew:all" makes one of both), or a number."""

    who: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    strategy: str = "all"
    number: str | None = None
    sip: str | None = None  # whom to call through a trunk
    trunk: dict[str, Any] = field(default_factory=dict)  # what that trunk has of its own
    mailbox: str | None = None  # whose: a name of the cast
    greeting: str = ""
    seconds: int | None = None


def ring(*who: str, **more: Any) -> People:
    return People(who, **more)


def crew(strategy: str, *who: str, **more: Any) -> People:
    return People(group=who, strategy=strategy, **more)


def number(e164: str, **more: Any) -> People:
    return People(number=e164, **more)


def sip(user: str, **trunk_has: Any) -> People:
    return People(sip=user, trunk=trunk_has)


def mailbox(whose: str, greeting: str = "") -> People:
    return People(mailbox=whose, greeting=greeting)


@dataclass(frozen=True)
class Route:
    steps: tuple[People, ...] = ()
    line: str | None = None  # sales or support
    closed: str = ""  # whose mailbox takes messages outside hours
    more: dict[str, Any] = field(default_factory=dict)


def route(*steps: People, line: str | None = None, closed: str = "", **more: Any) -> Route:
    return Route(steps, line, closed, more)


@dataclass(frozen=True)
class Situation:
    """expected: one entry for each thing that happens while nobody answers: ("ada",) rings her, ("ada", "bo") both at
    once, ["ada", "bo"] one after the other, "+1…" calls that number, "sip:…" that user through a trunk, and the last, a
    part of what is said, before the tone of a mailbox too."""

    name: str
    routes: tuple[Route, ...]
    expected: tuple[Any, ...]
    to: str = SALES
    caller: str = CALLER
    at: datetime = MONDAY_10
    here: dict[str, str] = field(default_factory=lambda: {"ada": "available", "bo": "available"})
    asleep: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()  # deactivated
    last_calls: dict[str, int] = field(default_factory=dict)  # minutes ago
    ringing_already: int = 0


def set_up(it: Situation, cast: Cast) -> None:
    """Write the situation into the database; the cast's own routes go. Inside an app context."""
    for old in db.session.scalars(InboundRoute.in_order()):
        db.session.delete(old)
    db.session.flush()
    lines = {"sales": cast.sales_id, "support": cast.support_id, None: None}
    for position, one in enumerate(it.routes):
        steps = [_step(step, at, cast) for at, step in enumerate(one.steps)]
        made = InboundRoute(position=position, description=f"Route {position + 1}", steps=steps, **one.more)
        made.line_id = lines[one.line]
        if one.closed:
            made.closed_mailbox = Mailbox(name=f"Closed {position}", user_id=getattr(cast, one.closed).id)
        db.session.add(made)
    now = clock.now()
    for who, state in it.here.items():
        Presence.report(getattr(cast, who).id, state)
    db.session.flush()
    for who in it.asleep:
        db.session.get(Presence, getattr(cast, who).id).seen_at = now.replace(year=now.year - 1)
    for who in it.gone:
        db.session.get(User, getattr(cast, who).id).deactivated_at = now
    for who, minutes in it.last_calls.items():
        ended = now.timestamp() - minutes * 60
        moment = datetime.fromtimestamp(ended, UTC)
        user_id = getattr(cast, who).id
        call = Call(direction="outbound", user_id=user_id, state="ended", started_at=moment, ended_at=moment)
        call.answered_at = moment
        db.session.add(call)
    for _ in range(it.ringing_already):
        db.session.add(Call(direction="inbound", state="ringing", peer_number=it.caller, started_at=now))
    db.session.commit()


def _step(step: People, position: int, cast: Cast) -> RouteStep:
    made = RouteStep(position=position, ring_seconds=step.seconds)
    if step.number:
        made.kind, made.number = "number", step.number
        return made
    if step.sip:
        has = dict(step.trunk)
        is_full, is_sealed_otherwise = has.pop("is_full", False), has.pop("is_sealed_otherwise", False)
        made.kind, made.sip_user, made.trunk = "trunk", step.sip, trunk(f"Trunk {position}", max_calls=1, **has)
        if is_full:
            call = Call(direction="outbound", state="in-progress")
            db.session.add(call)
            db.session.flush()
            db.session.query(TrunkChannel).update({"call_id": call.id})
        if is_sealed_otherwise:
            made.trunk.password_sealed = "sealed under another key"
        return made
    if step.mailbox:
        owner = getattr(cast, step.mailbox).id
        made.kind, made.mailbox = "voicemail", Mailbox(name=f"Box {id(made)}", user_id=owner, greeting=step.greeting)
        return made
    made.people = [StepPerson(user_id=getattr(cast, who).id, position=at) for at, who in enumerate(step.who)]
    if step.group:
        members = [GroupMember(user_id=getattr(cast, who).id, position=at) for at, who in enumerate(step.group)]
        made.group = RingGroup(name=f"Crew {id(made)}", strategy=step.strategy, members=members)
    return made


def s(name: str, *routes: Route, expected: tuple[Any, ...], **more: Any) -> Situation:
    return Situation(name, routes, expected, **more)


SITUATIONS = [
    s("no route at all", expected=(NOBODY,)),
    s("a line rings its person", route(ring("ada"), line="sales"), expected=(("ada",), NOBODY)),
    s("another line is not meant", route(ring("ada"), line="support"), expected=(NOBODY,)),
    s("two ring at once", route(ring("ada", "bo")), expected=(("ada", "bo"), NOBODY)),
    s("an unknown number goes to the catch-all", route(ring("ada"), line="sales"), route(ring("bo")), to=UNKNOWN,
      expected=(("bo",), NOBODY)),
    s("an unknown number without a catch-all is told so", route(ring("ada"), line="sales"), to=UNKNOWN,
      expected=(NOBODY,)),
    s("the first route that fits wins", route(ring("bo")), route(ring("ada"), line="sales"),
      expected=(("bo",), NOBODY)),
    s("a route that is turned off is passed", route(ring("ada"), line="sales", active=False), route(ring("bo")),
      expected=(("bo",), NOBODY)),
    s("a prefix fits", route(ring("ada"), prefix="+1202"), expected=(("ada",), NOBODY)),
    s("a longer prefix does not", route(ring("ada"), prefix="+12025550141"), route(ring("bo")),
      expected=(("bo",), NOBODY)),
    s("a prefix fits numbers that are no lines", route(ring("ada"), prefix="+1202"), to=UNKNOWN,
      expected=(("ada",), NOBODY)),
    s("a caller pattern fits", route(ring("ada"), caller_prefix="+1415"), route(ring("bo")),
      expected=(("ada",), NOBODY)),
    s("another caller goes on", route(ring("ada"), caller_prefix="+49"), route(ring("bo")),
      expected=(("bo",), NOBODY)),
    s("a caller from abroad is found", route(ring("ada"), caller_prefix="+49"), route(ring("bo")), caller=GERMAN,
      expected=(("ada",), NOBODY)),
    s("a withheld caller never fits a pattern", route(ring("ada"), caller_prefix="+"), route(ring("bo")),
      caller="Anonymous", expected=(("bo",), NOBODY)),
    s("a withheld caller is taken without a pattern", route(ring("ada")), caller="anonymous",
      expected=(("ada",), NOBODY)),
    s("open at ten", route(ring("ada"), **HOURS), expected=(("ada",), NOBODY)),
    s("closed in the evening", route(ring("ada"), **HOURS), at=MONDAY_20, expected=("Closed.",)),
    s("closed on Sunday", route(ring("ada"), **HOURS), at=SUNDAY, expected=("Closed.",)),
    s("closed on a holiday", route(ring("ada"), **HOURS), at=CHRISTMAS, expected=("Closed.",)),
    s("closed, in the house's words", route(ring("ada"), **{**HOURS, "closed_message": ""}), at=SUNDAY,
      expected=("We are closed",)),
    s("closed is an answer: the catch-all is not asked", route(ring("ada"), line="sales", **HOURS), route(ring("bo")),
      at=SUNDAY, expected=("Closed.",)),
    s("hours are those of the route's zone", route(ring("ada"), **{**HOURS, "time_zone": "Asia/Tokyo"}),
      expected=("Closed.",)),  # 19:00 there
    s("hours in the other direction", route(ring("ada"), **{**HOURS, "time_zone": "America/Los_Angeles"}),
      at=MONDAY_20, expected=(("ada",), NOBODY)),  # 12:00 there
    s("the second step follows", route(ring("ada"), ring("bo")), expected=(("ada",), ("bo",), NOBODY)),
    s("an offline person's step is passed at once", route(ring("ada"), ring("bo")), here={"bo": "available"},
      expected=(("bo",), NOBODY)),
    s("who is away is left out", route(ring("ada", "bo")), here={"ada": "away", "bo": "available"},
      expected=(("bo",), NOBODY)),
    s("who sleeps is left out", route(ring("ada", "bo")), asleep=("ada",), expected=(("bo",), NOBODY)),
    s("who is on a call rings all the same", route(ring("ada")), here={"ada": "busy"}, expected=(("ada",), NOBODY)),
    s("a deactivated person never rings", route(ring("ada", "bo")), gone=("ada",), expected=(("bo",), NOBODY)),
    s("who may not receive calls never rings", route(ring("mallory", "bo")),
      here={"mallory": "available", "bo": "available"}, expected=(("bo",), NOBODY)),
    s("nobody is at the phone anywhere", route(ring("ada"), ring("bo"), message="Write to us."), here={},
      expected=("Write to us.",)),
    s("a group rings at once", route(crew("all", "bo", "ada")), expected=(("bo", "ada"), NOBODY)),
    s("a group rings in order", route(crew("in-order", "bo", "ada")), expected=(["bo", "ada"], NOBODY)),
    s("in order, without who is offline", route(crew("in-order", "bo", "ada", "root")),
      here={"ada": "available", "root": "available"}, expected=(["ada", "root"], NOBODY)),
    s("longest idle first", route(crew("longest-idle", "ada", "bo")), last_calls={"ada": 5, "bo": 60},
      expected=(["bo", "ada"], NOBODY)),
    s("who never had a call is the longest idle", route(crew("longest-idle", "ada", "bo")), last_calls={"ada": 5},
      expected=(["bo", "ada"], NOBODY)),
    s("who is on a call comes last", route(crew("longest-idle", "ada", "bo")), last_calls={"ada": 5, "bo": 60},
      here={"ada": "available", "bo": "busy"}, expected=(["ada", "bo"], NOBODY)),
    s("people and a group together, each once", route(People(who=("ada",), group=("bo", "ada"))),
      expected=(("ada", "bo"), NOBODY)),
    s("a group of nobody is passed", route(People(group=()), ring("bo")), expected=(("bo",), NOBODY)),
    s("a number outside is called", route(number(MOBILE, seconds=15)), expected=(MOBILE, NOBODY)),
    s("people, then a number, then people", route(ring("ada"), number(MOBILE), ring("bo")),
      expected=(("ada",), MOBILE, ("bo",), NOBODY)),
    s("a number that may not be dialled is passed", route(number("+19005551234"), ring("bo")),
      expected=(("bo",), NOBODY)),
    s("a country that may not be dialled is passed", route(number("+4930901820"), ring("bo")),
      expected=(("bo",), NOBODY)),
    s("a number of ours is not called: a loop", route(number(SUPPORT), ring("bo")), expected=(("bo",), NOBODY)),
    s("a call of ours that came back is not sent on again", route(number(MOBILE), ring("bo")), caller=SUPPORT,
      expected=(("bo",), NOBODY)),
    s("a call that goes round and round is not sent on", route(number(MOBILE), ring("bo")), ringing_already=4,
      expected=(("bo",), NOBODY)),
    s("an extension is called through a trunk", route(sip("100")), expected=("sip:100", NOBODY)),
    s("people, then a trunk, then people", route(ring("ada"), sip("reception"), ring("bo")),
      expected=(("ada",), "sip:reception", ("bo",), NOBODY)),
    s("one trunk after the other", route(sip("100"), sip("200")), expected=("sip:100", "sip:200", NOBODY)),
    s("a number is called through a trunk", route(sip(MOBILE)), expected=(f"sip:{MOBILE}", NOBODY)),
    s("a trunk that is turned off is passed", route(sip("100", active=False), ring("bo")), expected=(("bo",), NOBODY)),
    s("a trunk that is retired is passed", route(sip("100", retired_at=MONDAY_10), ring("bo")),
      expected=(("bo",), NOBODY)),
    s("a full trunk is passed", route(sip("100", is_full=True), ring("bo")), expected=(("bo",), NOBODY)),
    s("a trunk whose password nobody can read is passed", route(sip("100", is_sealed_otherwise=True), ring("bo")),
      expected=(("bo",), NOBODY)),
    s("a number that may not be dialled is not dialled through a trunk either", route(sip("+19005551234"), ring("bo")),
      expected=(("bo",), NOBODY)),
    s("a number of ours is not called through a trunk: a loop", route(sip(SUPPORT), ring("bo")),
      expected=(("bo",), NOBODY)),
    s("a call of ours that came back is not sent to a trunk again", route(sip("100"), ring("bo")), caller=SUPPORT,
      expected=(("bo",), NOBODY)),
    s("nobody answers, and a message is taken", route(ring("ada"), mailbox("ada")), expected=(("ada",), LEAVE)),
    s("nobody is there, and a message is taken at once", route(ring("ada"), mailbox("ada")), here={},
      expected=(LEAVE,)),
    s("a mailbox greets in its own words", route(mailbox("bo", "Bo here. Speak.")), expected=("Bo here. Speak.",)),
    s("a mailbox takes messages for who left, too", route(mailbox("bo")), gone=("bo",), expected=(LEAVE,)),
    s("a mailbox takes messages outside hours", route(ring("ada"), closed="bo", **HOURS), at=SUNDAY, expected=(LEAVE,)),
    s("and not within them", route(ring("ada"), closed="bo", **HOURS), expected=(("ada",), NOBODY)),
    s("a step's mailbox is not reached outside hours", route(mailbox("ada"), **HOURS), at=SUNDAY,
      expected=("Closed.",)),
    s("a message alone", route(message="We moved to Berlin."), expected=("We moved to Berlin.",)),
]  # fmt: skip
