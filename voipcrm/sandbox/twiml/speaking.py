"""Say, Play, Pause: what the caller hears."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat
from xml.etree.ElementTree import Element

from voipcrm.sandbox.media.frames import Frame
from voipcrm.sandbox.media.speech import NotAudio, load_audio, speak
from voipcrm.sandbox.media.tones import dtmf
from voipcrm.sandbox.twiml.documents import Goto, text_of, whole
from voipcrm.sandbox.twiml.program import Program
from voipcrm.sandbox.twiml.sounds import SoundError

FOREVER = 1000  # loop="0": as often as Twilio repeats at most


async def say(program: Program, verb: Element) -> Goto | None:
    """<Say voice language loop>."""
    await program.answered()
    frames = await spoken(verb)
    await program.play(repeated(frames, verb))
    return None


async def play(program: Program, verb: Element) -> Goto | None:
    """<Play loop digits>: a sound file, or key tones."""
    await program.answered()
    frames = await sound(program, verb)
    if frames:
        await program.play(repeated(frames, verb))
    return None


async def pause(program: Program, verb: Element) -> Goto | None:
    """<Pause length>: seconds, 1 by default."""
    await program.answered()
    await program.pause(whole(verb, "length", 1, 1, 600))
    return None


async def spoken(verb: Element) -> list[Frame]:
    """The words of a <Say>; made in a thread, the media clock must not wait for it."""
    return await asyncio.to_thread(speak, text_of(verb), verb.get("voice"), verb.get("language"))


async def sound(program: Program, verb: Element) -> list[Frame]:
    """The frames of a <Play>; none (and a line in the debugger) when the file cannot be had."""
    if verb.get("digits"):
        return dtmf(verb.get("digits", ""))
    address = text_of(verb)
    if not address:
        program.warn(12200, "<Play> without an address")
        return []
    url = program.document.absolute(address)
    try:
        content = await program.exchange.sounds.fetch(url)
        return await asyncio.to_thread(load_audio, content)
    except SoundError as error:
        program.warn(11200, str(error))
    except NotAudio as error:
        program.warn(12300, f"{url} is {error}")
    return []


def repeated(frames: list[Frame], verb: Element) -> Iterator[Frame]:
    """As often as `loop` says; 0 goes on and on."""
    times = whole(verb, "loop", 1, 0, FOREVER) or FOREVER
    return chain.from_iterable(repeat(frames, times))
