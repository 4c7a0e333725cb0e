"""The process: reads the environment, serves until TERM or INT, says plainly why it cannot."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import sys

from voipcrm.sandbox.application import serve
from voipcrm.sandbox.settings import Settings, SettingsError

STOP_SECONDS = 1.0


def main() -> int:
    """Exit code: 0 after a signal, 1 when the port is taken or the folder not writable, 2 for wrong settings."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    if settings.log_level != "debug":
        # What these say at info is about their own insides.
        for noisy in ("aioice", "aiortc", "aiohttp", "libav"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        return asyncio.run(_run(settings))
    except KeyboardInterrupt:
        return 0


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C arrives as KeyboardInterrupt
            break
    try:
        serving = await serve(settings)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            reason = "is already taken" if error.errno == errno.EADDRINUSE else "may not be used"
            print(f"sandbox: port {settings.port} {reason}; set SANDBOX_PORT to another one", file=sys.stderr)
        else:
            print(f"sandbox: {error}", file=sys.stderr)
        return 1
    print(f"sandbox ready: {serving.url}", flush=True)
    await stop.wait()
    try:
        await asyncio.wait_for(serving.close(), STOP_SECONDS)
    except TimeoutError:
        logging.getLogger(__name__).warning("stopped with work left undone")
    return 0
