"""How many bridged calls the sandbox carries on one core.

    python bench/sandbox_load.py                 # 10 calls, the promise: no tick lost
    python bench/sandbox_load.py --calls 5 10 20 --seconds 20

Starts a sandbox of its own, pinned to the first core, and clients (tests/sandbox/phone.py) on the others. Each call is
two WebRTC legs, bridged and recorded in two channels, with TwiML fetched over a signed webhook. Prints a line per step
and exits 1 if a tick was lost, or a caller did not hear the other's tone, at the last number of calls.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
from aiohttp import web

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "sandbox")]

from phone import Phone, PhoneCall, access_token  # noqa: E402

from voipcrm.sandbox.media.clock import MediaClock  # noqa: E402

ACCOUNT, KEY, APPLICATION = "AC" + "1" * 32, "SK" + "2" * 32, "AP" + "3" * 32
SECRET = "a bench secret of at least 32 bytes"
LOWEST_HZ = 300
STEP_HZ = 50
"""Every leg has a tone of its own, so that a crossed line shows."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def voice(request: web.Request) -> web.Response:
    """The application: dial whom the browser asked for, recorded."""
    fields = await request.post()
    client = f"<Client>{fields['To'].removeprefix('client:')}</Client>"
    dial = f'<Dial answerOnBridge="true" record="record-from-answer-dual">{client}</Dial>'
    return web.Response(text=f"<Response>{dial}</Response>", content_type="text/xml")


async def nothing(_request: web.Request) -> web.Response:
    return web.Response(status=204)


@contextlib.asynccontextmanager
async def application():
    app = web.Application()
    app.router.add_post("/voip/webhook/twilio/voice", voice)
    app.router.add_post("/voip/webhook/twilio/status", nothing)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def sandbox(app_url: str, folder: str, core: int | None):
    """The process and its address; stopped by TERM at the end."""
    environment = os.environ | {
        "VOIP_PROVIDER": "sandbox",
        "TWILIO_SID": ACCOUNT,
        "TWILIO_TOKEN": "a webhook token",
        "TWILIO_API_KEY_SID": KEY,
        "TWILIO_API_KEY_SECRET": SECRET,
        "TWILIO_APP_SID": APPLICATION,
        "TWILIO_NUMBER": "+15550100000",
        "PUBLIC_BASE_URL": app_url,
        "SANDBOX_PORT": str(free_port()),
        "DATA_DIR": folder,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "voipcrm.sandbox", env=environment, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        if "ready" not in line:
            raise SystemExit(f"the sandbox did not start: {line}")
        yield process.pid, f"http://127.0.0.1:{environment['SANDBOX_PORT']}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far; nan where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid: int) -> float:
    """How long the main thread was ready but had no core, because others used it; nan where it cannot be told."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return float("nan")


class Load:
    """Calls between pairs of phones, added step by step."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.clock = MediaClock()
        self.calls: list[PhoneCall] = []
        self._http, self._url = http, url.replace("http", "ws") + "/signal"

    async def phone(self, number: int) -> Phone:
        identity = f"u_{number}"
        token = access_token(identity, account=ACCOUNT, key=KEY, secret=SECRET, application=APPLICATION)
        hz = LOWEST_HZ + STEP_HZ * number
        return await Phone(self._http, self._url, identity, token, self.clock, hz).register()

    async def add_call(self) -> None:
        number = len(self.calls)
        caller, callee = await self.phone(number), await self.phone(number + 1)
        outgoing = await caller.connect(To=f"client:{callee.identity}")
        incoming = await callee.next_incoming(20)
        await incoming.accept()
        await outgoing.until("open", seconds=20)
        self.calls += [outgoing, incoming]

    def deaf(self) -> list[str]:
        """Who does not hear the tone of the other end."""
        pairs = zip(self.calls[::2], self.calls[1::2], strict=True)
        both = [pair for outgoing, incoming in pairs for pair in ((outgoing, incoming), (incoming, outgoing))]
        return [
            f"{here.phone.identity} hears {here.ear.latest}"
            for here, there in both
            if here.ear.latest is None or abs(here.ear.latest.hz - there.phone.hz) > 5
        ]


async def measure(load: Load, http: aiohttp.ClientSession, url: str, pid: int, seconds: float) -> tuple[int, list[str]]:
    """Prints one line; (ticks lost, who hears nothing)."""

    async def clock() -> dict:
        async with http.get(url + "/control/state?brief=1") as answer:
            return (await answer.json())["clock"]

    def counts() -> tuple[int, int]:
        jitter = [call.leg.jitter for call in load.calls]
        return sum(each.received for each in jitter), sum(each.concealed for each in jitter)

    await asyncio.sleep(2)
    before, (packets, concealed), began = await clock(), counts(), time.monotonic()
    cpu, waited = cpu_seconds(pid), waited_seconds(pid)
    await asyncio.sleep(seconds)
    after, (packets_then, concealed_then), elapsed = await clock(), counts(), time.monotonic() - began
    waited = waited_seconds(pid) - waited
    used = (cpu_seconds(pid) - cpu) / elapsed
    bridged, legs = len(load.calls) // 2, len(load.calls)
    lost = after["lost"] - before["lost"]
    ticks = (after["ticks"] - before["ticks"]) / elapsed
    print(
        f"{bridged:3d} calls  {legs:3d} legs  ticks/s {ticks:5.2f}  lost {lost}  "
        f"late {after['late'] - before['late']:3d}  worst lag {after['lag_max_ms']:.0f} ms  "
        f"frames/leg/s {(packets_then - packets) / legs / elapsed:5.2f}  "
        f"concealed {100 * (concealed_then - concealed) / max(packets_then - packets, 1):.2f} %  "
        f"core {100 * used:.1f} %  per call {100 * used / bridged:.2f} %  "
        f"waited for the core {1000 * waited:.0f} ms",
        flush=True,
    )
    return lost, load.deaf()


def main(steps: Sequence[int] = (10,), seconds: float = 10.0) -> bool:
    """True when no tick was lost and everyone was heard at the last step. Calls; seconds measured at each step."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if len(cores) < 2:  # one core only, or a system that does not pin: the clients share it
        return asyncio.run(measured(steps, seconds, None))
    os.sched_setaffinity(0, cores - {min(cores)})
    try:
        return asyncio.run(measured(steps, seconds, min(cores)))
    finally:
        os.sched_setaffinity(0, cores)


async def measured(steps: Sequence[int], seconds: float, core: int | None) -> bool:
    lost, deaf = 0, []
    with tempfile.TemporaryDirectory() as folder:
        async with (
            application() as app_url,
            sandbox(app_url, folder, core) as (pid, url),
            aiohttp.ClientSession() as http,
        ):
            load = Load(http, url)
            ticking = asyncio.create_task(load.clock.run())
            for step in sorted(steps):
                while len(load.calls) < 2 * step:
                    await load.add_call()
                lost, deaf = await measure(load, http, url, pid, seconds)
            for call in load.calls:
                await call.phone.close()
            ticking.cancel()
    for problem in deaf:
        print(f"wrong: {problem}")
    legs = len(load.calls)
    verdict = "no tick lost" if not lost else f"{lost} ticks lost"
    print(f"{max(steps)} bridged calls on one core: {verdict}, {legs - len(deaf)} of {legs} legs heard")
    return not lost and not deaf


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[10], metavar="N", help="bridged calls, in steps")
    parser.add_argument("--seconds", type=float, default=10, help="measured at each step")
    chosen = parser.parse_args()
    raise SystemExit(0 if main(chosen.calls, chosen.seconds) else 1)
