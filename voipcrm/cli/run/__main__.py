"""`python -m voipcrm.cli.run`: what bin/run starts once the packages are there."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from voipcrm.cli.run.environment import CannotStart, given, of_house, of_machine, port_of
from voipcrm.cli.run.folder import PORT_SECONDS, Folder
from voipcrm.cli.run.house import House
from voipcrm.cli.run.ports import check_port, free_port
from voipcrm.cli.run.supervisor import Stopped, Supervisor
from voipcrm.config import Settings, SettingsInvalid


def main() -> int:
    argparse.ArgumentParser(prog="bin/run", description="The whole phone system on this machine.").parse_args()
    try:
        supervisor = Supervisor(_house())
        try:
            released = supervisor.start()
            with suppress(BrokenPipeError):  # nobody reads any more; the house runs on
                _tell(supervisor.house, released)
            supervisor.watch()
        finally:
            supervisor.stop()
    except (CannotStart, SettingsInvalid) as problem:
        print(f"bin/run: {problem}", file=sys.stderr)
        return 1
    except Stopped:
        pass
    return 0


def _house() -> House:
    env = of_machine(os.environ)
    if env.get("VOIP_PROVIDER", "sandbox") not in {"sandbox", "twilio"}:
        raise CannotStart(f"VOIP_PROVIDER must be sandbox or twilio, not {env['VOIP_PROVIDER']!r}.")
    folder = Folder(Path(env["DATA_DIR"]))
    folder.take()
    own_redis = not given(env, "REDIS_URL")
    redis_url = f"redis://:{secrets.token_hex(16)}@127.0.0.1:{free_port()}/0" if own_redis else ""
    complete = of_house(env, redis_url)
    os.environ.update(complete)
    Settings.from_environ()  # refuse here, in one line, what every process would refuse
    _check_ports(folder, complete)
    return House(folder, complete, own_redis=own_redis)


def _check_ports(folder: Folder, env: dict[str, str]) -> None:
    names = ["PORT", "SANDBOX_PORT"] if env["VOIP_PROVIDER"] == "sandbox" else ["PORT"]
    if len({env[name] for name in names}) < len(names):
        raise CannotStart("PORT and SANDBOX_PORT are the same. Choose two.")
    for name in names:
        check_port(name, int(port_of(env, name, 0)), wait_seconds=PORT_SECONDS if folder.had_leftovers else 0)


def _tell(house: House, released: dict[str, Any]) -> None:
    env = house.environment
    print(f"ready: http://127.0.0.1:{env['PORT']}")
    for sentence in released["said"]:
        print(f"\n{sentence}")
    if released["logins"]:
        print("\nSign in as")
        for login in released["logins"]:
            print(f"  {login['email']:<18} {login['password']}   {login['about']}")
    if house.is_sandbox:
        print(f"\nSimulate an incoming call: {env['SANDBOX_URL']}")
    else:
        print("\nCompare the wiring at Twilio with this address: bin/flask provider wire --dry-run")
    print("Stop everything: Ctrl-C", flush=True)


if __name__ == "__main__":
    sys.exit(main())
