"""The two big lists, calls and contacts, on ten thousand and on a million rows of each: flat, fast, and without a scan.

The databases are kept in the folder for temporary files and found again, so that only the first run writes them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import random
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench import crowd, house, plans, replay

SMALL, LARGE = 10_000, 1_000_000
ROUNDS, ASKED = 3, 60  # ASKED: requests of a case in a round
MOST_STATEMENTS = 3
FLAT, FILTERED, OF_HANDWRITTEN = 1.3, 1.8, 4.0
WORD_MS, COMMON_MS = 40.0, 50.0  # p99


@dataclass
class Case:
    """One way to ask for a list. `flat`: how many times the median of SMALL that of LARGE may be; `p99_ms`: of LARGE;
    `beside`: the handwritten view of the same query."""

    name: str
    paths: list[str]
    flat: float | None = None
    p99_ms: float | None = None
    beside: list[str] = field(default_factory=list)
    viewer: str = "admin"


def main(database: str) -> bool:
    """Print the figures on one kind of database; False when a goal is missed."""
    with contextlib.ExitStack() as stack:
        small, large = (stack.enter_context(_served(stack, database, count)) for count in (SMALL, LARGE))
        cookies = {(one.port, who): _signed_in(one, who) for one in (small, large) for who in ("admin", "agent")}
        cases = list(zip(_cases(SMALL), _cases(LARGE), strict=True))
        good = True
        for _, case in cases:
            good &= _looked_at(database, large, case, cookies[large.port, case.viewer])
        for few, many in cases:
            good &= _measured(database, (small, few), (large, many), cookies)
    return good


@contextlib.contextmanager
def _served(stack: contextlib.ExitStack, database: str, count: int) -> Iterator[house.Served]:
    shape = hashlib.sha256(Path(crowd.__file__).read_bytes()).hexdigest()[:8]
    folder = Path(tempfile.gettempdir()) / f"voipcrm-bench-{shape}" / f"{database}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    is_filled = folder / "filled"
    if database == "sqlite":
        if not is_filled.exists():
            (folder / "bench.db").unlink(missing_ok=True)
        url = f"sqlite:///{folder}/bench.db"
    else:
        cluster = house.Postgres(folder, durable=True)
        stack.callback(cluster.stop)
        url = cluster.url("bench") if is_filled.exists() else cluster.create("bench", anew=True)
    if not is_filled.exists():
        print(f"{database}: writing {count:,} contacts and calls", flush=True)
        house.prepare(url, folder)
        crowd.fill(url, count)
        is_filled.touch()
    with house.over(url, database, folder) as served:
        yield served


def _signed_in(served: house.Served, who: str) -> str:
    """The Cookie header of a browser in which this person is signed in."""
    from voipcrm.accounts.models import User, UserSession
    from voipcrm.core.db import db

    with served.app.app_context():
        user = User.of_email(f"{who}@example.com")
        assert user is not None
        UserSession.begin(user)
        session_id = user.get_id()
        db.session.commit()
    sign = served.app.session_interface.get_signing_serializer(served.app)
    return f"{served.app.config['SESSION_COOKIE_NAME']}={sign.dumps({'_user_id': session_id, '_fresh': True})}"


def _cases(count: int) -> list[Case]:
    """The same questions for each size; what they ask for differs as the rows do."""
    chance = random.Random(4)
    some = [chance.randint(100, count) for _ in range(ASKED)]
    when = [crowd.NOW - timedelta(days=crowd.DAYS) + one * timedelta(days=crowd.DAYS) / count for one in some]
    spans = [{"since": str((at - timedelta(days=90)).date()), "until": str(at.date())} for at in when]
    users = [{"person": one % crowd.AGENTS + 1} for one in some]
    firsts, lasts = crowd.first_names(), crowd.last_names()
    word = [{"q": chance.choice((firsts, lasts))[one % 300].lower()} for one in some]

    def asked(path: str, *parts: Any) -> list[str]:
        """The path with the arguments of each, one by one; a part that is no list stands in all."""
        lists = [part if isinstance(part, list) else [part] * ASKED for part in parts]
        return [
            f"{path}?{urlencode({k: v for one in some_of for k, v in one.items()})}"
            for some_of in zip(*lists, strict=True)
        ]

    deep_calls = [{"page": _cursor(at.isoformat(), one)} for at, one in zip(when, some, strict=True)]
    names = [f"{chance.choice(firsts)} {chance.choice(lasts)}".lower() for _ in some]
    deep_people = [{"page": _cursor(name, 1)} for name in names]
    calls, people = "/calls", "/contacts/persons"
    numbers = [crowd.number_of(one) for one in some]
    of_numbers: Any = {"p99_ms": WORD_MS}
    return [
        Case("calls, newest", [calls] * ASKED, FLAT, beside=["/by-hand/calls"] * ASKED),
        Case(
            "calls, any page",
            asked(calls, deep_calls),
            FLAT,
            beside=asked(
                "/by-hand/calls",
                [{"at": f"{at:%Y-%m-%d %H:%M:%S.%f}", "id": i} for at, i in zip(when, some, strict=True)],
            ),
        ),
        Case("calls, oldest first", asked(calls, {"sort": "oldest"}), FLAT),
        Case("calls, newest, an agent’s own", [calls] * ASKED, FILTERED, viewer="agent"),
        Case("calls of a person in a time", asked(calls, users, spans), FILTERED),
        Case("calls of a person, missed", asked(calls, users, {"outcome": "busy"}), FILTERED),
        Case("calls unanswered in a time", asked(calls, {"outcome": "unanswered"}, spans), FILTERED),
        Case("calls by outcome and time", asked(calls, {"outcome": "no-answer"}, spans), FILTERED),
        Case("calls by line and direction", asked(calls, {"line": 2, "direction": "inbound"}), FILTERED),
        Case("calls recorded", asked(calls, {"recorded": "yes"}), FILTERED),
        Case("calls recorded in a time", asked(calls, {"recorded": "yes"}, spans), FILTERED),
        Case("calls with a number", asked(calls, [{"number": one} for one in numbers]), FILTERED),
        Case("calls with a contact", asked(calls, [{"contact": one} for one in some]), FILTERED),
        Case("calls, part of a number", asked(calls, [{"number": one[-7:]} for one in numbers]), **of_numbers),
        Case("calls, a name", asked(calls, word), p99_ms=WORD_MS),
        Case("calls, a part that nothing has", asked(calls, {"number": "9999999"}), **of_numbers),
        Case("calls, a part that many have", asked(calls, [{"number": one[2:5]} for one in numbers]), **of_numbers),
        Case("contacts, first", [people] * ASKED, FLAT, beside=["/by-hand/persons"] * ASKED),
        Case(
            "contacts, any page",
            asked(people, deep_people),
            FLAT,
            beside=asked("/by-hand/persons", [{"at": name, "id": 1} for name in names]),
        ),
        Case("contacts of an owner", asked(people, [{"owner": one % crowd.AGENTS + 1} for one in some]), FILTERED),
        Case("contacts with a tag", asked(people, [{"tag": one % crowd.TAGS + 1} for one in some]), FILTERED),
        Case("contacts, a word", asked(people, word), p99_ms=WORD_MS),
        Case("contacts, two words", asked(people, [{"q": one} for one in names]), p99_ms=WORD_MS),
        Case("contacts, part of a number", asked(people, [{"q": one[-7:]} for one in numbers]), p99_ms=WORD_MS),
        Case("contacts, a word and an owner", asked(people, word, {"owner": 3}), p99_ms=WORD_MS),
        Case("contacts, what all have", asked(people, {"q": "@example.com"}), p99_ms=COMMON_MS),
        Case("organizations, a word", asked("/contacts/organizations", word), p99_ms=WORD_MS),
    ]


def _cursor(*at: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(["older", *at]).encode()).decode().rstrip("=")


def _looked_at(database: str, served: house.Served, case: Case, cookie: str) -> bool:
    """Statements and plans of the first request of a case, whole page and part."""
    good = True
    for kind, more in (("page", {}), ("part", {"HX-Request": "true", "HX-Request-Type": "partial"})):
        count, complaints = plans.of_page(served.app, case.paths[0], {"Cookie": cookie, **more})
        if count > MOST_STATEMENTS or complaints:
            good = False
            why = "; ".join([f"{count} statements", *complaints])
            print(f"{database:10} {case.name} ({kind}): {why}: MISSED (at most {MOST_STATEMENTS}, no scan)")
    return good


def _measured(
    database: str,
    small: tuple[house.Served, Case],
    large: tuple[house.Served, Case],
    cookies: dict[tuple[int, str], str],
) -> bool:
    """Interleaved, so that a busy neighbour hits all alike; the first round only warms."""
    runs: dict[str, list[replay.Figures]] = {"small": [], "large": [], "beside": []}
    for _ in range(ROUNDS + 1):
        for key, (served, case) in (("small", small), ("large", large)):
            headers = {"Cookie": cookies[served.port, case.viewer]}
            runs[key].append(_run(case.paths, headers, served.port))
        if large[1].beside:
            runs["beside"].append(_run(large[1].beside, headers, large[0].port))
    few, many, beside = (runs[key][1:] for key in ("small", "large", "beside"))
    case = large[1]
    ratio = statistics.median(b.p50_ms / a.p50_ms for a, b in zip(few, many, strict=True))
    p50, p99 = (statistics.median(getattr(one, name) for one in many) for name in ("p50_ms", "p99_ms"))
    good = (case.flat is None or ratio <= case.flat) and (case.p99_ms is None or p99 <= case.p99_ms)
    goals = [f"{ratio:.2f} of {SMALL:,}'s" + (f" (goal {case.flat})" if case.flat else "")]
    goals.append(f"p50 {p50:.1f} ms, p99 {p99:.1f} ms" + (f" (goal {case.p99_ms:.0f})" if case.p99_ms else ""))
    if beside:
        times = statistics.median(b.p50_ms / a.p50_ms for a, b in zip(beside, many, strict=True))
        goals.append(f"{times:.1f} of handwritten (goal {OF_HANDWRITTEN:.0f})")
        good &= times <= OF_HANDWRITTEN
    print(f"{database:10} {case.name:32} {'ok    ' if good else 'MISSED'} {'; '.join(goals)}", flush=True)
    return good


def _run(paths: list[str], headers: dict[str, str], port: int) -> replay.Figures:
    figures = replay.run([replay.get(path, headers, port) for path in paths], port, clients=1)
    if figures.refused:
        raise SystemExit(f"{figures.refused} of {paths[0]} were refused")
    return figures
