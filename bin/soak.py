"""The checks that need patience, all or those named: nothing-lost (Redis away for a whole minute of a call, a worker
killed in the middle of a copy), rounds (the browser's calls again and again) and days (the other tests on days and in
time zones that are unlike most). REDIS_AWAY_SECONDS (60) and ROUNDS (10) may be set."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator

from check import BIN, ROOT, Result, add_up, install, run_one

NOTHING_LOST = "tests/browser/test_nothing_lost.py"
# The clock of a zone, begun there and then running on: a year ends, clocks change within the hour, a day that few years
# have, and zones in which it is another day than in UTC.
DAYS = (
    ("UTC", "2026-12-31 23:30:00"),
    ("Europe/Berlin", "2027-03-28 00:45:00"),
    ("UTC", "2028-02-29 12:00:00"),
    ("Pacific/Auckland", "2027-04-04 01:30:00"),
    ("America/Los_Angeles", "2026-12-31 23:30:00"),
)


def main(names: list[str]) -> int:
    if unknown := set(names) - set(CHECKS):
        sys.exit(f"bin/soak knows no {' and no '.join(sorted(unknown))}, but {', '.join(CHECKS)}.")
    return add_up([result for name in names or CHECKS for result in CHECKS[name]()])


def nothing_lost() -> Iterator[Result]:
    away = os.environ.get("REDIS_AWAY_SECONDS", "60")
    yield run_one("nothing lost", _pytest(NOTHING_LOST), REDIS_AWAY_SECONDS=away)


def rounds() -> Iterator[Result]:
    for number in range(1, int(os.environ.get("ROUNDS", "10")) + 1):
        yield run_one(f"round {number}", _pytest("-x", "tests/browser", f"--ignore={NOTHING_LOST}"))


def days() -> Iterator[Result]:
    if not shutil.which("faketime"):
        install(["faketime"])
    unlike = {
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # waiting takes as long as ever
        "PYTHONPATH": str(ROOT / "bin" / "another_day"),
        "TEST_DATABASE": "sqlite",
    }
    tests = _pytest("-n", "2", "--dist", "worksteal", "-m", "not alone")
    for zone, moment in DAYS:
        yield run_one(f"{moment} in {zone}", ["faketime", moment, *tests], TZ=zone, **unlike)


def _pytest(*arguments: str) -> list[str]:
    return [str(BIN / "python"), "-m", "pytest", "-q", *arguments]


CHECKS: dict[str, Callable[[], Iterator[Result]]] = {"nothing-lost": nothing_lost, "rounds": rounds, "days": days}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
