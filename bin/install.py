"""Makes .venv and installs one lock into it, only when the lock changed. Standard library only: it runs before
anything is installed. Called by bin/run and bin/test as `python bin/install.py requirements-….lock`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# A larger lock holds all of a smaller one in the same versions; tests/house checks that.
CONTAINS = {
    "requirements-dev.lock": ("requirements-dev.lock", "requirements-run.lock"),
    "requirements-run.lock": ("requirements-run.lock",),
}


def main(lock: str) -> None:
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"voipcrm needs Python 3.11 or newer; {sys.executable} is {found}.")
    if os.name != "posix":
        sys.exit("voipcrm runs on Linux and macOS; on Windows start it inside WSL.")
    with _alone():
        if _stamp(lock).is_file() and _stamp(lock).read_text() == _fingerprint(lock) and _works():
            return
        print("Installing (only the first time and after an update) …", file=sys.stderr, flush=True)
        if not _works():
            _make_venv()
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The lock names everything, so there is nothing to resolve; and most modules are never imported, so compiling
        # them all would take longer than the rest.
        pip += ["--no-deps", "--no-compile", "--require-hashes", "-r", str(ROOT / lock)]
        if subprocess.run(pip, check=False).returncode:
            sys.exit("The packages could not be installed; pip says why above. Is the network there? Then try again.")
        for contained in CONTAINS[lock]:
            _stamp(contained).write_text(_fingerprint(contained))


def _alone():
    """A lock file held open while we install: a second start waits instead of installing over the first."""
    import fcntl

    try:
        handle = open(ROOT / ".venv.lock", "w")  # noqa: SIM115 - returned, and closed by the caller's with
    except OSError as error:
        sys.exit(f"{ROOT} cannot be written: {error.strerror}. Give yourself the right to write there.")
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def _works() -> bool:
    """Is there a .venv whose Python still starts? An update of the system's Python can leave it dead."""
    command = [str(PYTHON), "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]
    return PYTHON.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _make_venv() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if made.returncode or not _works():
        shutil.rmtree(VENV, ignore_errors=True)
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        sys.exit(
            "This Python cannot make a virtual environment. "
            f"On Debian and Ubuntu: apt-get install python3-venv (or python{version}-venv)."
        )


def _stamp(lock: str) -> Path:
    return VENV / f".{lock}.installed"


def _fingerprint(lock: str) -> str:
    """Of the lock and of the Python it was installed for."""
    return f"{hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()} {sys.version_info[0]}.{sys.version_info[1]}\n"


if __name__ == "__main__":
    main(sys.argv[1])
