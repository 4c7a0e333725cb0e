"""Sixteen people whose line stalls in the middle of a recording: is a webhook lost, or a page, and how much slower is
a webhook's 99th percentile than without them? The application sends the files itself here, the worst of three ways."""

from __future__ import annotations

import contextlib
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from bench import house, replay
from bench.webhooks import statuses

CLIENTS, WEBHOOK_CLIENTS, ROUNDS, PAGES = 16, 4, 5, 20
FILE_BYTES = 64 * 1024 * 1024  # far more than sockets take in by themselves
GOAL = 5.0
PAGE_SECONDS = 3.0


def main(database: str) -> bool:
    """Print the figures on one kind of database; False when something is lost or the goal is missed."""
    with house.serving(database) as served:
        cookie = _sign_in(served)
        address = f"{served.base_url}/admin/voip/recordings/{_record(served)}/download"
        quiet, stalled, lost = [], [], 0
        replay.run(statuses(served), served.port, clients=WEBHOOK_CLIENTS)  # warm
        for _ in range(ROUNDS):  # interleaved, so that a busy neighbour hits both alike
            one = replay.run(statuses(served), served.port, clients=WEBHOOK_CLIENTS)
            with _stalling(served, address, cookie):
                other = replay.run(statuses(served), served.port, clients=WEBHOOK_CLIENTS)
                lost += _lost_pages(served, cookie)
            quiet.append(one.p99_ms)
            stalled.append(other.p99_ms)
            lost += one.refused + other.refused
    before, during = statistics.median(quiet), statistics.median(stalled)
    good = lost == 0 and during <= GOAL * before
    print(
        f"{database:10} {CLIENTS} stalled downloads: webhook p99 {during:.1f} ms, {during / before:.2f} of the quiet "
        f"{before:.1f} ms (goal {GOAL:.0f}), {lost} webhooks and pages lost {'ok' if good else 'MISSED'}"
    )
    return good


def _sign_in(served: house.Served) -> dict[str, str]:
    """Cookies of somebody who may download."""
    from voipcrm.accounts.models import Role, User, UserSession
    from voipcrm.core.db import db

    with served.app.app_context():
        root = User(email="root@example.com", name="Root", password_hash="x")
        root.roles = Role.query.filter_by(name="admin").all()
        db.session.add(root)
        db.session.flush()
        UserSession.begin(root)
        db.session.commit()
        session_id = root.get_id()
    client = served.app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = session_id, True
    name = served.app.config["SESSION_COOKIE_NAME"]
    return {name: client.get_cookie(name).value}


def _record(served: house.Served) -> str:
    """A long recording in the storage; its SID."""
    from voipcrm.core.db import db
    from voipcrm.core.storage import storage
    from voipcrm.recordings.models import Recording

    sid = "RE" + "b" * 32
    with served.app.app_context():
        file: Path = storage().local_path("long.wav")
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as opened:
            opened.truncate(FILE_BYTES)
        db.session.add(Recording(sid=sid, state="archived", path="long.wav", size_bytes=FILE_BYTES))
        db.session.commit()
    return sid


@contextlib.contextmanager
def _stalling(served: house.Served, address: str, cookie: dict[str, str]) -> Iterator[None]:
    """So many people who begin a download, read its beginning, and then nothing, until the block ends."""
    said = "; ".join(f"{name}={value}" for name, value in cookie.items())
    with contextlib.ExitStack() as stack:
        for _ in range(CLIENTS):
            sound = requests.get(address, cookies=cookie, allow_redirects=False, timeout=10).headers["Location"]
            link = stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=10))
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.sendall(f"GET {sound} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {said}\r\n\r\n".encode())
            if not link.recv(1024).startswith(b"HTTP/1.1 200"):
                raise SystemExit("a download did not begin")
        yield


def _lost_pages(served: house.Served, cookie: dict[str, str]) -> int:
    """How many of some pages did not come in time."""
    lost = 0
    for _ in range(PAGES):
        begun = time.monotonic()
        try:
            page = requests.get(f"{served.base_url}/admin/voip/recordings", cookies=cookie, timeout=PAGE_SECONDS)
            lost += page.status_code != 200 or time.monotonic() - begun > PAGE_SECONDS
        except requests.RequestException:
            lost += 1
    return lost
