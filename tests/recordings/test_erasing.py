"""What is deleted is gone for everybody at once, and its copies go as soon as storage and provider can be reached."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from voipcrm.accounts.models import Role, User
from voipcrm.calls.models import Call
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.core.storage import Storage
from voipcrm.recordings import archiving, erasing, holds
from voipcrm.recordings.accesses import RecordingAccess
from voipcrm.recordings.archiving import archive
from voipcrm.recordings.jobs import sweep
from voipcrm.recordings.models import Recording
from voipcrm.recordings.noting import note

from .facts import fact, files_in, sid
from .media_server import Answer
from .sounds import wav

LIST = "/admin/voip/recordings"
ONE = f"{LIST}/{sid(1)}"


@pytest.fixture
def house(cast, house):
    """With its people, who are there before anything else is begun."""
    return house


@pytest.fixture
def archived(house, owed, call_of):
    """A recording that was copied."""
    call_of()
    recording = owed()
    archive(recording.id)
    db.session.refresh(recording)
    return recording


def read_again() -> Recording:
    """The one recording as it is now; sweeps end the session that knew it."""
    db.session.remove()
    return db.session.scalars(sa.select(Recording)).one()


@pytest.fixture
def root(cast):
    return db.session.get(User, cast.root.id)


def delete(recording, root, reason="Asked for by the customer."):
    erasing.delete(recording, by=root, reason=reason)
    db.session.commit()


def test_deleting_removes_both_copies_and_keeps_the_row(archived, folder, media, root):
    delete(archived, root)
    assert (archived.state, archived.is_playable) == ("deleted", False)
    assert (archived.deleted_by, archived.deleted_reason) == ("Root Admin", "Asked for by the customer.")
    erasing.erase(archived.id)
    db.session.refresh(archived)
    assert files_in(folder) == []
    assert media.deleted == [sid(1)]
    assert (archived.path, archived.erase_at, archived.error) == (None, None, None)
    assert archived.provider_erased_at is not None
    assert db.session.scalars(sa.select(Call.has_recording)).all() == [False]
    entry = db.session.scalars(sa.select(RecordingAccess)).one()
    assert (entry.kind, entry.user_id, entry.reason) == ("delete", root.id, "Asked for by the customer.")


def test_erasing_again_does_nothing_again(archived, media, root):
    delete(archived, root)
    for _ in range(3):
        erasing.erase(archived.id)
    assert media.deleted == [sid(1)]


def test_the_provider_says_it_is_gone_and_that_is_fine(archived, media, root):
    media.deletions[sid(1)] = [404]
    delete(archived, root)
    erasing.erase(archived.id)
    db.session.refresh(archived)
    assert (archived.erase_at, archived.error) == (None, None)


@pytest.mark.parametrize("status", [500, 429, 401])
def test_a_provider_that_cannot_be_reached_is_asked_until_it_is_done(archived, folder, media, root, status):
    media.deletions[sid(1)] = [status] * 6
    delete(archived, root)
    waits = []
    with time_machine.travel(archived.erase_at, tick=False) as now:
        while archived.erase_at is not None:
            before = archived.erase_at
            now.move_to(before)
            sweep()
            archived = read_again()
            if archived.erase_at:
                assert "could not be deleted yet" in archived.error
                waits.append((archived.erase_at - before).total_seconds())
    assert waits == [30, 120, 600, 3600, 3600, 3600]
    assert (files_in(folder), media.deleted) == ([], [sid(1)])


def test_a_storage_that_refuses_is_asked_again(archived, folder, media, root, monkeypatch):
    delete(archived, root)
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "delete", lambda *_: (_ for _ in ()).throw(PermissionError("no")))
        erasing.erase(archived.id)
    db.session.refresh(archived)
    assert "storage could not remove" in archived.error
    assert media.deleted == []
    with time_machine.travel(archived.erase_at, tick=False):
        sweep()
    assert (files_in(folder), media.deleted) == ([], [sid(1)])


def test_a_worker_that_died_at_it_is_replaced(archived, folder, media, root):
    delete(archived, root)
    assert erasing._take(archived.id) is not None
    sweep()
    assert media.deleted == []
    with time_machine.travel(clock.now() + erasing.CLAIMED_FOR, tick=False):
        sweep()
    assert (files_in(folder), media.deleted) == ([], [sid(1)])


def test_what_is_deleted_while_it_is_copied_leaves_no_file(house, folder, media, owed, call_of, root, monkeypatch):
    call_of()
    recording = owed()
    fetch = archiving._fetch

    def deleted_meanwhile(claim, draft):
        made = fetch(claim, draft)
        erasing.delete(db.session.get(Recording, claim.id), by=root, reason="No consent.")
        db.session.commit()
        return made

    monkeypatch.setattr(archiving, "_fetch", deleted_meanwhile)
    archive(recording.id)
    db.session.refresh(recording)
    assert (recording.state, files_in(folder)) == ("deleted", [])
    assert recording.erase_at > clock.now()  # not before the worker's claim is over
    with time_machine.travel(recording.erase_at, tick=False):
        sweep()
    assert media.deleted == [sid(1)]
    assert db.session.scalars(sa.select(Call.has_recording)).all() == [False]


def test_what_the_provider_tells_later_revives_nothing(archived, root):
    delete(archived, root)
    for status in ("completed", "in-progress", "absent"):
        assert note(fact(1, status)).state == "deleted"


@pytest.mark.parametrize("state", ["recording", "absent", "deleted", "expired"])
def test_what_is_not_there_cannot_be_deleted(house, archived, root, state):
    archived.state = state
    with pytest.raises(erasing.CannotDelete):
        erasing.delete(archived, by=root, reason="x")


def test_what_is_on_hold_cannot_be_deleted_and_does_not_expire(archived, root):
    held = holds.hold(archived, whole_call=False, by=root, reason="Case 12")
    db.session.commit()
    with pytest.raises(erasing.CannotDelete, match="legal hold"):
        erasing.delete(archived, by=root, reason="x")
    assert erasing.expire([archived.id]) == []
    holds.release(held, by=root)
    assert erasing.expire([archived.id]) == [archived.id]


def test_a_hold_on_a_call_covers_its_later_recordings(archived, house, owed, root):
    holds.hold(archived, whole_call=True, by=root, reason="Case 12")
    later = owed(2, call_sid=sid(1, "CA"))
    with pytest.raises(erasing.CannotDelete, match="legal hold"):
        erasing.delete(later, by=root, reason="x")


@pytest.fixture
def provider_keeps(house, monkeypatch):
    def days(number):
        settings = dataclasses.replace(house.extensions["settings"], provider_copy_days=number)
        monkeypatch.setitem(house.extensions, "settings", settings)

    return days


def test_the_providers_copy_goes_after_its_days_and_ours_stays(house, folder, media, owed, provider_keeps):
    provider_keeps(7)
    recording = owed()
    archive(recording.id)
    sweep()
    assert media.deleted == []
    with time_machine.travel(clock.now() + timedelta(days=7), tick=False):
        sweep()
    recording = read_again()
    assert media.deleted == [sid(1)]
    assert (recording.state, recording.is_playable, recording.erase_at) == ("archived", True, None)
    assert files_in(folder) == [recording.path]


@pytest.mark.parametrize("trouble", ["gone", "cut short"])
def test_the_providers_copy_stays_when_ours_is_not_whole(house, folder, media, owed, provider_keeps, trouble):
    provider_keeps(0)
    recording = owed()
    archive(recording.id)
    file = folder / f"2026/11/{sid(1)}.wav"
    file.unlink() if trouble == "gone" else file.write_bytes(b"RIFF")
    sweep()
    assert media.deleted == []


def test_the_providers_copy_of_what_is_held_stays(house, media, owed, provider_keeps, root):
    provider_keeps(0)
    recording = owed()
    archive(recording.id)
    holds.hold(recording, whole_call=False, by=root, reason="Case 12")
    db.session.commit()
    sweep()
    assert media.deleted == []


# The pages.


@pytest.fixture
def kept(provided, cast, media):
    """Ada's call and its recording, archived."""
    media.answers[sid(1)] = [Answer(wav())]
    with provided.app_context():
        db.session.add(Call(public_id="call1", root_sid=sid(1, "CA"), direction="inbound", user_id=cast.ada.id))
        db.session.flush()
        noted = note(fact(1))
        db.session.commit()
        archive(noted.id)
    return provided


