"""Participants of a conference: list, fetch, call in, hold, mute, coach, remove. Addressed by CallSid or label."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, SubElement

from aiohttp import web
from multidict import MultiMapping

from voipcrm.sandbox.calls import API_VERSION, Call
from voipcrm.sandbox.conferences import Conference, Participant
from voipcrm.sandbox.exchange import Exchange
from voipcrm.sandbox.parts import PARTS
from voipcrm.sandbox.rest.calls import callee_of, check_caller_id, outgoing
from voipcrm.sandbox.rest.conferences import conference_of
from voipcrm.sandbox.rest.forms import boolean, form_of, method_of, page, required, stamp
from voipcrm.sandbox.rest.guard import RestError, not_found
from voipcrm.sandbox.twiml.documents import Document, Goto
from voipcrm.sandbox.twiml.music import Music

# REST field -> attribute of <Conference>, whose meaning it has.
ATTRIBUTES = {
    "Label": "participantLabel",
    "Muted": "muted",
    "Beep": "beep",
    "StartConferenceOnEnter": "startConferenceOnEnter",
    "EndConferenceOnExit": "endConferenceOnExit",
    "WaitUrl": "waitUrl",
    "WaitMethod": "waitMethod",
    "MaxParticipants": "maxParticipants",
    "ConferenceRecord": "record",
    "ConferenceTrim": "trim",
    "ConferenceStatusCallback": "statusCallback",
    "ConferenceStatusCallbackMethod": "statusCallbackMethod",
    "ConferenceStatusCallbackEvent": "statusCallbackEvent",
    "ConferenceRecordingStatusCallback": "recordingStatusCallback",
    "ConferenceRecordingStatusCallbackMethod": "recordingStatusCallbackMethod",
    "ConferenceRecordingStatusCallbackEvent": "recordingStatusCallbackEvent",
    "CallSidToCoach": "coach",
}


def as_json(conference: Conference, participant: Participant) -> dict[str, Any]:
    """A Participant resource."""
    call = participant.call
    status = "connected" if participant.seated or call.answered.is_set() else "connecting"
    return {
        "account_sid": conference.account_sid,
        "api_version": API_VERSION,
        "call_sid": call.sid,
        "conference_sid": conference.sid,
        "label": participant.label or None,
        "status": status if call.is_live else "complete",
        "muted": participant.muted,
        "hold": participant.hold,
        "coaching": bool(participant.coaching),
        "call_sid_to_coach": participant.coaching or None,
        "start_conference_on_enter": participant.start_on_enter,
        "end_conference_on_exit": participant.end_on_exit,
        "queue_time": "0",
        "date_created": stamp(participant.joined_at),
        "date_updated": stamp(participant.updated_at),
        "uri": f"/{API_VERSION}/Accounts/{conference.account_sid}/Conferences/{conference.sid}"
        f"/Participants/{call.sid}.json",
    }


def participant_of(request: web.Request, conference: Conference) -> Participant:
    """By CallSid or label. Raises RestError 20404."""
    name = request.match_info["participant"]
    for participant in conference.participants.values():
        if name in (participant.call.sid, participant.label):
            return participant
    raise not_found(request)


async def list_(request: web.Request) -> web.Response:
    """GET all who are there: Muted, Hold, Coaching."""
    conference = conference_of(request)
    rows = list(conference.participants.values())
    for name, value_of in (
        ("Muted", lambda row: row.muted),
        ("Hold", lambda row: row.hold),
        ("Coaching", lambda row: bool(row.coaching)),
    ):
        if name in request.query:
            rows = [row for row in rows if value_of(row) == boolean(request.query, name)]
    return page(request, "participants", rows, lambda row: as_json(conference, row))


async def fetch(request: web.Request) -> web.Response:
    """GET one."""
    conference = conference_of(request)
    return web.json_response(as_json(conference, participant_of(request, conference)))


async def create(request: web.Request) -> web.Response:
    """POST From, To: calls someone in. The conference may be named and need not exist yet."""
    exchange = request.app[PARTS].exchange
    fields = await form_of(request)
    to = callee_of(fields)
    from_ = fields.get("CallerId") or required(fields, "From", 21213)
    check_caller_id(exchange, to, from_)
    name = request.match_info["conference"]
    known = exchange.conferences.rows.get(name)
    if name.startswith("CF") and len(name) == 34 and (known is None or not known.is_live):
        raise not_found(request)
    conference = known or exchange.conferences.enter(name)
    label = fields.get("Label", "")
    if label and any(other.label == label for other in conference.participants.values()):
        raise RestError(400, 16025, "Conference participant label already exists")
    call = exchange.originate(outgoing(fields, to=to, from_=from_, start=_joining(conference, fields)))
    _forget_if_empty(exchange, conference, call)
    placeholder = Participant(
        call=call,
        label=label,
        muted=boolean(fields, "Muted"),
        start_on_enter=boolean(fields, "StartConferenceOnEnter", True),
        end_on_exit=boolean(fields, "EndConferenceOnExit"),
    )
    return web.json_response(as_json(conference, placeholder) | {"status": "queued"}, status=201)


def _joining(conference: Conference, fields: MultiMapping[str]) -> Document:
    """The program of someone called in: <Dial><Conference>."""
    dial = Element("Dial")
    noun = SubElement(dial, "Conference")
    noun.text = conference.name
    for name, attribute in ATTRIBUTES.items():
        values = fields.getall(name, [])
        if values:
            noun.set(attribute, " ".join(values))
    return Document((dial,), "")


def _forget_if_empty(exchange: Exchange, conference: Conference, call: Call) -> None:
    """Who was called in never came, and nobody else did: the conference is over."""

    async def watch() -> None:
        await call.ended.wait()
        if not conference.participants:
            conference.end("last-participant-left")

    exchange.tasks.start(watch(), name=f"watch of {conference.sid}")


async def update(request: web.Request) -> web.Response:
    """POST Muted, Hold (+HoldUrl, HoldMethod), Coaching (+CallSidToCoach), EndConferenceOnExit, BeepOnExit."""
    exchange = request.app[PARTS].exchange
    conference = conference_of(request)
    participant = participant_of(request, conference)
    fields = await form_of(request)
    if fields.get("AnnounceUrl"):
        raise RestError(400, 20001, "AnnounceUrl is not built in the sandbox")
    coach = fields.get("CallSidToCoach") or participant.coaching
    coaching = boolean(fields, "Coaching", bool(fields.get("CallSidToCoach") or participant.coaching))
    if coaching and coach not in conference.participants:
        raise RestError(400, 20001, "CallSidToCoach is not in this conference")
    if "EndConferenceOnExit" in fields:
        participant.end_on_exit = boolean(fields, "EndConferenceOnExit")
    if "BeepOnExit" in fields:
        participant.beep = "onExit" if boolean(fields, "BeepOnExit") else "false"
    if "Muted" in fields:
        conference.set_muted(participant, boolean(fields, "Muted"))
    if "Hold" in fields:
        _hold(exchange, conference, participant, fields)
    if coaching != bool(participant.coaching) or (coaching and coach != participant.coaching):
        conference.set_coaching(participant, coach if coaching else "")
    return web.json_response(as_json(conference, participant))


def _hold(exchange: Exchange, conference: Conference, participant: Participant, fields: MultiMapping[str]) -> None:
    held = boolean(fields, "Hold")
    music = None
    if held and fields.get("HoldUrl"):
        where = {"ConferenceSid": conference.sid, "FriendlyName": conference.name}
        goto = Goto(fields["HoldUrl"], method_of(fields, "HoldMethod"), where)
        music = Music.from_document(exchange, participant.call, goto)
    conference.set_held(participant, held, music)


async def delete(request: web.Request) -> web.Response:
    """DELETE: out of the conference; the call goes on with what follows its <Dial>, or ends."""
    conference = conference_of(request)
    conference.remove(participant_of(request, conference))
    return web.Response(status=204)


ROUTES = [
    ("GET", "/Conferences/{conference}/Participants.json", list_),
    ("POST", "/Conferences/{conference}/Participants.json", create),
    ("GET", "/Conferences/{conference}/Participants/{participant}.json", fetch),
    ("POST", "/Conferences/{conference}/Participants/{participant}.json", update),
    ("DELETE", "/Conferences/{conference}/Participants/{participant}.json", delete),
]
