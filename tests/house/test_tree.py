"""What lies in the tree: nothing of somebody's machine, nothing unlocked, nothing vendored that was changed."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "voipcrm" / "static" / "vendor"
LOCKS = ("requirements.lock", "requirements-run.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINES_AT_MOST = 400


def tracked() -> list[Path]:
    """Every file of the tree that git would take, else (no git) every file that is not made by a run."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        if VENDOR not in path.parents:
            try:
                found.append((path.relative_to(ROOT).as_posix(), path.read_text()))
            except UnicodeDecodeError:
                continue
    return found


def versions(lock: str) -> dict[str, str]:
    """Name -> version, with its marker where a package stands twice."""
    lines = re.findall(r"^([\w.\-\[\]]+)==([^\s;\\]+)( ; [^\\\n]+)?", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name.partition("[")[0]) + marker.strip(): version for name, version, marker in lines}


def dependencies() -> set[str]:
    """Everything that pyproject.toml asks for."""
    project = PROJECT["project"]
    groups = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    return {canonicalize_name(Requirement(text).name) for group in groups for text in group}


def test_there_are_files_to_look_at():
    assert len(texts()) > 100


def test_no_file_names_a_place_on_somebodys_machine():
    pattern = re.compile(r"(?<![\w.])/(?:home/\w+|Users/\w+|root|work)/|(?<![\w.])/(?:home|work)\b(?=/)")
    ours = Path(__file__).relative_to(ROOT).as_posix()
    assert [name for name, text in texts() if name != ours and pattern.search(text)] == []


def test_no_file_names_a_package_registry():
    hosts = re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org|--(?:extra-)?index-url|--find-links"
    )
    allowed = {Path(__file__).relative_to(ROOT).as_posix()}
    assert [name for name, text in texts() if name not in allowed and hosts.search(text)] == []


def test_no_secret_is_in_the_tree():
    pattern = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:AC|SK)(?!(\w)\1{31})(?!0{20,})[0-9a-f]{32}\b")
    assert [
        name
        for name, text in texts()
        if not name.endswith(".lock") and not name.startswith("tests/") and pattern.search(text)
    ] == []


def test_files_stay_small_enough_to_read():
    code = [(name, text.count("\n")) for name, text in texts() if name.endswith((".py", ".js", ".css", ".html"))]
    assert [(name, lines) for name, lines in code if lines > LINES_AT_MOST] == []


@pytest.mark.parametrize(
    "entry", tomllib.loads((VENDOR / "vendor.toml").read_text())["file"], ids=lambda entry: entry["name"]
)
def test_vendored_files_are_what_their_makers_published(entry):
    digest = hashlib.sha384((VENDOR / entry["path"]).read_bytes()).digest()
    assert base64.b64encode(digest).decode() == entry["sha384"]
    assert (VENDOR / entry["licence_file"]).is_file()


def test_nothing_else_is_vendored():
    told = {
        entry[key]
        for entry in tomllib.loads((VENDOR / "vendor.toml").read_text())["file"]
        for key in ("path", "licence_file")
    }
    there = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert there == told | {"vendor.toml"}


def test_the_locks_hold_every_package_by_hash_and_agree():
    dev = versions("requirements-dev.lock")
    for lock in LOCKS:
        text = (ROOT / lock).read_text()
        packages = re.split(r"^(?=[\w.\-\[\]]+==)", text, flags=re.MULTILINE)[1:]
        assert all("--hash=sha256:" in package for package in packages)
        assert {name: version for name, version in versions(lock).items() if dev.get(name) != version} == {}
    assert len(versions("requirements.lock")) < len(versions("requirements-run.lock")) < len(dev)


def test_the_locks_hold_what_the_project_asks_for():
    locked = {name.partition(";")[0] for name in versions("requirements-dev.lock")}
    assert dependencies() - locked == set()


def test_every_dependency_is_accounted_for():
    told = {
        canonicalize_name(name)
        for name in re.findall(r"^\| `([\w.\-]+)`", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    }
    assert told == dependencies()