def state(app) -> str:
    with app.app_context():
        return db.session.scalars(sa.select(Recording.state)).one()


def test_deleting_asks_first_and_for_a_reason(kept, as_root):
    assert f"{ONE}/delete" in as_root.get(ONE).text
    assert "Delete this recording?" in as_root.get(f"{ONE}/delete").text
    refused = as_root.post(f"{ONE}/delete", data={"reason": " \n "})
    assert refused.status_code == 422
    assert "Say why it is deleted." in refused.text
    assert state(kept) == "archived"
    answer = as_root.post(f"{ONE}/delete", data={"reason": "Spoke of <b>others</b>"})
    assert (answer.status_code, answer.location) == (303, ONE)
    page = as_root.get(ONE).text
    assert "Spoke of &lt;b&gt;others&lt;/b&gt;" in page
    assert "by Root Admin" in page
    assert f"{ONE}/delete" not in page
    assert state(kept) == "deleted"
    again = as_root.post(f"{ONE}/delete", data={"reason": "Twice"})
    assert again.status_code == 422
    assert "nothing to delete" in again.text


def test_only_who_may_delete_deletes(kept, as_ada, as_bo):
    for browser in (as_ada, as_bo):
        assert f"{ONE}/delete" not in browser.get(ONE).text
        assert browser.get(f"{ONE}/delete").status_code == 404
        assert browser.post(f"{ONE}/delete", data={"reason": "x"}).status_code == 403
    assert state(kept) == "archived"


