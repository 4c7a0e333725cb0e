"""The JSON API of the softphone. Errors are {"error": {"code", "message"}}, the message fit to be shown."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, abort, jsonify, request
from flask_login import current_user

from voipcrm.accounts.models import Presence
from voipcrm.accounts.permissions import Can
from voipcrm.calls import history
from voipcrm.calls.callbacks import provider
from voipcrm.calls.holding import CannotHold, hold, resume
from voipcrm.calls.models import Call, Leg
from voipcrm.core.app import settings
from voipcrm.core.db import db, find
from voipcrm.core.gates import can, requires
from voipcrm.core.paging import cursor_of_request, page_of
from voipcrm.recordings.pausing import CannotPause, go_on, pause
from voipcrm.softphone.call_json import call_json, taken_json
from voipcrm.softphone.placing import Refused, place, place_internal
from voipcrm.telephony import tokens
from voipcrm.telephony.errors import LegGone, TelephonyError

LONGEST_PHONE_ID = 64
bp = Blueprint("softphone_api", __name__, url_prefix="/api/voip")


@bp.errorhandler(Refused)
def _refused(error: Refused) -> Any:
    return jsonify(error={"code": error.code, "message": error.sentence}), 422


@bp.errorhandler(CannotHold)
def _cannot_hold(error: CannotHold) -> Any:
    return jsonify(error={"code": "cannot_hold", "message": str(error)}), 409


@bp.errorhandler(CannotPause)
def _cannot_pause(error: CannotPause) -> Any:
    return jsonify(error={"code": "cannot_pause", "message": str(error)}), 409


@bp.post("/token")
@requires(Can.MAKE_CALLS, Can.RECEIVE_CALLS)
def token() -> Any:
    """What the browser needs to be a phone: a token that grants no more than the person's role, and Device options."""
    makes, receives = can(Can.MAKE_CALLS), can(Can.RECEIVE_CALLS)
    identity = tokens.identity(current_user.id)
    jwt = tokens.access_token(
        account_sid=settings.twilio_sid,
        api_key_sid=settings.twilio_api_key_sid,
        api_key_secret=settings.twilio_api_key_secret,
        identity=identity,
        ttl_seconds=settings.token_ttl_seconds,
        outgoing_application_sid=settings.twilio_app_sid if makes else None,
        incoming_allow=receives,
    )
    device = {"chunderw": "sandbox.invalid", "publishEvents": False} if settings.is_sandbox else {"edge": "roaming"}
    response = jsonify(token=jwt, identity=identity, ttl=settings.token_ttl_seconds, device=device)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/presence")
@requires(Can.RECEIVE_CALLS)
def presence() -> Any:
    """The heartbeat of this person's phone."""
    body = _body()
    state, phone = body.get("state"), body.get("phone", "")
    if state not in Presence.STATES:
        return _invalid("state", f"must be one of {', '.join(Presence.STATES)}")
    if not isinstance(phone, str) or len(phone) > LONGEST_PHONE_ID:
        return _invalid("phone", "must be a short text")
    Presence.report(current_user.id, state, phone=phone)
    db.session.commit()
    return Response(status=204)


@bp.post("/calls/outbound")
@requires(Can.MAKE_CALLS)
def outbound() -> Any:
    """Open a call to a number (`to`) or a colleague (`user_id`); the browser then connects with its id alone."""
    body = _body()
    if body.get("user_id") is not None:
        call = place_internal(current_user, colleague_id=_whole(body, "user_id") or 0)
    else:
        call = place(
            current_user,
            to=str(body.get("to") or ""),
            line_id=_whole(body, "line_id"),
            contact_id=_whole(body, "contact_id"),
        )
    db.session.commit()
    return jsonify(call=call_json(call, current_user), connect={"params": {"call": call.public_id}}), 201


@bp.get("/calls/history")
@requires(Can.VIEW_CALLS)
def list_history() -> Any:
    """The calls this person may see, newest first, with the filters of the page; `next` is the cursor of older ones."""
    query = history.filtered(Call.visible_to(current_user), history.Filters.of(request.args))
    page = page_of(Call.with_names(query), Call.started_at, Call.id, cursor=cursor_of_request())
    return jsonify(calls=[call_json(call, current_user) for call in page.rows], next=page.older, previous=page.newer)


@bp.get("/calls/<public_id>")
@requires(Can.VIEW_CALLS)
def show(public_id: str) -> Any:
    """A call that this person may see; of one that rang at their phone and that somebody else took, who that was."""
    visible = Call.visible_to(current_user).where(Call.public_id == public_id)
    call = db.session.scalars(Call.with_names(visible)).one_or_none()
    if call:
        return jsonify(call=call_json(call, current_user))
    rang_here = sa.exists().where(Leg.call_id == Call.id, Leg.user_id == current_user.id)
    taken = find(Call.with_names(sa.select(Call).where(rang_here)), public_id, by="public_id")
    return jsonify(call=taken_json(taken, current_user))


@bp.post("/calls/<public_id>/hold")
@requires(Can.VIEW_CALLS)
def begin_hold(public_id: str) -> Any:
    call = _mine(public_id)
    hold(call, by=current_user)
    return jsonify(call=call_json(call, current_user))


@bp.delete("/calls/<public_id>/hold")
@requires(Can.VIEW_CALLS)
def end_hold(public_id: str) -> Any:
    call = _mine(public_id)
    resume(call, by=current_user)
    return jsonify(call=call_json(call, current_user))


@bp.post("/calls/<public_id>/recording-pause")
@requires(Can.VIEW_CALLS)
def begin_pause(public_id: str) -> Any:
    """Keep what is said from now on out of the recording."""
    call = _mine(public_id)
    pause(call, by=current_user)
    return jsonify(call=call_json(call, current_user))


@bp.delete("/calls/<public_id>/recording-pause")
@requires(Can.VIEW_CALLS)
def end_pause(public_id: str) -> Any:
    call = _mine(public_id)
    go_on(call, by=current_user)
    return jsonify(call=call_json(call, current_user))


@bp.post("/calls/<public_id>/end")
@requires(Can.VIEW_CALLS)
def end(public_id: str) -> Any:
    """Hang up from here, for when the browser's own phone cannot."""
    call = _mine(public_id)
    sid = call.root_sid
    db.session.commit()
    if call.is_live and sid:
        try:
            provider().end_call(sid)
        except LegGone:
            pass  # it ended by itself meanwhile
        except TelephonyError as error:
            return jsonify(error={"code": "not_ended", "message": error.sentence}), 502
    return jsonify(call=call_json(call, current_user))


def _visible(public_id: str) -> Call:
    return find(Call.with_names(Call.visible_to(current_user)), public_id, by="public_id")


def _mine(public_id: str) -> Call:
    """A call in which this person talks; somebody else's is not found, whatever they may see."""
    call = _visible(public_id)
    if current_user.id not in {call.user_id, call.other_user_id}:
        abort(404)
    return call


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _whole(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not str(value).isdigit():
        raise Refused("invalid", f"{name} must be a whole number.")
    return int(value)


def _invalid(name: str, problem: str) -> Any:
    return jsonify(error={"code": "invalid", "message": f"{name} {problem}."}), 422
