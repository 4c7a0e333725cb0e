"""The inbox: whose it is, what is new, heard and done, and nobody else's business."""

from __future__ import annotations

import re

import pytest
from recordings.sounds import wav

from voicemail.conftest import CALLER
from voipcrm.contacts.models import Person, PhoneNumber
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.storage import storage
from voipcrm.recordings.accesses import RecordingAccess
from voipcrm.recordings.models import Recording
from voipcrm.voicemail.models import Voicemail

INBOX = "/voicemail"


@pytest.fixture
def archived(app):
    """archived(): the audio of every message has come."""

    def come() -> None:
        with app.app_context():
            for recording in db.session.query(Recording):
                path = f"2026/11/{recording.sid}.wav"
                storage().put(f"incoming/{recording.sid}", [wav()])
                storage().publish(f"incoming/{recording.sid}", path)
                recording.state, recording.path, recording.archived_at = "archived", path, clock.now()
                recording.peaks = [[1, 5, 9]]
            db.session.commit()

    return come


@pytest.fixture
def message(mailbox, leave, archived, app):
    """Ada's first message, playable; its id."""
    mailbox("ada")
    leave()
    archived()
    with app.app_context():
        return db.session.query(Voicemail).one().id


def states(app) -> tuple[bool, bool]:
    """(heard, done) of the one message."""
    with app.app_context():
        one = db.session.query(Voicemail).one()
        return one.heard_at is not None, one.done_at is not None


def count(client) -> str:
    return client.get(INBOX + "/unheard", headers={"HX-Request": "true", "HX-Request-Type": "partial"}).text


def test_an_empty_inbox_says_how_messages_come(as_ada):
    assert "No messages" in as_ada.get(INBOX).text
    assert "Nothing is done yet" in as_ada.get(INBOX + "?done=yes").text
    assert "nav__count" not in count(as_ada)
    assert as_ada.get(INBOX + "/unheard").status_code == 302


def test_a_new_message_shows_who_called_and_where_and_how_long(app, as_ada, mailbox, leave):
    with app.app_context():
        db.session.add(Person(name="Priya Raman", numbers=[PhoneNumber(number=CALLER)]))
        db.session.commit()
    mailbox("ada")
    leave()
    page = as_ada.get(INBOX).text
    for words in ("Priya Raman", "Sales box", "0:07", ">New<", "Processing", f'href="tel:{CALLER}"'):
        assert words in page
    assert ">1<" in count(as_ada)


def test_to_play_is_to_hear(app, as_ada, message):
    row = as_ada.post(f"{INBOX}/{message}/plays", headers={"HX-Request": "true"})
    source = re.search(r'src="([^"]+/audio[^"]+)"', row.text).group(1)
    assert "Heard by Ada Ortiz" in row.text
    assert row.headers["HX-Trigger"] == "voipcrm:voicemail-changed"
    assert states(app) == (True, False)
    assert "nav__count" not in count(as_ada)
    sound = as_ada.get(source)
    assert (sound.status_code, sound.data) == (200, wav())
    assert as_ada.get(source, headers={"Range": "bytes=0-3"}).data == b"RIFF"
    assert as_ada.get(source.partition("?")[0]).location == INBOX  # without its ticket
    with app.app_context():
        assert [(row.kind, row.user_name) for row in db.session.query(RecordingAccess)] == [("play", "Ada Ortiz")]


def test_done_leaves_the_inbox_and_comes_back(app, as_ada, message):
    assert as_ada.post(f"{INBOX}/{message}/done").status_code == 303
    assert states(app) == (True, True)
    assert f"voicemail-{message}" not in as_ada.get(INBOX).text
    assert "Done by Ada Ortiz" in as_ada.get(INBOX + "?done=yes").text
    as_ada.post(f"{INBOX}/{message}/done", data={"reopen": "yes"})
    assert f"voicemail-{message}" in as_ada.get(INBOX).text


def test_it_is_nobody_elses_business(app, as_bo, as_root, as_mallory, client, message):
    for person in (as_bo, as_root, as_mallory, client):
        assert f"voicemail-{message}" not in person.get(INBOX).text
        assert person.get(f"{INBOX}/{message}/audio").status_code in {302, 404}
        for what in ("plays", "done"):
            assert person.post(f"{INBOX}/{message}/{what}").status_code in {302, 400, 401, 403, 404}
    assert states(app) == (False, False)


def test_who_leaves_a_group_leaves_its_inbox(app, as_ada, as_bo, cast, mailbox, leave, archived):
    mailbox("ada", "bo")
    leave()
    archived()
    with app.app_context():
        one = db.session.query(Voicemail).one()
        message = one.id
        one.mailbox.group.members = [row for row in one.mailbox.group.members if row.user_id == cast.bo.id]
        db.session.commit()
    assert as_bo.post(f"{INBOX}/{message}/plays", follow_redirects=True).mimetype == "audio/wav"
    assert as_ada.get(f"{INBOX}/{message}/audio").status_code == 404


def test_a_message_whose_recording_is_deleted_is_gone(app, as_ada, message):
    with app.app_context():
        db.session.query(Recording).one().state = "deleted"
        db.session.commit()
    assert "No messages" in as_ada.get(INBOX).text
    assert as_ada.get(f"{INBOX}/{message}/audio").status_code == 404


def test_who_may_delete_recordings_deletes_a_message_from_the_inbox(app, as_root, as_ada, mailbox, leave, archived):
    mailbox("root", "ada")
    leave()
    archived()
    with app.app_context():
        sid = db.session.query(Recording).one().sid
    where = f"/admin/voip/recordings/{sid}/delete"
    assert where in as_root.get(INBOX).text
    assert where not in as_ada.get(INBOX).text  # an agent may not
    assert as_root.post(where, data={"reason": "Asked for by the caller"}).status_code == 303
    for person in (as_root, as_ada):
        assert "No messages" in person.get(INBOX).text


def test_newest_first_and_a_page_costs_the_same_however_long(app, as_ada, mailbox, leave):
    mailbox("ada")
    for number in range(1, 4):
        leave(number, caller=f"+1415555010{number}")
    page = as_ada.get(INBOX).text
    places = [page.index(f"tel:+1415555010{number}") for number in (3, 2, 1)]
    assert places == sorted(places)
    assert ">3<" in count(as_ada)
