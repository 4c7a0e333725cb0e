"""TwiML documents: what the provider is to do next with a leg.

Each function returns a whole document as text, ready to be sent as `text/xml`. Arguments are checked before they go
into the XML, so that a bad number is an error here (ValueError) and not "an application error has occurred" in a
caller's ear. Texts for people (announcements, parameter values) may hold anything; what XML cannot carry is dropped.

Source: Twilio, "TwiML for Programmable Voice": Dial, Number, Client, Conference, Gather, Play, Record,
Say, Reject, Hangup.
"""

import re
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

MAX_CLIENTS = 10  # nouns in one <Dial>; above that the provider refuses the document
MAX_SPOKEN_CHARACTERS = 4096
MAX_CALL_SECONDS = 14_400  # the provider's own default, written out so that nobody has to know it
LEG_EVENTS = "initiated ringing answered completed"
RECORDING_EVENTS = "in-progress completed absent"
CONFERENCE_EVENTS = "start end join leave mute hold"
# By default the provider tries a callback once and never again after a 5xx. Neither sent nor signed.
RETRIES = "#rc=5&rp=all"

SIP_USER = re.compile(r"[A-Za-z0-9+._-]{1,64}")
_SIP_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_IDENTITY = re.compile(r"[A-Za-z0-9_]{1,121}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_URL = re.compile(r"https?://[^\s<>\"\\^`{}|\x00-\x20\x7f]+")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def dial_number(
    *,
    number: str,
    caller_id: str,
    action_url: str,
    status_url: str,
    recording_url: str | None = None,
    ring_seconds: int = 30,
    time_limit_seconds: int = MAX_CALL_SECONDS,
    announcement: str = "",
    whisper_url: str | None = None,
) -> str:
    """Call `number` (E.164) and connect it, showing `caller_id` (E.164, one of the account's own or verified numbers).

    The caller keeps hearing ringing until the far end answers. Recorded only if `recording_url` is given.
    announcement: spoken to the caller first; that answers the call.
    whisper_url: TwiML that the far end hears once it answers, before the two are connected.
    """
    dial = _dial(
        caller_id=_e164(caller_id, "caller_id"),
        action_url=action_url,
        recording_url=recording_url,
        ring_seconds=ring_seconds,
        time_limit_seconds=time_limit_seconds,
    )
    noun = SubElement(dial, "Number", _whisper(whisper_url) | _leg_callbacks(status_url))
    noun.text = _e164(number, "number")
    return _document(*_said(announcement), dial)


def dial_sip(
    *,
    user: str,
    host: str,
    port: int,
    transport: str,
    username: str,
    password: str,
    caller_id: str,
    action_url: str,
    status_url: str,
    recording_url: str | None = None,
    ring_seconds: int = 30,
    time_limit_seconds: int = MAX_CALL_SECONDS,
    announcement: str = "",
    whisper_url: str | None = None,
) -> str:
    """Call `user` (E.164, or a name or extension there) at a SIP server and connect it; else as `dial_number`.

    transport: udp, tcp or tls. username: empty where the server knows the provider by its addresses. The document holds
    the password: it must not be logged.
    """
    dial = _dial(
        caller_id=_e164(caller_id, "caller_id"),
        action_url=action_url,
        recording_url=recording_url,
        ring_seconds=ring_seconds,
        time_limit_seconds=time_limit_seconds,
    )
    noun = SubElement(dial, "Sip", _whisper(whisper_url) | _leg_callbacks(status_url))
    if username:
        noun.set("username", _clean(username))
        noun.set("password", _clean(password))
    where = f"{_matching(_SIP_HOST, host, 'host')}:{_port(port)}"
    how = _matching(re.compile("udp|tcp|tls"), transport, "transport")
    noun.text = f"sip:{_matching(SIP_USER, user, 'user')}@{where};transport={how}"
    return _document(*_said(announcement), dial)


