"""What an agent's browser loads as script, as our server sends it (gzipped): every script of the shell and every module
that these import. What is loaded only when a person opens it (`import()`) is not counted."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

from voipcrm.core import static

FOLDER = Path(__file__).parent.parent / "voipcrm" / "static"
TEMPLATES = FOLDER.parent / "templates"
GOAL_KB = 110.0
SCRIPT = re.compile(r"""asset\(["']([^"']+\.js)["']\)""")
IMPORT = re.compile(r"""^(?:import|export)\b[^;(]*?["'](\.[^"']+)["']""", re.MULTILINE)


def main() -> bool:
    """Print the weight; False when it is over the goal."""
    app = Flask("weight", static_folder=str(FOLDER))
    static.init_app(app)
    client, total = app.test_client(), 0
    for file in sorted(loaded()):
        name = file.relative_to(FOLDER)
        size = len(client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"}).data)
        total += size
        print(f"{size / 1000:7.1f} kB  {name}")
    good = total / 1000 <= GOAL_KB
    print(f"{total / 1000:7.1f} kB  of script for an agent (goal {GOAL_KB:.0f} kB) {'ok' if good else 'MISSED'}")
    return good


def loaded() -> set[Path]:
    """The script files that the pages load by themselves."""
    found: set[Path] = set()
    for template in TEMPLATES.rglob("*.html"):
        for name in SCRIPT.findall(template.read_text()):
            _follow(FOLDER / name, found)
    return found


def _follow(file: Path, found: set[Path]) -> None:
    if file in found:
        return
    found.add(file)
    if "vendor" not in file.parts:
        for name in IMPORT.findall(file.read_text()):
            _follow((file.parent / name).resolve(), found)
