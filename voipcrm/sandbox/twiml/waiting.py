"""<Enqueue>, which waits in a queue, and <Dial><Queue>, which takes the caller who has waited longest."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

from voipcrm.sandbox.media.tones import hold_music, ringback
from voipcrm.sandbox.queues import Queue, Waiting
from voipcrm.sandbox.tasks import first_of
from voipcrm.sandbox.twiml.documents import Goto, text_of, whole
from voipcrm.sandbox.twiml.program import Program

WAIT_VERBS = frozenset({"Say", "Play", "Pause", "Redirect", "Gather", "Hangup", "Leave"})
WHISPER_VERBS = frozenset({"Say", "Play", "Pause", "Redirect"})


async def enqueue(program: Program, verb: Element) -> Goto | None:
    """<Enqueue waitUrl waitUrlMethod action method>; the action's QueueResult says how the waiting ended."""
    await program.answered()
    queue = program.exchange.queues.named(text_of(verb))
    if queue.is_full:
        return _left(program, verb, queue, "queue-full", 0)
    place = queue.add(program.call)
    result = "hangup"
    try:
        await _wait(program, verb, queue, place)
        if place.taken.is_set() and program.call.is_live:
            result = "bridged"
            place.ready.set()
            await first_of(place.released, program.call.ended)
        elif place.left.is_set():
            result = "leave"
    finally:
        queue.remove(place)
        place.left.set()
        if program.call.is_live:
            program.line.alone()
    goto = _left(program, verb, queue, result, place.seconds)
    if program.call.is_live:
        return goto
    if goto:
        await program.tell_action(goto)
    return None


def _left(program: Program, verb: Element, queue: Queue, result: str, seconds: int) -> Goto | None:
    if not verb.get("action"):
        return None
    return program.action(verb, {"QueueResult": result, "QueueSid": queue.sid, "QueueTime": str(seconds)})


async def _wait(program: Program, verb: Element, queue: Queue, place: Waiting) -> None:
    music = asyncio.ensure_future(_music(program, verb, queue, place))
    try:
        await first_of(place.taken, place.left, program.call.ended)
    finally:
        music.cancel()
        await asyncio.gather(music, return_exceptions=True)
        program.line.silence()


async def _music(program: Program, verb: Element, queue: Queue, place: Waiting) -> None:
    address = verb.get("waitUrl", "")
    if not address:
        await program.play(hold_music())
        return
    wait = Program(program.exchange, program.call, verbs=WAIT_VERBS)
    wait.waiting = place
    fields = {
        "QueueSid": queue.sid,
        "QueuePosition": str(queue.waiting.index(place) + 1 if place in queue.waiting else 1),
        "QueueTime": str(place.seconds),
        "CurrentQueueSize": str(len(queue.waiting)),
    }
    method = verb.get("waitUrlMethod", "POST").upper()
    await wait.run_again_and_again(Goto(program.document.absolute(address), method, fields))


async def dial_queue(program: Program, dial: Element, noun: Element) -> dict[str, str]:
    """The fields of the Dial's action. The queued caller first hears the noun's `url`, if it has one."""
    await program.answered()
    queue = program.exchange.queues.named(text_of(noun))
    ringing = asyncio.ensure_future(program.line.play(ringback()))
    try:
        place = await queue.next(whole(dial, "timeout", 30, 1, 600), program.call.ended)
    finally:
        ringing.cancel()
        await asyncio.gather(ringing, return_exceptions=True)
        program.line.silence()
    if place is None:
        status = "no-answer" if program.call.is_live else "canceled"
        return {"DialCallStatus": status, "DialBridged": "false"}
    caller = place.call
    bridged = False
    try:
        await first_of(place.ready, place.left, program.call.ended)
        await _whisper(program, noun, place)
        if caller.is_live and program.call.is_live:
            program.line.bridge_to(program.exchange.line_of(caller))
            bridged = True
            limit = whole(dial, "timeLimit", 14400, 1, 86400)
            await first_of(caller.ended, place.left, program.call.ended, timeout=limit)
    finally:
        place.released.set()
        if program.call.is_live:
            program.line.alone()
    return {
        "DialCallStatus": "completed",
        "DialCallSid": caller.sid,
        "DialCallDuration": str(caller.seconds),
        "DialBridged": "true" if bridged else "false",
    }


async def _whisper(program: Program, noun: Element, place: Waiting) -> None:
    address = noun.get("url", "")
    if not address:
        return
    whisper = Program(program.exchange, place.call, verbs=WHISPER_VERBS)
    goto = Goto(program.document.absolute(address), noun.get("method", "POST").upper())
    run = asyncio.ensure_future(whisper.run_once(goto))
    over = asyncio.ensure_future(program.call.ended.wait())
    try:
        await asyncio.wait({run, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.cancel()
        run.cancel()
        await asyncio.wait({run})
