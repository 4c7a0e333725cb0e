"""The exchange: every call there is, who rings whom, and what each call is told to do."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from voipcrm.sandbox.addresses import normal
from voipcrm.sandbox.calls import Call, Endpoint
from voipcrm.sandbox.conferences import Conference, Conferences
from voipcrm.sandbox.farends.directory import FarEndDirectory
from voipcrm.sandbox.forking import Fork, Nobody
from voipcrm.sandbox.line import Line, line_of
from voipcrm.sandbox.media.clock import MediaClock
from voipcrm.sandbox.notifications import Notifications
from voipcrm.sandbox.queues import Queues
from voipcrm.sandbox.recordings import ActiveRecording, Recordings, Teller
from voipcrm.sandbox.signalling.devices import DeviceRegistry
from voipcrm.sandbox.sip_provider import LOOPBACK, verdict
from voipcrm.sandbox.status_callbacks import subscribe
from voipcrm.sandbox.store import Store, VoiceTarget
from voipcrm.sandbox.tasks import Tasks, first_of
from voipcrm.sandbox.twiml.documents import Document, Goto
from voipcrm.sandbox.twiml.program import Program
from voipcrm.sandbox.twiml.sounds import Sounds
from voipcrm.sandbox.twiml.verbs import VERBS
from voipcrm.sandbox.webhooks import Webhooks

log = logging.getLogger(__name__)

REMEMBERED_CALLS = 5000


@dataclass(frozen=True)
class Outgoing:
    """A call that REST asked for. `start` runs when it is answered; times in seconds."""

    to: str
    from_: str
    start: Goto | Document
    timeout: int = 60
    time_limit: int = 14400
    send_digits: str = ""
    status_url: str = ""
    status_method: str = "POST"
    status_events: tuple[str, ...] = ()
    fallback: tuple[str, str] = ("", "POST")
    record: Teller | None = None
    record_channels: int = 1


class Exchange:
    """Everything that the parts of the sandbox share. Ends report to their Call; programs and REST act here."""

    verbs = VERBS

    def __init__(
        self,
        *,
        account_sid: str,
        clock: MediaClock,
        store: Store,
        webhooks: Webhooks,
        notifications: Notifications,
        recordings: Recordings,
        devices: DeviceRegistry,
        far_ends: FarEndDirectory,
        tasks: Tasks,
    ) -> None:
        self.account_sid = account_sid
        self.sip_port = 0  # where the SIP provider of this process listens, once it does
        self.clock = clock
        self.store = store
        self.webhooks = webhooks
        self.notifications = notifications
        self.recordings = recordings
        self.devices = devices
        self.far_ends = far_ends
        self.tasks = tasks
        self.sounds = Sounds()
        self.conferences = Conferences(account_sid, clock, webhooks)
        self.queues = Queues()
        self.calls: dict[str, Call] = {}
        self._programs: dict[str, asyncio.Task[None]] = {}
        self._attached: dict[str, list[ActiveRecording]] = {}

    # Calls that come in.

    async def placed_by_browser(
        self, identity: str, endpoint: Endpoint, params: dict[str, str], application_sid: str
    ) -> Call:
        """A browser's connect(): the TwiML application answers. `params` arrive there unless they imitate Twilio's."""
        call = self._incoming(f"client:{identity}", params.get("To", ""), endpoint)
        call.custom, call.application_sid = dict(params), application_sid
        target = self.store.applications.get(application_sid)
        if target is None or not target.voice_url:
            self.notifications.add(21218, application_sid, call_sid=call.sid)
            self._later(call.hang_up("failed", error=(31404, "The TwiML application was not found")), call)
            return call
        own = call.webhook_fields()
        self._answer_by(call, target, {name: value for name, value in params.items() if name not in own})
        return call

    async def placed_by_far_end(self, from_: str, to: str, far_end: Endpoint) -> Call:
        """A telephone calls one of our numbers; a number that is not ours is refused (SIP 404)."""
        call = self._incoming(from_, normal(to), far_end)
        number = self.store.number_owned(call.to)
        target = self.store.target_of(number) if number else None
        if target is None or not target.voice_url:
            self._later(call.hang_up("failed", sip_code=404), call)
            return call
        if target.sid in self.store.applications:
            call.application_sid = target.sid
        if number and number.voice_caller_id_lookup:
            call.caller_name = "SANDBOX CALLER"
        self._answer_by(call, target, {"StirVerstat": "TN-Validation-Passed-A", "CallToken": ""})
        return call

    def _incoming(self, from_: str, to: str, endpoint: Endpoint) -> Call:
        call = Call(account_sid=self.account_sid, direction="inbound", from_=from_, to=to, endpoint=endpoint)
        call.place()
        self._remember(call)
        return call

    def _answer_by(self, call: Call, target: VoiceTarget, fields: Mapping[str, str]) -> None:
        call.fallback = (target.voice_fallback_url, target.voice_fallback_method)
        subscribe(call, self.webhooks, target.status_callback, method=target.status_callback_method)
        self.run(call, Goto(target.voice_url, target.voice_method, fields))

    # Calls that go out.

    def outgoing(
        self,
        kind: str,
        address: str,
        *,
        from_: str,
        to: str,
        parent: Call | None = None,
        custom: dict[str, str] | None = None,
        credentials: tuple[str, str] = ("", ""),
    ) -> Call:
        """A leg to a number, an identity or a SIP address, not ringing yet. `kind` is number, client or sip;
        `credentials` are user name and password for the last."""
        call = Call(
            account_sid=self.account_sid,
            direction="outbound-dial" if parent else "outbound-api",
            from_=from_,
            to=to,
            endpoint=self._end(kind, address, credentials),
            parent=parent,
            custom=custom,
        )
        self._remember(call)
        return call

    def _end(self, kind: str, address: str, credentials: tuple[str, str]) -> Endpoint:
        if kind == "client":
            devices: list[Endpoint] = [make() for make in self.devices.find(address)]
            return devices[0] if len(devices) == 1 else Fork(devices) if devices else Nobody()
        if kind == "sip":
            # sip:+15550100102@trunk.example: the user part chooses the simulated end, as a number would.
            address, _, server = re.sub(r"^sips?:", "", address).partition("@")
            code = self._sip_verdict(server, credentials)
            if code != 200:
                return Nobody("failed", code)
        return self.far_ends.endpoint_for(address)

    def _sip_verdict(self, server: str, credentials: tuple[str, str]) -> int:
        """The SIP code with which the server refuses a call of these credentials, or 200. On this machine there is our
        own provider and nothing else; names in .invalid lead nowhere (RFC 2606); all others take every call."""
        host, _, port = server.lower().partition(":")
        if host in LOOPBACK:
            return verdict(*credentials) if port == str(self.sip_port) else 503
        return 503 if host.endswith(".invalid") else 200

    def originate(self, wish: Outgoing) -> Call:
        """Rings `wish.to` in the background and runs its program once answered."""
        custom: dict[str, str] = {}
        if wish.to.startswith("client:"):
            to, _, query = wish.to.partition("?")  # client:ada?name=value hands the browser customParameters
            kind, address, custom = "client", to.removeprefix("client:"), dict(parse_qsl(query))
        elif wish.to.startswith(("sip:", "sips:")):
            kind, address, to = "sip", wish.to, wish.to
        else:
            kind, address, to = "number", normal(wish.to), normal(wish.to)
        call = self.outgoing(kind, address, from_=wish.from_, to=to, custom=custom)
        call.fallback = wish.fallback
        subscribe(call, self.webhooks, wish.status_url, events=wish.status_events, method=wish.status_method)
        self._later(self._originate(call, wish), call)
        return call

    async def _originate(self, call: Call, wish: Outgoing) -> None:
        call.announce()
        await call.endpoint.ring(call)
        if await first_of(call.answered, call.ended, timeout=wish.timeout) is None:
            await call.hang_up("no-answer")
        if not call.is_live:
            return
        if wish.record:
            self.record_call(call, channels=wish.record_channels, source="OutboundAPI", teller=wish.record)
        if wish.send_digits:
            await call.endpoint.send_digits(call, wish.send_digits)
        if call.sid not in self._programs and not call.departed.is_set():
            self.run(call, wish.start)
        self.limit(call, wish.time_limit)

    # What a call is told to do.

    def run(self, call: Call, start: Goto | Document) -> None:
        """The call's program from here; it must not have one."""
        program = Program(self, call)
        task = self.tasks.start(program.run(start), name=f"program of {call.sid}")
        self._programs[call.sid] = task
        task.add_done_callback(lambda done: self._program_over(call, done))

    def _program_over(self, call: Call, task: asyncio.Task[None]) -> None:
        if self._programs.get(call.sid) is task:
            del self._programs[call.sid]
        if not task.cancelled() and task.exception() is not None and call.is_live:
            # A defect of ours must not leave a caller in a silent call for ever.
            self._later(call.hang_up(error=(31000, "Sandbox failure")), call)

    async def redirect(self, call: Call, start: Goto | Document) -> None:
        """
        REST gives a live call other instructions. A callee leaves its <Dial> alive, whose action is then requested;
        a caller's own <Dial> ends and hangs up its callee.
        """
        call.departed.set()
        running = self._programs.pop(call.sid, None)
        if running:
            running.cancel()
            await asyncio.wait({running})
        if call.is_live:
            self.run(call, start)

    def limit(self, call: Call, seconds: float) -> None:
        """Hangs the call up when it still lives after that time."""

        async def watch() -> None:
            if await first_of(call.ended, timeout=seconds) is None:
                await call.hang_up()

        self._later(watch(), call)

    # Recordings.

    def record_call(self, call: Call, *, channels: int, source: str, teller: Teller) -> ActiveRecording:
        """Records a leg from now until it ends or someone stops it: channel 1 what it says, 2 what it hears."""
        active = self.recordings.begin(call_sid=call.sid, channels=channels, source=source, teller=teller)
        line = self.line_of(call)
        line.record(active.recorder)
        active.on_stop.append(lambda: line.stop_recording(active.recorder))
        self.attach(active, call)
        return active

    def attach(self, active: ActiveRecording, call: Call) -> None:
        """The recording belongs to this call: Twilio.CURRENT finds it, the end of the call stops it."""
        self._attached.setdefault(call.sid, []).append(active)

    def recordings_of(self, call: Call) -> list[ActiveRecording]:
        """Those that run, oldest first."""
        return [active for active in self._attached.get(call.sid, []) if active.row.is_running]

    def record_conference(self, conference: Conference, teller: Teller, *, trim: bool = False) -> None:
        """Everyone in one channel, from now until the conference ends."""
        active = self.recordings.begin(
            call_sid=None, conference_sid=conference.sid, channels=1, source="Conference", teller=teller, trim=trim
        )
        conference.recording = active
        conference.room.recorder = active.recorder

    # Small things that programs need.

    def subscribe(self, call: Call, address: str, events: Sequence[str], method: str) -> None:
        """A status callback for this call."""
        subscribe(call, self.webhooks, address, events=events, method=method)

    def line_of(self, call: Call) -> Line:
        """What the call's leg is joined to."""
        return line_of(call, self.clock)

    def _remember(self, call: Call) -> None:
        self.calls[call.sid] = call
        call.listeners.append(self._watch)
        if len(self.calls) > REMEMBERED_CALLS:
            over = next((known.sid for known in self.calls.values() if not known.is_live), None)
            if over:
                del self.calls[over]

    def _watch(self, call: Call, event: str) -> None:
        if event == "completed":
            for active in self._attached.pop(call.sid, []):
                active.stop()

    def _later(self, work: Coroutine[Any, Any, Any], call: Call) -> None:
        self.tasks.start(work, name=f"{getattr(work, '__name__', 'work')} of {call.sid}")
