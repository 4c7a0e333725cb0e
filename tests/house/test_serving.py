"""How gunicorn serves the app (gunicorn.conf.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import requests
import services
import sqlalchemy as sa
from services import ROOT

from voipcrm.calls.models import Call, CallEvent, Leg
from voipcrm.core.db import db
from voipcrm.telephony import signature

LOADED = """
import gc, json, runpy
from voipcrm import create_app
app = create_app()
serving = runpy.run_path("gunicorn.conf.py")
serving["post_worker_init"](None)
app.test_client().get("/sign-in")
print(json.dumps([gc.get_freeze_count(), len(gc.get_objects())]))
"""


def test_a_full_garbage_collection_spares_what_the_app_is_made_of(environment):
    ran = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=True
    )
    spared, looked_at = json.loads(ran.stdout.splitlines()[-1])
    assert spared > 10 * looked_at


@pytest.fixture
def server(app, environment, tmp_path):
    """Address of the server of production, on the app's database."""
    port = services.free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "wsgi:app"]
    process = services.Process(command, tmp_path / "web.log", env={**os.environ, **environment})
    address = f"http://127.0.0.1:{port}"
    services.wait_until(lambda: _answers(address), 30, process)
    yield address
    process.stop()


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/sign-in", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def no_legs(app):
    """A database that refuses to write legs; lifted by calling it."""
    on_sqlite = app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    refuse, lift = "ALTER TABLE legs ADD CONSTRAINT refused CHECK (false)", "ALTER TABLE legs DROP CONSTRAINT refused"
    if on_sqlite:
        refuse = "CREATE TRIGGER refused BEFORE INSERT ON legs BEGIN SELECT RAISE(ABORT, 'refused'); END"
        lift = "DROP TRIGGER refused"

    def run(sql: str) -> None:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(sa.text(sql))

    run(refuse)
    lifted = []
    yield lambda: lifted.append(run(lift))
    if not lifted:
        run(lift)


def test_a_status_that_could_not_be_written_is_not_acknowledged(app, cast, server, no_legs):
    with app.app_context():
        call = Call(direction="outbound", user_id=cast.ada.id, root_sid="CA" + "a" * 32)
        db.session.add(call)
        db.session.commit()
        path = f"/voip/webhook/twilio/status?call={call.public_id}"
    form = {"AccountSid": services.ACCOUNT, "CallSid": "CA" + "b" * 32, "CallStatus": "ringing", "To": "+12125550108"}
    signed = signature.compute(services.PUBLIC_BASE_URL + path, list(form.items()), services.TOKEN)

    def tell() -> int:
        return requests.post(server + path, form, headers={"X-Twilio-Signature": signed}, timeout=10).status_code

    def kept() -> tuple[int, int]:
        with app.app_context():
            return db.session.query(CallEvent).count(), db.session.query(Leg).count()

    assert [tell() for _ in range(3)] == [500] * 3
    assert kept() == (0, 0)
    no_legs()
    assert [tell() for _ in range(2)] == [204] * 2
    assert kept() == (1, 1)
