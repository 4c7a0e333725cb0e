"""Static files as browsers get them: packed once a process, kept by the browser as long as they are the same.

There is no build: the sources are what is edited and what is served, only that our scripts go out without their
comments and everything that is text goes out gzipped. Vendored files are never touched.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, g, request, url_for
from rjsmin import jsmin
from werkzeug.security import safe_join

PACKED = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
KEPT_SECONDS = 31_536_000


@dataclass(frozen=True, slots=True)
class _Packed:
    body: bytes
    etag: str
    mimetype: str


def asset(path: str) -> str:
    """URL of a static file that changes when the file does, so that browsers may keep it for a year. Made once a page:
    a list has hundreds of icons out of one file."""
    made: dict[str, str] = g.setdefault("assets", {})
    if path not in made:
        folder = current_app.static_folder or ""
        made[path] = url_for("static", filename=path, v=_fingerprint(f"{folder}/{path}"))
    return made[path]


def send(filename: str) -> Response:
    """The view of /static: text is sent packed to whoever takes gzip, everything else as it lies on the disk."""
    path = safe_join(current_app.static_folder or "", filename)
    takes_gzip = "gzip" in request.accept_encodings
    if path is None or Path(path).suffix not in PACKED or not takes_gzip or not Path(path).is_file():
        response = current_app.send_static_file(filename)
    else:
        packed = _pack(path, Path(path).stat().st_mtime_ns)
        response = Response(packed.body, mimetype=packed.mimetype)
        response.headers["Content-Encoding"] = "gzip"
        response.set_etag(packed.etag)
        response.make_conditional(request)
    if Path(filename).suffix in PACKED:
        response.vary.add("Accept-Encoding")
    if "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}, immutable"
    else:  # what a style sheet or a module imports has no fingerprint in its address: ask each time
        response.headers["Cache-Control"] = "no-cache"
    return response


@lru_cache(maxsize=500)
def _pack(path: str, _changed_ns: int) -> _Packed:
    body = Path(path).read_bytes()
    if path.endswith(".js") and "/vendor/" not in path:
        body = str(jsmin(body.decode(), keep_bang_comments=True)).encode()
    packed = gzip.compress(body, 9, mtime=0)
    return _Packed(packed, hashlib.sha256(packed).hexdigest()[:16], PACKED[Path(path).suffix])


@lru_cache(maxsize=400)
def _fingerprint(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


def init_app(app: Flask) -> None:
    mimetypes.add_type("text/javascript", ".js")  # some machines say otherwise, and browsers then refuse modules
    app.view_functions["static"] = send
    app.jinja_env.globals["asset"] = asset
