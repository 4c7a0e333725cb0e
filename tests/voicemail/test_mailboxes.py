"""Pages of mailboxes: who may see them, what they save, what they refuse, and the recorded greeting."""

from __future__ import annotations

import io
import wave

import pytest
from routes.test_pages import CREATE as CREATE_ROUTE
from routes.test_pages import filled

from voicemail.conftest import CALLER
from voipcrm.accounts.audit import AuditEntry
from voipcrm.core.db import db
from voipcrm.core.storage import storage
from voipcrm.routes.greetings import MOST_BYTES
from voipcrm.routes.mailboxes import Mailbox
from voipcrm.routes.models import GroupMember, RingGroup, RouteStep
from voipcrm.voicemail.models import Voicemail

LIST = "/admin/voip/routes/mailboxes"


def sound(seconds: float = 1.0, *, rate: int = 8000, width: int = 2, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(b"\x01" * (int(seconds * rate) * width * channels))
    return file.getvalue()


def form(user_id: int, content: bytes | None = None, **more) -> dict:
    sent = {"name": "Front desk", "owner": f"user:{user_id}", "greeting": "", **more}
    return sent if content is None else {**sent, "sound": (io.BytesIO(content), "greeting.wav")}


def the_box(app) -> Mailbox:
    with app.app_context():
        return db.session.query(Mailbox).one()


@pytest.mark.parametrize("path", ["/", "/create"])
def test_only_those_who_set_up_routes_see_the_pages(path, as_root, as_ada, as_bo, as_mallory):
    assert as_root.get(LIST + path).status_code == 200
    for person in (as_ada, as_bo, as_mallory):
        assert person.get(LIST + path).status_code == 404


def test_a_mailbox_is_added_changed_and_in_the_audit_log(app, cast, as_root):
    assert as_root.post(LIST + "/create", data=form(cast.ada.id, greeting="Hello.")).status_code == 303
    box = the_box(app)
    assert (box.name, box.user_id, box.group_id, box.greeting) == ("Front desk", cast.ada.id, None, "Hello.")
    with app.app_context():
        db.session.add(RingGroup(name="Crew", members=[GroupMember(user_id=cast.bo.id)]))
        db.session.commit()
        group_id = db.session.query(RingGroup).one().id
    answer = as_root.post(f"{LIST}/{box.id}/edit", data=form(0, owner=f"group:{group_id}", name="Crew box"))
    assert answer.status_code == 303
    box = the_box(app)
    assert (box.name, box.user_id, box.group_id) == ("Crew box", None, group_id)
    assert "Crew box" in as_root.get(LIST + "/").text
    with app.app_context():
        changes = [one.verb for one in db.session.query(AuditEntry).order_by(AuditEntry.id)]
    assert changes == ["created", "changed"]
    assert as_root.post(f"/admin/voip/routes/groups/{group_id}/delete").status_code == 422  # its mailbox needs it


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "x" * 81}, "Use at most 80 characters."),
        ({"owner": "user:0"}, "Not a valid choice"),
        ({"owner": "nonsense"}, "Not a valid choice"),
        ({"greeting": "x" * 1001}, "Use at most 1,000 characters."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(app, cast, as_root, wrong, words):
    answer = as_root.post(LIST + "/create", data=form(cast.ada.id, **wrong))
    assert answer.status_code == 422
    assert words in answer.text
    with app.app_context():
        assert db.session.query(Mailbox).count() == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"ID3\x03 an MP3", "This is no WAV file."),
        (b"", "This is no WAV file."),
        (b"<script>alert(1)</script>", "This is no WAV file."),
        (sound()[:-100], "The file is cut off or empty."),
        (sound(0), "The file is cut off or empty."),
        (sound(121), "Use at most 120."),
        (sound(width=4), "8 or 16 bit"),
        (sound(channels=5), "one or two channels"),
    ],
)
def test_a_file_that_phones_cannot_play_is_refused(app, cast, as_root, content, words):
    answer = as_root.post(LIST + "/create", data=form(cast.ada.id, content))
    assert answer.status_code == 422
    assert words in answer.text


def test_a_file_that_is_too_large_is_refused(cast, as_root):
    answer = as_root.post(LIST + "/create", data=form(cast.ada.id, sound() + b"\0" * MOST_BYTES))
    assert answer.status_code == 422
    assert "larger than 5 MB" in answer.text
    assert as_root.post(LIST + "/create", data=form(cast.ada.id, b"\0" * 2 * MOST_BYTES)).status_code == 413


def test_a_recorded_greeting_is_played_from_an_address_that_nobody_can_guess(
    app, cast, as_root, client, provider, mailbox
):
    box_id = mailbox("ada")
    first = sound(1)
    as_root.post(f"{LIST}/{box_id}/edit", data=form(cast.ada.id, first))
    play = provider.ask("CA" + "a" * 32, from_=CALLER)[0]
    assert play.tag == "Play"
    path = play.text.partition("example.com")[2]
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "audio/wav", first)
    assert "/voip/greetings/" in as_root.get(f"{LIST}/{box_id}/edit").text
    as_root.post(f"{LIST}/{box_id}/edit", data=form(cast.ada.id, sound(2)))
    assert client.get(path).status_code == 404  # another file is another address
    with app.app_context():
        assert not storage().local_path(f"greetings/{path.rpartition('/')[2]}").exists()
    as_root.post(f"{LIST}/{box_id}/edit", data=form(cast.ada.id, no_sound="y"))
    assert provider.ask("CA" + "b" * 32, from_=CALLER)[0].tag == "Say"


@pytest.mark.parametrize("name", ["../secret", "x.wav", "0" * 32 + ".wav", "..%2f..%2fsettings.env"])
def test_other_addresses_of_greetings_are_nothing(client, name):
    assert client.get(f"/voip/greetings/{name}").status_code == 404


def test_a_mailbox_in_use_is_kept_and_one_without_routes_is_deleted_with_its_inbox(app, as_root, mailbox, leave):
    box_id = mailbox("ada")
    leave()
    refused = as_root.post(f"{LIST}/{box_id}/delete")
    assert refused.status_code == 422
    assert "“Sales”" in refused.text
    with app.app_context():
        db.session.query(RouteStep).delete()
        db.session.commit()
    assert as_root.post(f"{LIST}/{box_id}/delete").status_code == 303
    with app.app_context():
        assert (db.session.query(Mailbox).count(), db.session.query(Voicemail).count()) == (0, 0)


def test_a_route_takes_a_message_as_its_last_step_and_only_there(app, cast, as_root, mailbox):
    box_id = mailbox("ada")
    taking = {
        "steps-0-kind": "voicemail",
        "steps-0-mailbox_id": box_id,
        "steps-0-group_id": 0,
        "steps-0-ring_seconds": 20,
    }
    assert as_root.post(CREATE_ROUTE, data=filled(**taking)).status_code == 303
    assert "Takes a message for Sales box." in as_root.get("/admin/voip/routes/").text
    behind = {
        "steps-1-kind": "people",
        "steps-1-people": [cast.ada.id],
        "steps-1-group_id": 0,
        "steps-1-ring_seconds": 20,
    }
    refused = as_root.post(CREATE_ROUTE, data=filled(**taking, **behind))
    assert refused.status_code == 422
    assert "A message ends the call. Move this step to the end." in refused.text
    chosen = as_root.post(CREATE_ROUTE, data=filled(**{**taking, "steps-0-mailbox_id": 0}))
    assert chosen.status_code == 422
    assert "Choose a mailbox." in chosen.text
