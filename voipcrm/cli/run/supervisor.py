"""Starts the processes in order, keeps them alive, and stops them all when told to."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from voipcrm.cli.run.child import Child
from voipcrm.cli.run.environment import CannotStart
from voipcrm.cli.run.house import House

TICK_SECONDS = 0.1
START_SECONDS = 90.0  # a slow, loaded machine
ASK_AGAIN_SECONDS = 1.2  # the worker ends a running job when it is asked a second time, a second or more later
STOP_SECONDS = 3.5
REDIS_STOP_SECONDS = 1.0
# For commands started by hand in another terminal, which must mean the same house.
NOTED = ("VOIP_PROVIDER", "PORT", "SANDBOX_PORT", "DATABASE_URL", "REDIS_URL", "RECORDINGS_URL", "PUBLIC_BASE_URL")


class Stopped(Exception):
    """A person or the system asked us to stop."""


class Supervisor:
    def __init__(self, house: House) -> None:
        self.house = house
        self._stop_asked = False
        self._running: list[Child] = []  # in the order of their start
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def start(self) -> dict[str, Any]:
        """Start everything and wait until calls can be made. Returns what prepare.py printed.

        Raises CannotStart with the last lines of the log that tells why, Stopped when asked to stop meanwhile."""
        house = self.house
        for child in (house.redis, house.sandbox):
            if child:
                self._start(child)
        preparing = house.prepare()
        preparing.log.unlink(missing_ok=True)
        self._start(preparing)
        self._until(lambda: _first_json(preparing) is not None or preparing.is_over, preparing)
        self._start(house.web)  # not before the database is ready: it may be an upgrade
        self._until(lambda: preparing.is_over, preparing)
        self._running.remove(preparing)
        if preparing.returncode:
            raise CannotStart(f"The house could not be prepared. The end of {preparing.log}:\n{preparing.last_lines()}")
        self._until(lambda: _is_healthy(int(house.environment["PORT"])), house.web)
        # Loading the app keeps both cores of a small machine busy, so those that nobody waits for come last.
        self._start(house.worker)
        self._start(house.scheduler)
        return _first_json(preparing) or {"logins": [], "said": []}

    def watch(self) -> None:
        """Start again whatever dies, until asked to stop. Raises CannotStart when one dies again and again."""
        while not self._stop_asked:
            self._revive()
            time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """End everything within 5 s: first those that use Redis, then Redis."""
        others = [child for child in self._running if child is not self.house.redis]
        _end(others, STOP_SECONDS)
        if self.house.redis:
            _end([self.house.redis], REDIS_STOP_SECONDS)
        self._running.clear()
        self._note()

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        self._stop_asked = True

    def _start(self, child: Child) -> None:
        child.start()
        if child not in self._running:
            self._running.append(child)
        self._note()

    def _note(self) -> None:
        environment = {name: self.house.environment[name] for name in NOTED if name in self.house.environment}
        self.house.folder.note(environment, {child.name: child.pid for child in self._running if child.pid})

    def _revive(self) -> None:
        for child in list(self._running):
            if child.ends_by_itself:
                continue
            if child.is_over:
                child.note_death()
            if child.is_hopeless:
                raise CannotStart(
                    f"The {child.name} process keeps failing. The end of {child.log}:\n{child.last_lines()}"
                )
            if child.process is None and time.monotonic() >= child.next_start_at:
                self._start(child)

    def _until(self, done: Callable[[], bool], child: Child) -> None:
        until = time.monotonic() + START_SECONDS
        while not done():
            if self._stop_asked:
                raise Stopped
            self._revive()
            if time.monotonic() > until:
                raise CannotStart(
                    f"The {child.name} process is not ready after {START_SECONDS:.0f} s. "
                    f"The end of {child.log}:\n{child.last_lines()}"
                )
            time.sleep(TICK_SECONDS / 2)


def _end(children: list[Child], seconds: float) -> None:
    """SIGTERM, a second one for jobs that take long, SIGKILL at the end; returns when all are gone."""
    began = time.monotonic()
    asked_again = False
    for child in children:
        child.signal(signal.SIGTERM)
    while any(child.pid for child in children):
        passed = time.monotonic() - began
        if passed > seconds:
            break
        if passed > ASK_AGAIN_SECONDS and not asked_again:
            asked_again = True
            for child in children:
                if not child.ends_gently:
                    child.signal(signal.SIGTERM)
        time.sleep(0.02)
    for child in children:
        child.signal(signal.SIGKILL)  # also what a child left behind in its session
        if child.process:
            child.process.wait()


def _first_json(child: Child) -> dict[str, Any] | None:
    """The line of JSON that the process printed among its warnings, if it has come that far."""
    with suppress(OSError):
        for line in child.log.read_text(errors="replace").splitlines():
            with suppress(ValueError):
                return json.loads(line)
    return None


def _is_healthy(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False
