"""`python -m voipcrm.cli.run.prepare`: everything that needs the app before calls can be made, in one process, since
loading the app is the slow part. Prints one line of JSON, {"logins": […], "said": […]}, once the database is ready:
who can sign in with the demo's password, and sentences for the person at the terminal."""

from __future__ import annotations

import json
import sys

from voipcrm import create_app
from voipcrm.admin import wiring
from voipcrm.cli.demo import seeding
from voipcrm.cli.release import release
from voipcrm.cli.run.ports import wait_for_listener
from voipcrm.core.app import settings
from voipcrm.core.db import db
from voipcrm.core.storage import StorageUnusable, storage
from voipcrm.telephony.errors import TelephonyError

SANDBOX_SECONDS = 60.0


def main() -> int:
    with create_app().app_context():
        try:
            storage().check()
        except StorageUnusable as problem:
            print(problem, file=sys.stderr)
            return 1
        said = release()
        if settings.is_sandbox:
            seeding.seed_once()
            db.session.commit()
        logins = seeding.logins() if settings.is_sandbox else []
        print(json.dumps({"logins": logins, "said": said}), flush=True)
        if settings.is_sandbox:
            return _wire()
    return 0


def _wire() -> int:
    """Point the sandbox's application and numbers at us. A real account is only changed by a person's command."""
    wait_for_listener(settings.sandbox_url, SANDBOX_SECONDS)
    try:
        for change in wiring.changes():
            change.carry_out()
            db.session.commit()
    except TelephonyError as error:
        print(error.sentence, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
