"""<Record> (a message after the beep), <Start><Recording> and <Stop><Recording>."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

from voipcrm.sandbox.line import SaidOnly
from voipcrm.sandbox.media.tones import beep
from voipcrm.sandbox.recordings import ActiveRecording, Teller, teller
from voipcrm.sandbox.twiml.documents import Goto, flag, whole, words
from voipcrm.sandbox.twiml.gathering import wait_for_key
from voipcrm.sandbox.twiml.program import Program

ANY_KEY = "1234567890*#"
LOOK_EVERY_SECONDS = 0.1


def teller_of(program: Program, verb: Element) -> Teller:
    """The recordingStatusCallback attributes."""
    address = verb.get("recordingStatusCallback", "")
    return teller(
        program.document.absolute(address) if address else "",
        words(verb, "recordingStatusCallbackEvent"),
        verb.get("recordingStatusCallbackMethod", "POST").upper(),
    )


async def record(program: Program, verb: Element) -> Goto | None:
    """
    <Record maxLength timeout finishOnKey playBeep trim action method recordingStatusCallback>. Ends by a key,
    `timeout` seconds of silence (0: never), `maxLength` seconds or the hang-up. Without any sound the program goes
    on with the next verb; otherwise with the action, its Digits being the key or `hangup`.
    """
    await program.answered()
    if flag(verb, "playBeep", True):
        await program.play(beep())
    if not program.call.is_live:
        return None
    active = program.exchange.recordings.begin(
        call_sid=program.call.sid,
        channels=1,
        source="RecordVerb",
        teller=teller_of(program, verb),
        trim=verb.get("trim", "trim-silence") == "trim-silence",
    )
    tap = SaidOnly(active.recorder)
    try:
        program.line.alone()
        program.line.record(tap)
        key = await _until_finished(program, verb, active)
    finally:
        program.line.stop_recording(tap)
        row = active.stop()
    if row.error_code and program.call.is_live and not key:
        return None  # nothing was said
    goto = program.action(verb, active.fields() | {"Digits": key if program.call.is_live else "hangup"})
    if program.call.is_live:
        return goto
    await program.tell_action(goto)
    return None


async def _until_finished(program: Program, verb: Element, active: ActiveRecording) -> str:
    """The key that finished it, or empty."""
    silence_limit = whole(verb, "timeout", 5, 0, 3600)
    quiet = asyncio.Event()

    async def listen_for_silence() -> None:
        while not silence_limit or active.recorder.quiet_seconds < silence_limit:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        quiet.set()

    listening = asyncio.ensure_future(listen_for_silence())
    try:
        keys = verb.get("finishOnKey", ANY_KEY)
        return await wait_for_key(program, keys, quiet, whole(verb, "maxLength", 3600, 1, 14400))
    finally:
        listening.cancel()


async def start(program: Program, verb: Element) -> Goto | None:
    """<Start><Recording channels track recordingStatusCallback>: beside whatever the call does from now on."""
    for child in verb:
        if child.tag != "Recording":
            program.warn(12200, f"<Start><{child.tag}> is not built in the sandbox")
            continue
        await program.answered()
        program.exchange.record_call(
            program.call,
            channels=1 if child.get("channels") == "mono" else 2,
            source="StartCallRecordingTwiML",
            teller=teller_of(program, child),
        )
    return None


async def stop(program: Program, verb: Element) -> Goto | None:
    """<Stop><Recording>: the one that <Start> began last."""
    for child in verb:
        running = program.exchange.recordings_of(program.call)
        if child.tag == "Recording" and running:
            running[-1].stop()
        else:
            program.warn(12200, f"<Stop><{child.tag}> has nothing to stop")
    return None
