"""One process of the house: started in a session of its own, logged to a file, never outliving us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from voipcrm.cli.run.environment import ROOT

DEATHS = 5  # so many within DEATH_WINDOW mean that starting it again does not help
DEATH_WINDOW_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 8.0
PR_SET_PDEATHSIG = 1  # Linux, prctl(2)


@dataclass
class Child:
    """A process and how it fares. `command` is what to run, `log` takes what it prints.

    Dies with us even when we are killed (Linux): by SIGTERM where it has processes of its own to end (`ends_gently`),
    else by SIGKILL, since a warm shutdown may last as long as a job."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    log: Path
    ends_gently: bool = False
    ends_by_itself: bool = False
    process: subprocess.Popen[bytes] | None = None
    next_start_at: float = 0.0  # monotonic
    _deaths: deque[float] = field(default_factory=deque)

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal reaches only us
                preexec_fn=_dying_with_us(  # noqa: PLW1509 - we have no threads
                    signal.SIGTERM if self.ends_gently else signal.SIGKILL
                ),
            )

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return self.process.pid if self.process and self.returncode is None else None

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self.process.poll() if self.process else None

    @property
    def is_over(self) -> bool:
        return self.returncode is not None

    def note_death(self) -> None:
        """Plan the next start: at once, then later and later."""
        now = time.monotonic()
        self._deaths.append(now)
        while self._deaths and self._deaths[0] < now - DEATH_WINDOW_SECONDS:
            self._deaths.popleft()
        pause = min(LONGEST_PAUSE_SECONDS, 0.25 * 2 ** len(self._deaths)) if len(self._deaths) > 1 else 0.0
        self.process, self.next_start_at = None, now + pause

    @property
    def is_hopeless(self) -> bool:
        return len(self._deaths) >= DEATHS

    def signal(self, number: signal.Signals) -> None:
        """To the process alone; SIGKILL to all that it started as well."""
        if self.process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def last_lines(self, count: int = 12) -> str:
        with suppress(OSError):
            return "".join(f"  {line}\n" for line in self.log.read_text(errors="replace").splitlines()[-count:])
        return ""


def _dying_with_us(deadly: signal.Signals) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(deadly))
        if os.getppid() != parent:  # we died before the tie was made
            os._exit(1)

    return tie
