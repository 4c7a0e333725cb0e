"""The composition root: every part of the sandbox made once, wired together, started and stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from voipcrm.sandbox import control, control_page, rest
from voipcrm.sandbox.disorder import Disorder
from voipcrm.sandbox.exchange import Exchange
from voipcrm.sandbox.farends.directory import FarEndDirectory
from voipcrm.sandbox.faults import Faults
from voipcrm.sandbox.media.clock import MediaClock
from voipcrm.sandbox.notifications import Notifications
from voipcrm.sandbox.parts import PARTS, Parts
from voipcrm.sandbox.recordings import Recordings
from voipcrm.sandbox.settings import Settings
from voipcrm.sandbox.signalling.devices import DeviceRegistry
from voipcrm.sandbox.signalling.tokens import TokenReader
from voipcrm.sandbox.sip_provider import SipProvider
from voipcrm.sandbox.store import Store
from voipcrm.sandbox.tasks import Tasks
from voipcrm.sandbox.webhooks import Webhooks

log = logging.getLogger(__name__)


def build(settings: Settings) -> Parts:
    """All parts, nothing running yet. Makes the data folder."""
    tasks = Tasks()
    notifications = Notifications()
    disorder = Disorder(tasks)
    webhooks = Webhooks(settings.auth_tokens[0], notifications, disorder, tasks)
    store = Store(settings)
    clock = MediaClock()
    recordings = Recordings(store.folder / "recordings", settings.base_url, settings.account_sid, webhooks, tasks)
    devices = DeviceRegistry(TokenReader(settings.account_sid, store.secret_of))
    far_ends = FarEndDirectory(tasks)
    exchange = Exchange(
        account_sid=settings.account_sid,
        clock=clock,
        store=store,
        webhooks=webhooks,
        notifications=notifications,
        recordings=recordings,
        devices=devices,
        far_ends=far_ends,
        tasks=tasks,
    )
    devices.exchange = exchange
    return Parts(settings=settings, exchange=exchange, disorder=disorder, faults=Faults())


def web_application(parts: Parts) -> web.Application:
    """REST, /signal, /control and the page; starts and stops the parts with itself."""
    app = web.Application(middlewares=[rest.middleware, control.middleware], client_max_size=256 * 1024)
    app[PARTS] = parts
    app.router.add_get("/signal", parts.exchange.devices.serve)
    rest.add_routes(app)
    control.add_routes(app)
    control_page.add_routes(app)
    app.on_shutdown.append(_stopping)
    app.cleanup_ctx.append(_running)
    return app


async def _stopping(app: web.Application) -> None:
    """Sockets are told before aiohttp waits for their handlers."""
    app[PARTS].exchange.recordings.finish_all()
    await app[PARTS].exchange.devices.close()


async def _running(app: web.Application) -> AsyncIterator[None]:
    parts = app[PARTS]
    exchange = parts.exchange
    await exchange.webhooks.open()
    ticking = asyncio.create_task(exchange.clock.run(), name="media clock")
    yield
    await exchange.far_ends.close()
    await exchange.tasks.stop()
    ticking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticking
    await exchange.webhooks.close()


@dataclass
class Serving:
    """A sandbox that answers; `close()` within two seconds."""

    parts: Parts
    runner: web.AppRunner
    port: int
    sip: asyncio.DatagramTransport

    @property
    def url(self) -> str:
        """http://127.0.0.1:<port>."""
        return f"http://127.0.0.1:{self.port}"

    async def close(self) -> None:
        """Sockets first, then the parts."""
        self.sip.close()
        await self.runner.cleanup()


async def serve(settings: Settings) -> Serving:
    """Binds 127.0.0.1 only: HTTP on TCP, the SIP provider on UDP with the same number. Raises OSError when the port is
    taken."""
    # The port first: a second process that fails on it must not have touched the first one's recordings.
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", settings.port))
        listening.listen(128)  # Linux lets two sockets bind with SO_REUSEADDR until one of them listens
        port = listening.getsockname()[1]
        loop = asyncio.get_running_loop()
        sip, _ = await loop.create_datagram_endpoint(SipProvider, local_addr=("127.0.0.1", port))
        parts = build(settings)
    except OSError:
        listening.close()
        raise
    parts.exchange.sip_port = port
    runner = web.AppRunner(web_application(parts), access_log=None, shutdown_timeout=0.5, handle_signals=False)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return Serving(parts, runner, settings.port, sip)
