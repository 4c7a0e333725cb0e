"""The program of a call: verbs of a document one after the other, and on to the next document."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from voipcrm.sandbox.calls import Call
from voipcrm.sandbox.line import Line, line_of
from voipcrm.sandbox.media.frames import Frame
from voipcrm.sandbox.media.speech import speak
from voipcrm.sandbox.twiml.documents import Document, DocumentError, Goto, fetch

if TYPE_CHECKING:
    from voipcrm.sandbox.exchange import Exchange
    from voipcrm.sandbox.queues import Waiting

APOLOGY = "We are sorry, an application error has occurred. Goodbye."
SHORTEST_LOOP_SECONDS = 1.0
NOT_BUILT = frozenset({"Connect", "Pay", "Refer", "Sms", "Prompt"})

Verb = Callable[["Program", Element], Awaitable[Goto | None]]


class Program:
    """
    Runs TwiML on one call. Cancelling it (REST gave the call other instructions) undoes what its verb was doing.
    `verbs` limits it for documents that only fill time (waitUrl) or screen a callee (Number url).
    """

    def __init__(self, exchange: Exchange, call: Call, *, verbs: frozenset[str] | None = None) -> None:
        self.exchange = exchange
        self.call = call
        self.document = Document((), "")
        self.waiting: Waiting | None = None  # the place in a queue that a wait document belongs to
        self._allowed = verbs

    @property
    def line(self) -> Line:
        """What the call's leg is joined to."""
        return line_of(self.call, self.exchange.clock)

    async def run(self, start: Goto | Document) -> None:
        """From the first document to the end of the call; the call is over when this returns."""
        step: Goto | Document | None = start
        try:
            while step is not None and self.call.is_live:
                step = await self.perform(step if isinstance(step, Document) else await self.fetched(step))
        except DocumentError as error:
            await self._apologise(error)
        await self.call.hang_up()

    async def run_once(self, start: Goto | Document) -> None:
        """Until the document, and those it redirects to, have no more verbs; the call stays as it is."""
        step: Goto | Document | None = start
        try:
            while step is not None and self.call.is_live:
                step = await self.perform(step if isinstance(step, Document) else await self.fetched(step, "wait"))
        except DocumentError as error:
            self._report(error)

    async def run_again_and_again(self, start: Goto) -> None:
        """Like `run_once`, from the start again each time; for waiting in a queue."""
        while self.call.is_live:
            began = time.monotonic()
            await self.run_once(start)
            # A document that plays nothing must not turn into a storm of requests.
            await asyncio.sleep(max(0.0, SHORTEST_LOOP_SECONDS - (time.monotonic() - began)))

    async def fetched(self, goto: Goto, purpose: str = "voice") -> Document:
        """The document, or that of the fallback address. Raises DocumentError when neither can be had."""
        fields = self.call.webhook_fields()
        try:
            return await fetch(self.exchange.webhooks, goto, fields, purpose)
        except DocumentError as error:
            address, method = self.call.fallback
            if not address or goto.url == address:
                raise
            self._report(error)
            again = Goto(address, method, {**goto.fields, "ErrorCode": str(error.code), "ErrorUrl": goto.url})
            return await fetch(self.exchange.webhooks, again, fields, "fallback")

    async def perform(self, document: Document) -> Goto | None:
        """Its verbs in order, until one leads elsewhere or the call ends; None at the end."""
        self.document = document
        for element in document.verbs:
            if not self.call.is_live:
                return None
            verb = self.exchange.verbs.get(element.tag)
            if verb is None or (self._allowed is not None and element.tag not in self._allowed):
                detail = "is not built in the sandbox" if element.tag in NOT_BUILT else "is not a verb here"
                self.warn(12200, f"<{element.tag}> {detail}")
                continue
            step = await verb(self, element)
            if step is not None:
                return step
        return None

    async def answered(self) -> None:
        """Answers the call if it is not."""
        await self.call.answer()

    async def play(self, frames: Iterable[Frame]) -> None:
        """To the caller; returns when it is played out, interrupted or the call is over."""
        await self.line.play(frames)

    async def pause(self, seconds: float) -> None:
        """Silence, cut short by the end of the call."""
        await self.line.pause(seconds)

    def warn(self, code: int, detail: str) -> None:
        """A line in the debugger."""
        self.exchange.notifications.add(
            code, detail, call_sid=self.call.sid, url=self.document.url, level="warning" if code == 12200 else "error"
        )

    def action(self, verb: Element, fields: dict[str, str]) -> Goto:
        """Where the verb's `action` leads: the document itself when it names none."""
        return Goto(self.document.absolute(verb.get("action", "")), verb.get("method", "POST").upper(), fields)

    async def tell_action(self, goto: Goto) -> None:
        """The action of a verb whose caller has hung up: requested, its answer not run."""
        self.exchange.webhooks.notify(
            goto.url,
            self.call.webhook_fields() | dict(goto.fields),
            purpose="action after hang-up",
            order_key=self.call.sid,
            method=goto.method,
        )

    def _report(self, error: DocumentError) -> None:
        if not error.reported:
            self.exchange.notifications.add(error.code, error.detail, call_sid=self.call.sid, url=error.url)

    async def _apologise(self, error: DocumentError) -> None:
        self._report(error)
        await self.answered()
        await self.play(await asyncio.to_thread(speak, APOLOGY))