def dial_clients(
    *,
    identities: Sequence[str],
    caller_id: str,
    action_url: str,
    status_url: str,
    parameters: Mapping[str, str] | None = None,
    recording_url: str | None = None,
    ring_seconds: int = 20,
    time_limit_seconds: int = MAX_CALL_SECONDS,
    one_after_another: bool = False,
    announcement: str = "",
) -> str:
    """Ring 1 to 10 browsers, all at once unless `one_after_another`; the first to accept gets the call.

    caller_id: E.164, or `client:u_12` when a colleague calls. For a withheld number give the line that was called.
    parameters: what the browser's `customParameters` will hold (call, name, line, number).
    announcement: spoken to the caller first; that answers the call.
    """
    if not 1 <= len(identities) <= MAX_CLIENTS:
        raise ValueError(f"one to {MAX_CLIENTS} identities fit into one Dial")
    dial = _dial(
        caller_id=_e164_or_client(caller_id),
        action_url=action_url,
        recording_url=recording_url,
        ring_seconds=ring_seconds,
        time_limit_seconds=time_limit_seconds,
    )
    if one_after_another:
        dial.set("sequential", "true")
    for identity in identities:
        client = SubElement(dial, "Client", _leg_callbacks(status_url))
        SubElement(client, "Identity").text = _matching(_IDENTITY, identity, "identity")
        for name, value in (parameters or {}).items():
            SubElement(client, "Parameter", {"name": _matching(_NAME, name, "parameter name"), "value": _clean(value)})
    return _document(*_said(announcement), dial)


def dial_conference(
    *,
    name: str,
    caller_id: str,
    action_url: str,
    status_url: str,
    wait_url: str,
    recording_url: str | None = None,
    time_limit_seconds: int = MAX_CALL_SECONDS,
) -> str:
    """Put the leg into the conference `name`: a random id, for two calls with one name would be connected.

    wait_url: TwiML heard while alone in it. It ends for all when this leg leaves, as a plain call would.
    Recorded (always one channel) only if `recording_url` is given.
    """
    dial = Element(
        "Dial",
        {
            "callerId": _e164_or_client(caller_id),
            "action": _url(action_url),
            "method": "POST",
            "timeLimit": _seconds(time_limit_seconds, 1, 86_400),
        },
    )
    attributes = {
        "startConferenceOnEnter": "true",
        "endConferenceOnExit": "true",
        "beep": "false",
        "waitUrl": _url(wait_url),
        "waitMethod": "POST",
        "statusCallback": _callback(status_url),
        "statusCallbackMethod": "POST",
        "statusCallbackEvent": CONFERENCE_EVENTS,
    }
    if recording_url is not None:
        attributes["record"] = "record-from-start"
        attributes |= _recording_callbacks(recording_url)
    SubElement(dial, "Conference", attributes).text = _matching(_NAME, name, "name")
    return _document(dial)


def record_message(
    *,
    greeting: str,
    greeting_url: str | None = None,
    action_url: str,
    recording_url: str,
    most_seconds: int,
    nothing: str,
) -> str:
    """Greet, beep, and record what the caller says, until they hang up, press #, are silent for 5 s or `most_seconds`
    have passed; then `action_url` is asked. greeting_url: a sound file in place of the words. nothing: spoken, before
    the call ends, to a caller who said nothing."""
    attributes = {
        "maxLength": _seconds(most_seconds, 1, 3_600),
        "timeout": "5",
        "finishOnKey": "#",
        "playBeep": "true",
        "trim": "trim-silence",
        "action": _url(action_url),
        "method": "POST",
        "recordingStatusCallback": _callback(recording_url),
        "recordingStatusCallbackMethod": "POST",
        "recordingStatusCallbackEvent": "completed absent",
    }
    opening = _say(greeting)
    if greeting_url is not None:
        opening = Element("Play")
        opening.text = _url(greeting_url)
    return _document(opening, Element("Record", attributes), _say(nothing), Element("Hangup"))


def hold_music(*, url: str) -> str:
    """Play an audio file again and again as long as the leg waits, for a waitUrl is not asked a second time."""
    play = Element("Play", {"loop": "0"})
    play.text = _url(url)
    return _document(play)


