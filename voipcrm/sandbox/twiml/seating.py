"""<Dial><Conference>: takes a seat, waits for the start, and stays until something ends it."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

from voipcrm.sandbox.conferences import Conference, Participant
from voipcrm.sandbox.media.tones import hold_music
from voipcrm.sandbox.tasks import first_of
from voipcrm.sandbox.twiml.documents import Goto, flag, text_of, whole, words
from voipcrm.sandbox.twiml.gathering import wait_for_key
from voipcrm.sandbox.twiml.program import Program
from voipcrm.sandbox.twiml.recording import teller_of

WAIT_VERBS = frozenset({"Say", "Play", "Pause", "Redirect"})
BEEPS = ("true", "false", "onEnter", "onExit")
FULL = 250


async def dial_conference(program: Program, dial: Element, noun: Element) -> dict[str, str]:
    """The fields of the Dial's action; as Twilio's they have neither DialCallSid nor DialCallDuration."""
    name = text_of(noun)
    if not name:
        program.warn(13325, "no name")
        return {"DialCallStatus": "failed", "DialBridged": "false"}
    await program.answered()
    if not program.call.is_live:
        return {"DialCallStatus": "canceled", "DialBridged": "false"}
    conference = program.exchange.conferences.enter(name)
    label = noun.get("participantLabel", "")
    if label and any(other.label == label for other in conference.participants.values()):
        program.warn(16025, label)
        return {"DialCallStatus": "failed", "DialBridged": "false"}
    if len(conference.participants) >= whole(noun, "maxParticipants", FULL, 1, FULL):
        program.warn(13320, name)
        return {"DialCallStatus": "failed", "DialBridged": "false"}
    _furnish(program, conference, noun)
    beep = noun.get("beep", "true")
    participant = Participant(
        call=program.call,
        label=label,
        muted=flag(noun, "muted"),
        beep=beep if beep in BEEPS else "true",
        start_on_enter=flag(noun, "startConferenceOnEnter", True),
        end_on_exit=flag(noun, "endConferenceOnExit"),
    )
    conference.add(participant)
    coached = noun.get("coach", "")
    if coached:
        if coached in conference.participants:
            conference.set_coaching(participant, coached)
        else:
            program.warn(12200, f"coach {coached} is not in this conference")
    try:
        await _wait_for_start(program, conference, participant, noun)
        if conference.is_live and program.call.is_live and not participant.left.is_set():
            program.line.sit_in(conference.room)
            conference.seat(participant)
            star = "*" if flag(dial, "hangupOnStar") else ""
            await wait_for_key(program, star, participant.left, whole(dial, "timeLimit", 14400, 1, 86400))
    finally:
        conference.remove(participant)
        if program.call.is_live:
            program.line.alone()
    return {"DialCallStatus": "answered", "DialBridged": "true" if participant.seated else "false"}


def _furnish(program: Program, conference: Conference, noun: Element) -> None:
    """What the first who asks for it decides for everyone: callbacks and recording."""
    address = noun.get("statusCallback", "")
    if address and not conference.callback[0]:
        method = noun.get("statusCallbackMethod", "POST").upper()
        conference.callback = (
            program.document.absolute(address),
            method,
            frozenset(words(noun, "statusCallbackEvent")),
        )
    if noun.get("record") in ("record-from-start", "true") and not conference.on_start and not conference.recording:
        teller = teller_of(program, noun)
        trim = noun.get("trim", "trim-silence") == "trim-silence"
        conference.on_start = lambda: program.exchange.record_conference(conference, teller, trim=trim)


async def _wait_for_start(program: Program, conference: Conference, participant: Participant, noun: Element) -> None:
    """Waiting music until there is someone to talk to."""
    if conference.started.is_set():
        return
    music = asyncio.ensure_future(_wait_music(program, noun))
    try:
        await first_of(conference.started, participant.left, program.call.ended)
    finally:
        music.cancel()
        await asyncio.gather(music, return_exceptions=True)
        program.line.silence()


async def _wait_music(program: Program, noun: Element) -> None:
    address = noun.get("waitUrl")
    if address is None:
        await program.play(hold_music())
    elif address:
        wait = Program(program.exchange, program.call, verbs=WAIT_VERBS)
        await wait.run_once(Goto(program.document.absolute(address), noun.get("waitMethod", "POST").upper()))
