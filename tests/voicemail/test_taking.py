"""A caller reaches a mailbox: what they hear, and what becomes of the call."""

from __future__ import annotations

import pytest
import services

from voicemail.conftest import CALLER, after
from voipcrm.accounts.models import User
from voipcrm.calls.models import Call
from voipcrm.core.db import db
from voipcrm.recordings.models import Recording
from voipcrm.routes.mailboxes import GREETING
from voipcrm.voicemail.models import Voicemail

SID = "CA" + "a" * 32


def outcome(app) -> tuple[str, str | None]:
    with app.app_context():
        call = db.session.query(Call).one()
        return call.state, call.outcome


def inbox(app, cast, who: str = "ada") -> list[Voicemail]:
    with app.app_context():
        user = db.session.get(User, getattr(cast, who).id)
        return list(db.session.scalars(Voicemail.of(user)))


def test_the_greeting_the_tone_and_the_recording(provider, mailbox):
    mailbox("ada")
    twiml = provider.ask(SID, from_=CALLER)
    assert [verb.tag for verb in twiml] == ["Say", "Record", "Say", "Hangup"]
    assert twiml[0].text == GREETING
    asked = twiml[1].attrib
    assert {name: asked[name] for name in ("maxLength", "timeout", "finishOnKey", "playBeep")} == {
        "maxLength": "180",
        "timeout": "5",
        "finishOnKey": "#",
        "playBeep": "true",
    }
    assert asked["recordingStatusCallback"].endswith("#rc=5&rp=all")


def test_a_message_is_in_the_inbox_and_the_call_says_voicemail(app, cast, mailbox, leave, as_ada):
    mailbox("ada")
    public_id = leave()
    assert outcome(app) == ("ended", "voicemail")
    (one,) = inbox(app, cast)
    with app.app_context():
        recording = db.session.get(Recording, one.recording_id)
        assert (recording.state, recording.source, recording.call.public_id) == ("pending", "RecordVerb", public_id)
    page = as_ada.get(f"/calls/{public_id}").text
    assert "Left a voicemail" in page
    assert "reached the mailbox Sales box" in page
    assert page.count("left a message of 7 s") == 1
    assert public_id in as_ada.get("/calls?outcome=voicemail").text
    assert public_id not in as_ada.get("/calls?outcome=unanswered").text
    listed = as_ada.get("/api/voip/calls/history?outcome=voicemail").json["calls"]
    assert [call["outcome"] for call in listed] == ["voicemail"]


def test_any_order_of_the_news_is_the_same_message(app, cast, mailbox, provider, signed_post):
    mailbox("ada")
    record = provider.ask(SID, from_=CALLER)[1].attrib
    fields = {"AccountSid": services.ACCOUNT, "CallSid": SID, "RecordingSid": "RE" + "1" * 32, "RecordingDuration": "4"}
    finished = {**fields, "RecordingStatus": "completed", "RecordingSource": "RecordVerb"}
    for _ in range(2):
        after(signed_post, record["recordingStatusCallback"], finished)
        provider.tell(provider.status(SID, "completed", 9, from_=CALLER))
        after(signed_post, record["action"], {**fields, "CallStatus": "completed", "Digits": "hangup"})
    assert outcome(app) == ("ended", "voicemail")
    assert len(inbox(app, cast)) == 1
    with app.app_context():
        assert db.session.query(Recording).one().state == "pending"


def test_a_message_whose_file_was_never_told_of_is_asked_for(app, cast, mailbox, leave):
    mailbox("ada")
    leave(told=False)
    assert len(inbox(app, cast)) == 1
    with app.app_context():
        recording = db.session.query(Recording).one()
        assert (recording.state, recording.next_try_at is not None) == ("recording", True)


def test_who_says_nothing_has_missed_us_and_is_in_no_inbox(app, cast, mailbox, leave):
    mailbox("ada")
    leave(seconds=0)
    assert outcome(app) == ("ended", "missed")
    assert inbox(app, cast) == []


def test_who_hangs_up_at_the_greeting_has_missed_us(app, cast, mailbox, provider):
    mailbox("ada")
    provider.ask(SID, from_=CALLER)
    provider.tell(provider.status(SID, "completed", 4, from_=CALLER))
    assert outcome(app) == ("ended", "missed")
    assert inbox(app, cast) == []


def test_the_caller_is_thanked_after_the_hash_key(app, mailbox, provider, signed_post):
    mailbox("ada")
    record = provider.ask(SID, from_=CALLER)[1].attrib
    fields = {"AccountSid": services.ACCOUNT, "CallSid": SID, "CallStatus": "in-progress", "Digits": "#"}
    fields |= {"RecordingSid": "RE" + "1" * 32, "RecordingDuration": "4"}
    twiml = after(signed_post, record["action"], fields)
    assert [verb.tag for verb in twiml] == ["Say", "Hangup"]
    assert "Thank you" in twiml[0].text


def test_asking_twice_is_one_message(app, cast, mailbox, provider):
    mailbox("ada")
    assert provider.ask(SID, from_=CALLER)[1].attrib == provider.ask(SID, from_=CALLER)[1].attrib
    with app.app_context():
        assert db.session.query(Voicemail).count() == 1


@pytest.mark.parametrize("who", ["ada", "bo"])
def test_a_group_shares_its_mailbox(app, cast, mailbox, leave, who):
    mailbox("ada", "bo")
    leave()
    assert len(inbox(app, cast, who)) == 1
    assert inbox(app, cast, "root") == []
    assert inbox(app, cast, "mallory") == []


def test_a_line_that_is_not_recorded_takes_messages_all_the_same(app, cast, mailbox, leave):
    from voipcrm.trunks.models import Line

    mailbox("ada")
    with app.app_context():
        db.session.get(Line, cast.sales_id).recording_in = "consent"
        db.session.commit()
    leave()
    assert outcome(app) == ("ended", "voicemail")