def say_and_hang_up(*, text: str) -> str:
    """Speak a sentence, then end the leg. More than 4,096 characters are cut off."""
    return _document(_say(text), Element("Hangup"))


def say(*, text: str) -> str:
    """Speak a sentence, then go on: the whisper of a callee ends so, and the two are connected."""
    return _document(_say(text))


def ask_for_key(*, text: str, action_url: str) -> str:
    """Speak a question; the first key pressed, or none within 5 s of its end, goes to `action_url`."""
    attributes = {
        "input": "dtmf",
        "numDigits": "1",
        "timeout": "5",
        "action": _url(action_url),
        "method": "POST",
        "actionOnEmptyResult": "true",
    }
    gather = Element("Gather", attributes)
    gather.append(_say(text))
    return _document(gather)


def reject() -> str:
    """Refuse an incoming leg unanswered and unbilled: "not in service". Only as the first answer."""
    return _document(Element("Reject", {"reason": "rejected"}))


def pause(*, seconds: int) -> str:
    """Nothing is heard for that long."""
    return _document(Element("Pause", {"length": _seconds(seconds, 1, 600)}))


def hang_up() -> str:
    """End the leg."""
    return _document(Element("Hangup"))


def empty() -> str:
    """Nothing to do: after a Dial's action this ends the call."""
    return _document()


def _dial(
    *,
    caller_id: str,
    action_url: str,
    recording_url: str | None,
    ring_seconds: int,
    time_limit_seconds: int,
) -> Element:
    attributes = {
        # Never left out: a malformed inbound From would pass through and fail with 13214.
        "callerId": caller_id,
        "action": _url(action_url),
        "method": "POST",
        "answerOnBridge": "true",  # else the browser says "connected" while the far end still rings
        "timeout": _seconds(ring_seconds, 5, 600),
        "timeLimit": _seconds(time_limit_seconds, 1, 86_400),
    }
    if recording_url is not None:
        attributes["record"] = "record-from-answer-dual"  # the two sides in a channel each
        attributes |= _recording_callbacks(recording_url)
    return Element("Dial", attributes)


def _say(text: str) -> Element:
    spoken = Element("Say", {"language": "en-US"})
    spoken.text = _clean(text)[:MAX_SPOKEN_CHARACTERS]
    return spoken


def _said(text: str) -> list[Element]:
    return [_say(text)] if text else []


def _whisper(url: str | None) -> dict[str, str]:
    return {"url": _url(url), "method": "POST"} if url is not None else {}


def _leg_callbacks(status_url: str) -> dict[str, str]:
    return {
        "statusCallback": _callback(status_url),
        "statusCallbackMethod": "POST",
        "statusCallbackEvent": LEG_EVENTS,
    }


def _recording_callbacks(recording_url: str) -> dict[str, str]:
    return {
        "recordingStatusCallback": _callback(recording_url),
        "recordingStatusCallbackMethod": "POST",
        "recordingStatusCallbackEvent": RECORDING_EVENTS,
    }


def _document(*verbs: Element) -> str:
    response = Element("Response")
    response.extend(verbs)
    # The declaration must be the very first byte, and with UTF-8 named no intermediary has to guess.
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(response, encoding="unicode")


def _matching(pattern: re.Pattern[str], value: str, name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{name} is not of the form that the provider takes")
    return value


def _e164(value: str, name: str) -> str:
    return _matching(_E164, value, name)


def _e164_or_client(value: str) -> str:
    if isinstance(value, str) and value.startswith("client:"):
        return "client:" + _matching(_IDENTITY, value.removeprefix("client:"), "caller_id")
    return _e164(value, "caller_id")


def _url(value: str) -> str:
    return _matching(_URL, value, "URL")


def _callback(value: str) -> str:
    return _url(value) if "#" in value else _url(value) + RETRIES


def _seconds(value: int, least: int, most: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"seconds must be a whole number between {least} and {most}")
    return str(value)


def _port(value: int) -> str:
    if not 1 <= value <= 65_535:
        raise ValueError("a port is between 1 and 65535")
    return str(value)


def _clean(text: str) -> str:
    return _NOT_XML.sub("", str(text))
