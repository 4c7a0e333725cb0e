"""How gunicorn serves the app (gunicorn.conf.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from services import ROOT

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
