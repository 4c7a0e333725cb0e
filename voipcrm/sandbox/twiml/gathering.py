"""<Gather>: digits from the keypad, while prompts play that the first digit cuts short."""

from __future__ import annotations

import asyncio
import math
from xml.etree.ElementTree import Element

from voipcrm.sandbox.tasks import first_of
from voipcrm.sandbox.twiml import speaking
from voipcrm.sandbox.twiml.documents import Goto, flag, whole
from voipcrm.sandbox.twiml.program import Program

PROMPTS = {"Say": speaking.say, "Play": speaking.play, "Pause": speaking.pause}


async def gather(program: Program, verb: Element) -> Goto | None:
    """
    <Gather numDigits timeout finishOnKey action method actionOnEmptyResult input>. Without digits the program goes
    on with the next verb, unless actionOnEmptyResult. `input` must contain dtmf (speech is not built).
    """
    await program.answered()
    if "dtmf" not in verb.get("input", "dtmf"):
        program.warn(12200, "<Gather> knows only input=dtmf in the sandbox")
    digits, finishing_key = await _digits(program, verb)
    if not program.call.is_live:
        return None
    if not digits and not flag(verb, "actionOnEmptyResult"):
        return None
    fields = {"Digits": digits, "msg": "Gather End"}
    if finishing_key:
        fields["FinishedOnKey"] = finishing_key
    return program.action(verb, fields)


async def _digits(program: Program, verb: Element) -> tuple[str, str]:
    """What was pressed, without the finishing key, and that key."""
    finish_on = verb.get("finishOnKey", "#")
    wanted = whole(verb, "numDigits", 0, 0, 1000) or math.inf
    timeout = whole(verb, "timeout", 5, 1, 600)
    keys = program.call.digits
    forget_keys(program)
    prompt = asyncio.ensure_future(_prompt(program, verb))
    got = ""
    try:
        while len(got) < wanted:
            # The time runs from the end of the prompt, or from the last digit.
            key = await _next_key(program, keys, None if got else prompt, timeout)
            if key is None:
                return got, ""
            prompt.cancel()
            program.line.silence()
            if finish_on and key in finish_on:
                return got, key
            got += key
        return got, ""
    finally:
        prompt.cancel()
        await asyncio.wait({prompt})


async def _prompt(program: Program, verb: Element) -> None:
    for child in verb:
        prompt = PROMPTS.get(child.tag)
        if prompt:
            await prompt(program, child)
        else:
            program.warn(12200, f"<{child.tag}> within <Gather>")


async def _next_key(
    program: Program, keys: asyncio.Queue[str], prompt: asyncio.Future[None] | None, timeout: float
) -> str | None:
    """The next key; None when the time is over or the caller has gone."""
    key = asyncio.ensure_future(keys.get())
    over = asyncio.ensure_future(program.call.ended.wait())
    try:
        if prompt is not None:
            await asyncio.wait({key, over, prompt}, return_when=asyncio.FIRST_COMPLETED)
        if not key.done() and not over.done():
            await asyncio.wait({key, over}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        return key.result() if key.done() and not over.done() else None
    finally:
        key.cancel()
        over.cancel()


def forget_keys(program: Program) -> None:
    """Those pressed before we asked."""
    while not program.call.digits.empty():
        program.call.digits.get_nowait()


async def wait_for_key(program: Program, among: str, until: asyncio.Event, timeout: float) -> str:
    """The first key of `among` from now on; empty when `until` is set, the call ends or `timeout` seconds pass."""
    forget_keys(program)
    pressed = asyncio.Event()
    found: list[str] = []

    async def listen() -> None:
        while True:
            key = await program.call.digits.get()
            if key in among:
                found.append(key)
                pressed.set()
                return

    listening = asyncio.ensure_future(listen())
    try:
        await first_of(pressed, until, program.call.ended, timeout=timeout)
        return found[0] if found else ""
    finally:
        listening.cancel()
