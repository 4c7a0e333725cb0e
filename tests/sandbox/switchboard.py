"""The smallest exchange that can connect two ends: signalling and far ends are tested with it, without TwiML.

A call dials its parameter `To`: `client:<identity>` rings all devices of that identity, a number a simulated end,
`echo` answers and echoes, `ring` rings for ever, `refuse` is hung up before the browser knows its sid.
"""

import asyncio
import contextlib

import aiohttp
from aiohttp import web
from phone import Phone, access_token

from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.farends.directory import FarEndDirectory
from voipcrm.sandbox.forking import Fork
from voipcrm.sandbox.media.clock import MediaClock
from voipcrm.sandbox.media.mixing import Bridge, Solo
from voipcrm.sandbox.media.tones import ringback
from voipcrm.sandbox.signalling.devices import DeviceRegistry
from voipcrm.sandbox.signalling.tokens import TokenReader
from voipcrm.sandbox.tasks import Tasks, first_of

ACCOUNT, KEY, APPLICATION = "AC" + "1" * 32, "SK" + "2" * 32, "AP" + "3" * 32
SECRET = "a test secret of at least 32 bytes"


class Switchboard:
    def __init__(self, grace_seconds: float = 30.0) -> None:
        self.clock, self.tasks, self.far_ends = MediaClock(), Tasks(), FarEndDirectory()
        self.devices = DeviceRegistry(TokenReader(ACCOUNT, {KEY: SECRET}.get), grace_seconds=grace_seconds)
        self.devices.exchange = self
        self.calls: list[Call] = []

    async def placed_by_browser(self, identity, endpoint, params, application_sid):
        call = self._call("inbound", f"client:{identity}", params.get("To", ""), endpoint, params)
        call.application_sid = application_sid
        self.tasks.start(self._serve(call), name="serve")
        return call

    async def placed_by_far_end(self, from_, to, far_end):
        call = self._call("inbound", from_, to, far_end, {})
        self.tasks.start(self._serve(call), name="serve")
        return call

    async def ring_device(self, identity: str, **custom) -> list[Call]:
        """Offers a call to every device of the identity."""
        calls = [
            self._call("outbound-api", "+15550001111", f"client:{identity}", factory(), custom)
            for factory in self.devices.find(identity)
        ]
        for call in calls:
            await call.endpoint.ring(call)
        return calls

    async def ring_fork(self, identity: str) -> Call:
        """One call offered to all devices of the identity, under one sid."""
        fork = Fork([factory() for factory in self.devices.find(identity)])
        call = self._call("outbound-api", "+15550001111", f"client:{identity}", fork, {})
        await fork.ring(call)
        return call

    def _call(self, direction, from_, to, endpoint, custom):
        call = Call(account_sid=ACCOUNT, direction=direction, from_=from_, to=to, endpoint=endpoint, custom=custom)
        self.calls.append(call)
        return call

    async def _serve(self, call):
        if call.to == "refuse":
            await call.hang_up("busy", error=(31486, "Busy here"))
            return
        if call.to in ("echo", "ring"):
            solo = Solo(self.clock, call.leg)
            solo.start()
            if call.to == "echo":
                await call.answer()
                solo.echo = True
            else:
                await call.endpoint.progress(call)
                self.tasks.start(solo.play(ringback()), name="ringback")
            await call.ended.wait()
            solo.stop()
            return
        await call.endpoint.progress(call)
        await self._dial(call)
        await call.hang_up()

    async def _dial(self, call):
        identity = call.to.removeprefix("client:")
        if identity != call.to:
            ends = [factory() for factory in self.devices.find(identity)]
        else:
            ends = [self.far_ends.endpoint_for(call.to)]
        children = [self._call("outbound-dial", call.from_, call.to, end, call.custom) for end in ends]
        for child in children:
            await child.endpoint.ring(child)
        winner = None
        while winner is None and call.is_live and any(child.is_live for child in children):
            waits = [child.answered for child in children] + [child.ended for child in children] + [call.ended]
            await first_of(*(event for event in waits if not event.is_set()))
            winner = next((child for child in children if child.answered.is_set() and child.is_live), None)
        for child in children:
            if child is not winner:
                await child.hang_up("canceled")
        if winner is None or not call.is_live:
            if winner:
                await winner.hang_up()
            return
        await call.answer()
        bridge = Bridge(self.clock, call.leg, winner.leg)
        bridge.start()
        await first_of(call.ended, winner.ended)
        bridge.stop()
        await winner.hang_up()

    def phone(self, identity, hz=440.0, **token) -> Phone:
        made = access_token(
            identity, **{"account": ACCOUNT, "key": KEY, "secret": SECRET, "application": APPLICATION} | token
        )
        phone = Phone(self._http, self._url, identity, made, self.phones_clock, hz)
        self._phones.append(phone)
        return phone


@contextlib.asynccontextmanager
async def switchboard(**options):
    """A running switchboard on a free port, everything closed at the end."""
    board = Switchboard(**options)
    app = web.Application()
    app.router.add_get("/signal", board.devices.serve)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    board._url = f"ws://127.0.0.1:{runner.addresses[0][1]}/signal"
    board._phones = []
    board.phones_clock = MediaClock()
    ticking = [asyncio.create_task(clock.run()) for clock in (board.clock, board.phones_clock)]
    async with aiohttp.ClientSession() as board._http:
        try:
            yield board
        finally:
            for phone in board._phones:
                await phone.close()
            await board.devices.close()
            await board.far_ends.close()
            await board.tasks.stop()
            for task in ticking:
                task.cancel()
            await runner.cleanup()


async def eventually(condition, seconds: float = 30.0):
    """Until the condition holds; its value. Raises AssertionError."""
    for _ in range(int(seconds / 0.02)):
        if value := condition():
            return value
        await asyncio.sleep(0.02)
    raise AssertionError("never came true")
