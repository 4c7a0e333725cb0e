"""Static files: light on the line, right in the cache, and the vendored ones exactly as they came."""

import gzip
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "voipcrm" / "static"
SDK = "vendor/twilio-voice-sdk-2.18.5/twilio.min.js"
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def fetch(app):
    return lambda path, **headers: app.test_client().get(f"/static/{path}", headers=headers)


def test_vendored_files_arrive_as_they_were_published(fetch):
    packed = fetch(SDK, **GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == fetch(SDK).data == (STATIC / SDK).read_bytes()


def test_our_scripts_go_out_without_their_comments(fetch):
    sent = gzip.decompress(fetch("js/phone/state.js", **GZIP).data).decode()
    source = (STATIC / "js/phone/state.js").read_text()
    assert "//" in source
    assert len(sent) < len(source)
    assert re.findall(r"class \w+", sent) == re.findall(r"^(?:export )?(class \w+)", source, re.MULTILINE)


def test_no_template_stands_inside_another_since_packing_would_take_the_spaces_of_the_inner_one():
    scripts = [path for path in STATIC.glob("js/**/*.js") if re.search(r"`[^`]*\$\{[^}`]*`", path.read_text())]
    assert scripts == []


def test_who_takes_no_gzip_gets_the_file_as_it_is(fetch):
    assert fetch("js/shell.js").data == (STATIC / "js/shell.js").read_bytes()


def test_an_address_with_a_fingerprint_is_kept_and_one_without_is_asked_for(fetch):
    assert "immutable" in fetch("css/app.css?v=1", **GZIP).headers["Cache-Control"]
    imported = fetch("css/tokens.css", **GZIP)
    assert imported.headers["Cache-Control"] == "no-cache"
    again = fetch("css/tokens.css", **GZIP, **{"If-None-Match": imported.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["../config.py", "%2e%2e/config.py", "js/nothing.js", "js", "/etc/passwd.js"])
def test_nothing_outside_the_folder(fetch, path):
    assert fetch(path, **GZIP).status_code == 404


def test_an_agents_page_loads_at_most_110_kb_of_script():
    sys.path.insert(0, str(ROOT))
    try:
        from bench import weight
    finally:
        sys.path.remove(str(ROOT))
    assert weight.main()
