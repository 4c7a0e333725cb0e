"""Mailboxes, and a provider that records what a caller says."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
import services
from cast import SALES
from webhooks.conftest import HOOKS, provider

from voipcrm.core.db import db
from voipcrm.routes.mailboxes import Mailbox
from voipcrm.routes.models import GroupMember, InboundRoute, RingGroup, RouteStep

__all__ = ["provider"]

CALLER = "+14155550108"


@pytest.fixture
def mailbox(app, cast) -> Callable[..., int]:
    """mailbox("ada") or mailbox("ada", "bo"): the sales line takes messages for her, or for a group; its id."""

    def make(*who: str, name: str = "Sales box", **values) -> int:
        owners = [getattr(cast, one).id for one in who]
        with app.app_context():
            box = Mailbox(name=name, **values)
            if len(owners) == 1:
                box.user_id = owners[0]
            else:
                box.group = RingGroup(name=f"Crew of {name}", members=[GroupMember(user_id=one) for one in owners])
            for route in db.session.scalars(InboundRoute.in_order()):
                db.session.delete(route)
            route = InboundRoute(line_id=cast.sales_id, description="Sales")
            route.steps = [RouteStep(kind="voicemail", mailbox=box)]
            db.session.add(route)
            db.session.commit()
            return box.id

    return make


@pytest.fixture
def leave(provider, signed_post, app, cast):
    """leave(): a caller reaches the mailbox and leaves a message; the call's public id. Numbers tell callers apart."""

    def make(number: int = 1, *, seconds: int = 7, told: bool = True, caller: str = CALLER) -> str:
        sid = f"CA{number:032x}"
        twiml = provider.ask(sid, from_=caller, to=SALES)
        record = twiml.find("Record")
        assert record is not None
        fields = {
            "AccountSid": services.ACCOUNT,
            "CallSid": sid,
            "RecordingSid": f"RE{number:032x}",
            "RecordingDuration": str(seconds),
        }
        after(signed_post, record.attrib["action"], {**fields, "CallStatus": "completed", "Digits": "hangup"})
        provider.tell(provider.status(sid, "completed", 20, from_=caller, to=SALES))
        if told:
            finished = {"RecordingStatus": "completed" if seconds else "absent", "RecordingSource": "RecordVerb"}
            after(signed_post, record.attrib["recordingStatusCallback"], {**fields, **finished})
        return record.attrib["action"].partition("call=")[2]

    return make


def after(signed_post, address: str, fields: dict[str, str]) -> ElementTree.Element | None:
    """What the provider does at an address that our TwiML named; the TwiML it is answered with."""
    path = address.removeprefix(services.PUBLIC_BASE_URL).partition("#")[0]
    assert path.startswith(HOOKS)
    answer = signed_post(path, fields)
    assert answer.status_code in {200, 204}
    return ElementTree.fromstring(answer.data) if answer.data else None
