"""What an agent's browser loads as script, gzipped: every script of the shell and every module these import."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

STATIC = Path(__file__).parent.parent / "voipcrm" / "static"
TEMPLATES = STATIC.parent / "templates"
GOAL_KB = 110.0


def main() -> bool:
    """Print the weight; False when it is over the goal."""
    files = sorted(loaded())
    total = 0
    for file in files:
        size = len(gzip.compress(file.read_bytes(), 6))
        total += size
        print(f"{size / 1000:7.1f} kB  {file.relative_to(STATIC)}")
    good = total / 1000 <= GOAL_KB
    print(f"{total / 1000:7.1f} kB  of script for an agent (goal {GOAL_KB:.0f} kB) {'ok' if good else 'MISSED'}")
    return good


def loaded() -> set[Path]:
    """The script files that a page with the phone loads."""
    found: set[Path] = set()
    for template in TEMPLATES.rglob("*.html"):
        for name in re.findall(r"""asset\(["']([^"']+\.js)["']\)""", template.read_text()):
            _follow(STATIC / name, found)
    return found


def _follow(file: Path, found: set[Path]) -> None:
    if file in found or not file.exists():
        return
    found.add(file)
    if "vendor" in file.parts:
        return
    for name in re.findall(r"""(?:from|import)\s*\(?["'](\.[^"']+)["']""", file.read_text()):
        _follow((file.parent / name).resolve(), found)