def test_who_may_delete_still_deletes_only_what_they_see(kept, cast, as_bo):
    with kept.app_context():
        role = Role(name="deleter", permissions=["voip.recordings.view", "voip.recordings.delete", "voip.calls.view"])
        db.session.get(User, cast.bo.id).roles = [role]
        db.session.commit()
    assert as_bo.post(f"{ONE}/delete", data={"reason": "x"}).status_code == 404
    assert state(kept) == "archived"


def test_a_hold_is_put_on_seen_and_released(kept, as_root, as_ada):
    refused = as_root.post(f"{ONE}/hold", data={"covers": "call", "reason": ""})
    assert (refused.status_code, "Say why it must be kept." in refused.text) == (422, True)
    assert as_root.post(f"{ONE}/hold", data={"covers": "call", "reason": "Case 12"}).status_code == 303
    page = as_root.get(ONE).text
    assert "Every recording of the call" in page
    assert f"{ONE}/delete" not in page
    assert "On hold" in as_ada.get(LIST).text
    assert "Case 12" in as_root.get(f"{ONE}/delete").text
    assert as_root.post(f"{ONE}/delete", data={"reason": "x"}).status_code == 422
    assert as_ada.post(f"{LIST}/holds/1/release").status_code == 403
    with kept.app_context():
        hold_id = db.session.scalar(sa.text("SELECT id FROM legal_holds"))
    assert as_root.post(f"{LIST}/holds/{hold_id}/release", data={"sid": sid(1)}).location == ONE
    assert as_root.post(f"{LIST}/holds/{hold_id}/release").status_code == 404
    assert as_root.post(f"{ONE}/delete", data={"reason": "x"}).status_code == 303
