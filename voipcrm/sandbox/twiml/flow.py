"""Hangup, Reject, Redirect, Leave: where the program goes."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from voipcrm.sandbox.twiml.documents import Goto, text_of
from voipcrm.sandbox.twiml.program import Program


async def hangup(program: Program, _verb: Element) -> Goto | None:
    """<Hangup>."""
    await program.call.hang_up()
    return None


async def reject(program: Program, verb: Element) -> Goto | None:
    """<Reject reason="rejected|busy">: without answering; too late once answered, then it only hangs up."""
    busy = verb.get("reason") == "busy"
    if program.call.answered.is_set():
        await program.call.hang_up()
    elif busy:
        await program.call.hang_up("busy", error=(31486, "Busy Here"), sip_code=486)
    else:
        await program.call.hang_up("no-answer", error=(31603, "Decline"), sip_code=603)
    return None


async def redirect(program: Program, verb: Element) -> Goto | None:
    """<Redirect method>."""
    return Goto(program.document.absolute(text_of(verb)), verb.get("method", "POST").upper())


async def leave(program: Program, _verb: Element) -> Goto | None:
    """<Leave> in a wait document: out of the queue, on with what follows <Enqueue>."""
    if program.waiting:
        program.waiting.left.set()
    else:
        program.warn(12200, "<Leave> outside of a queue's waitUrl")
    return None
