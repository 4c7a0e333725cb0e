"""<Dial> to numbers, browsers and SIP: rings them, joins the first who answers, tells the action how it went."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.media.tones import ringback
from voipcrm.sandbox.recordings import ActiveRecording
from voipcrm.sandbox.tasks import first_of
from voipcrm.sandbox.twiml.callees import Callee, callees_of
from voipcrm.sandbox.twiml.documents import Goto, flag, whole
from voipcrm.sandbox.twiml.gathering import wait_for_key
from voipcrm.sandbox.twiml.program import Program
from voipcrm.sandbox.twiml.recording import teller_of
from voipcrm.sandbox.twiml.seating import dial_conference
from voipcrm.sandbox.twiml.waiting import dial_queue

RECORD = {
    "true": ("answer", 1),
    "record-from-answer": ("answer", 1),
    "record-from-answer-dual": ("answer", 2),
    "record-from-ringing": ("ringing", 1),
    "record-from-ringing-dual": ("ringing", 2),
}
SCREENING = frozenset({"Say", "Play", "Pause", "Gather", "Hangup", "Redirect"})
DIGIT_SECONDS = 0.24


async def dial(program: Program, verb: Element) -> Goto | None:
    """<Dial>: the program goes on with the action, or with the next verb if there is none."""
    conference, queue = verb.find("Conference"), verb.find("Queue")
    if conference is not None:
        fields = await dial_conference(program, verb, conference)
    elif queue is not None:
        fields = await dial_queue(program, verb, queue)
    else:
        fields = await Dial(program, verb).run()
    if not verb.get("action"):
        return None
    goto = program.action(verb, fields)
    if program.call.is_live:
        return goto
    await program.tell_action(goto)
    return None


@dataclass
class Child:
    """A leg that this <Dial> made."""

    call: Call
    callee: Callee


class Dial:
    """One run of the verb."""

    def __init__(self, program: Program, verb: Element) -> None:
        self.program = program
        self.exchange = program.exchange
        self.parent = program.call
        self.verb = verb
        self.timeout = whole(verb, "timeout", 30, 1, 600)
        self.time_limit = whole(verb, "timeLimit", 14400, 1, 86400)
        self.children: list[Child] = []
        self.recording: ActiveRecording | None = None
        self.ringback: asyncio.Task[None] | None = None
        self.bridged = False

    async def run(self) -> dict[str, str]:
        """The fields of the action request. Leaves no leg ringing, also when it is cancelled."""
        callees = list(callees_of(self.program, self.verb))
        try:
            await self._greet()
            winner = None
            groups = [[callee] for callee in callees] if flag(self.verb, "sequential") else [callees]
            for group in groups:
                if self.parent.is_live and winner is None:
                    winner = await self._ring(group)
            if winner is None or not await self._screened(winner):
                return self._outcome(winner)
            await self._talk(winner)
            return self._outcome(winner)
        finally:
            self._stop_recording()
            await self._release()

    async def _greet(self) -> None:
        """What the caller hears meanwhile: ringback, as early media if the answer waits for the callee."""
        if flag(self.verb, "answerOnBridge"):
            await self.parent.endpoint.progress(self.parent)
        else:
            await self.program.answered()
        when, _ = RECORD.get(self.verb.get("record", ""), ("", 0))
        if when == "ringing":
            self._start_recording()
        self.ringback = self.exchange.tasks.start(
            self.program.line.play(ringback()), name=f"ringback of {self.parent.sid}"
        )

    async def _stop_ringback(self) -> None:
        """Cancelled, not silenced: while it waits for media it could still take the leg out of the bridge."""
        if self.ringback:
            self.ringback.cancel()
            await asyncio.gather(self.ringback, return_exceptions=True)
        self.program.line.silence()

    async def _ring(self, callees: list[Callee]) -> Child | None:
        """Rings all at once; the first who answers, or None. Those who lost have stopped ringing."""
        group = [child for callee in callees if (child := self._make(callee))]
        self.children += group
        for child in group:
            child.call.announce()
            self.exchange.tasks.start(child.call.endpoint.ring(child.call), name=f"ringing {child.call.to}")
        winner = await self._first_answer(group)
        for child in group:
            if child is not winner and child.call.is_live:
                if child.call.answered.is_set():  # a moment after the winner
                    await child.call.hang_up()
                else:
                    lost = winner is not None or self.parent.is_live
                    await child.call.hang_up("no-answer" if lost else "canceled", sip_code=487)
        return winner

    async def _first_answer(self, group: list[Child]) -> Child | None:
        waits = {asyncio.ensure_future(first_of(child.call.answered, child.call.ended)): child for child in group}
        over = asyncio.ensure_future(self.parent.ended.wait())
        ends_at = asyncio.get_running_loop().time() + self.timeout
        pending: set[asyncio.Future[Any]] = {*waits, over}
        try:
            while len(pending) > 1 and not over.done():
                left = ends_at - asyncio.get_running_loop().time()
                done, pending = await asyncio.wait(pending, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    return None
                for child in group:
                    if child.call.answered.is_set() and child.call.is_live:
                        return child
            return None
        finally:
            for task in (*waits, over):
                task.cancel()

    def _make(self, callee: Callee) -> Child | None:
        caller_id = self._caller_id(callee)
        if caller_id is None:
            return None
        call = self.exchange.outgoing(
            callee.kind,
            callee.address,
            from_=caller_id,
            to=callee.to,
            parent=self.parent,
            custom=callee.custom,
            credentials=(callee.username, callee.password),
        )
        self.exchange.subscribe(call, callee.status_url, callee.status_events, callee.status_method)
        return Child(call, callee)

    def _caller_id(self, callee: Callee) -> str | None:
        """What the callee sees; None (and a line in the debugger) when the network would refuse it."""
        shown = self.verb.get("callerId", "").strip() or self.parent.from_
        allowed = callee.kind != "number" or shown == self.parent.from_ or self.exchange.store.may_show(shown)
        if not allowed or (callee.kind == "number" and not shown.startswith("+")):
            self.program.warn(13214, f"{shown or 'nothing'} is not a number of this account")
            return None
        return shown

    async def _screened(self, winner: Child) -> bool:
        """The callee's own document and key tones before the two are joined; False when that was the end of it."""
        if winner.callee.screen:
            screening = Program(self.exchange, winner.call, verbs=SCREENING)
            run = asyncio.ensure_future(screening.run_once(winner.callee.screen))
            over = asyncio.ensure_future(first_of(self.parent.ended, winner.call.departed))
            try:
                await asyncio.wait({run, over}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                over.cancel()
                run.cancel()
                await asyncio.wait({run})
        if winner.callee.send_digits and winner.call.is_live:
            await winner.call.endpoint.send_digits(winner.call, winner.callee.send_digits)
        return winner.call.is_live and self.parent.is_live

    async def _talk(self, winner: Child) -> None:
        """Joined, until one hangs up, REST takes the callee away, the time is over or the caller presses *."""
        await self._stop_ringback()
        await self.program.answered()
        if not self.parent.is_live or not winner.call.is_live or winner.call.departed.is_set():
            return
        when, channels = RECORD.get(self.verb.get("record", ""), ("", 0))
        if when == "answer":
            self._start_recording(channels)
        tap = [self.recording.recorder] if self.recording else []
        if self.recording:
            self.program.line.stop_recording(self.recording.recorder)  # from now on the bridge feeds it
        self.program.line.bridge_to(self.exchange.line_of(winner.call), *tap)
        self.bridged = True
        over = asyncio.Event()
        waiting = asyncio.ensure_future(first_of(winner.call.departed, winner.call.ended, self.parent.ended))
        waiting.add_done_callback(lambda _: over.set())
        try:
            star = "*" if flag(self.verb, "hangupOnStar") else ""
            await wait_for_key(self.program, star, over, self.time_limit)
        finally:
            waiting.cancel()
            if self.parent.is_live:
                self.program.line.alone()

    def _start_recording(self, channels: int | None = None) -> None:
        self.recording = self.exchange.recordings.begin(
            call_sid=self.parent.sid,
            channels=channels or RECORD[self.verb.get("record", "")][1],
            source="DialVerb",
            teller=teller_of(self.program, self.verb),
            trim=self.verb.get("trim") == "trim-silence",
        )
        self.exchange.attach(self.recording, self.parent)
        if channels is None:
            self.program.line.record(self.recording.recorder)

    def _stop_recording(self) -> None:
        if self.recording:
            self.program.line.stop_recording(self.recording.recorder)
            self.recording.stop()

    async def _release(self) -> None:
        """Hangs up every leg of ours that REST has not taken over."""
        await self._stop_ringback()
        for child in self.children:
            if child.call.is_live and not child.call.departed.is_set():
                await child.call.hang_up()

    def _outcome(self, winner: Child | None) -> dict[str, str]:
        self._stop_recording()
        fields = {"DialCallStatus": self._status(winner), "DialBridged": "true" if self.bridged else "false"}
        child = winner or (self.children[-1] if self.children else None)
        if child:
            fields["DialCallSid"] = child.call.sid
            if child.callee.kind == "sip":
                fields["DialSipResponseCode"] = str(200 if winner else child.call.sip_code)
        if winner and not winner.call.departed.is_set():
            fields["DialCallDuration"] = str(winner.call.seconds)
        if self.recording:
            fields |= self.recording.fields()
        return fields

    def _status(self, winner: Child | None) -> str:
        if winner:
            return "completed"
        if not self.parent.is_live:
            return "canceled"
        ends = {child.call.status for child in self.children}
        if not ends:
            return "failed"
        # With several callees the one who might still have answered says most.
        return next(status for status in ("no-answer", "busy", "failed", "canceled", "completed") if status in ends)
