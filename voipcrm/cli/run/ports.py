"""TCP ports of this machine: free, taken, or answering."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

from voipcrm.cli.run.environment import CannotStart


def check_port(name: str, port: int, *, wait_seconds: float = 0.0) -> None:
    """Raises CannotStart when something else listens on 127.0.0.1:port; gives a house that was killed time to go."""
    until = time.monotonic() + wait_seconds
    while not _is_free(port):
        if time.monotonic() >= until:
            raise CannotStart(
                f"Port {port} is taken by another program. Stop it, or choose another port: {name}={port + 1} bin/run"
            )
        time.sleep(0.1)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def wait_for_listener(url: str, seconds: float) -> None:
    """Returns once something listens at that local address, or after so many seconds: the request will then tell."""
    until = time.monotonic() + seconds
    port = urlsplit(url).port or 80
    while not listens(port) and time.monotonic() < until:
        time.sleep(0.1)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(f"Port {port} needs rights that you don't have. Choose one above 1023.") from None
        except OSError:
            return False
    return True
