"""House rules of templates and stylesheets that no linter knows: strict CSP, one place for colours, no dead names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import voipcrm

HOUSE = Path(voipcrm.__file__).parent
CSS = HOUSE / "static" / "css"
TEMPLATES = sorted((HOUSE / "templates").rglob("*.html"))
SHEETS = sorted(CSS.rglob("*.css"))

# What our Content-Security-Policy refuses: it would work nowhere, or only in a test that bypasses the policy.
REFUSED = {
    "an inline style": r"<[^>]*\sstyle\s*=",
    "a style element": r"<style",
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "an event handler": r"<[^>]*\son[a-z]+\s*=",
    "hx-on": r"\bhx-on\b",
    "a js: value": r"""=\s*["'](?:js|javascript):""",
    "a filter that needs eval": r"""hx-trigger\s*=\s*"[^"]*\[""",
}


def without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}|/\*.*?\*/", "", text, flags=re.DOTALL)


def by_name(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
def test_a_template_holds_nothing_that_the_policy_refuses(path: Path) -> None:
    text = without_comments(path.read_text())
    assert [what for what, pattern in REFUSED.items() if re.search(pattern, text, re.IGNORECASE)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
def test_every_icon_that_a_template_names_is_drawn(path: Path) -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (HOUSE / "static" / "icons.svg").read_text()))
    named = set(re.findall(r"""\bicon(?:\(|=)"([a-z0-9-]+)\"""", path.read_text()))
    assert named - drawn == set()


def test_the_sprite_is_what_the_list_says() -> None:
    drawn = re.findall(r'<symbol id="([^"]+)"', (HOUSE / "static" / "icons.svg").read_text())
    assert drawn == sorted((HOUSE / "static" / "icons.txt").read_text().split())


def test_every_template_is_asked_for() -> None:
    texts = {path: path.read_text() for path in (*TEMPLATES, *HOUSE.rglob("*.py"))}
    names = {path: path.relative_to(HOUSE / "templates").as_posix() for path in TEMPLATES}
    unasked = [
        name
        for path, name in names.items()
        if not any(f'"{name}"' in text for other, text in texts.items() if other != path)
    ]
    assert unasked == []


@pytest.mark.parametrize("path", TEMPLATES, ids=by_name)
def test_a_template_uses_what_it_imports(path: Path) -> None:
    text = without_comments(path.read_text())
    imports = re.findall(r"\{%-?\s*(?:from \S+ import ([^%]+?)(?: with context)?|import \S+ as (\w+))\s*-?%\}", text)
    names = [name.split()[-1] for pair in imports for part in pair if part for name in part.split(",")]
    text = re.sub(r"\{%-?\s*(?:from|import) [^%]+%\}", "", text)
    assert [name for name in names if not re.search(rf"\b{name}[(.\[|]", text)] == []


def test_every_stylesheet_is_imported_once() -> None:
    imported = [
        (sheet.parent / name).resolve()
        for sheet in SHEETS
        for name in re.findall(r'@import url\("(.+?)"\)', sheet.read_text())
    ]
    assert sorted([*imported, CSS / "app.css"]) == sorted(SHEETS)


@pytest.mark.parametrize("path", SHEETS, ids=by_name)
def test_every_token_that_a_stylesheet_uses_exists(path: Path) -> None:
    defined = {name for sheet in SHEETS for name in re.findall(r"(--[a-z0-9-]+)\s*:", sheet.read_text())}
    # One with a fallback may be set by a script.
    assert set(re.findall(r"var\((--[a-z0-9-]+)\s*\)", path.read_text())) - defined == set()


@pytest.mark.parametrize("path", [sheet for sheet in SHEETS if sheet.name != "tokens.css"], ids=by_name)
def test_colours_stand_in_the_tokens_and_nothing_shouts(path: Path) -> None:
    rules = without_comments(path.read_text())
    assert re.findall(r"(?<!url\()#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)\(|!important", rules) == []
    assert re.findall(r"(?m)^\s*#[a-z]", rules) == [], "a rule by id cannot be reused"
