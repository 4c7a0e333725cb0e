"""Tags, notes, tasks and the timeline, over HTTP."""

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
import time_machine
from calls.call_rows import NOON, after, outbound
from contacts.people import contact
from contacts.test_pages import PARTIAL, PAYLOAD, Fields

from voipcrm.accounts.models import Role, User
from voipcrm.accounts.permissions import Can
from voipcrm.contacts.models import Person, Tag, Tagging
from voipcrm.contacts.notes import Note, Task, due_words
from voipcrm.core.db import db

PERSONS = "/contacts/persons"


@pytest.fixture
def priya(context) -> Person:
    return contact("Priya Raman", "Acme", numbers=("+13125550100",))


def at(person: Person, more: str = "") -> str:
    return f"{PERSONS}/{person.id}{more}"


def tag(client, person: Person, *names: str) -> None:
    for name in names:
        assert client.post(at(person, "/tags"), data={"tag": name}).status_code == 303


def names_on(page: str) -> list[str]:
    return [given["data-name"] for kind, given in Fields(page).tags if "data-name" in given and kind == "a"]


def test_tags_are_put_on_once_however_they_are_written_and_taken_off(as_ada, priya):
    tag(as_ada, priya, "  VIP ", "vip", "Küche")
    page = as_ada.get(at(priya)).text
    assert page.count('class="tag__name"') == 2
    assert page.index("Küche</a>") < page.index("VIP</a>")
    vip = db.session.scalars(sa.select(Tag).where(Tag.sort_name == "vip")).one()
    part = as_ada.post(at(priya, f"/tags/{vip.id}/remove"), headers=PARTIAL)
    assert part.status_code == 200
    assert "VIP" not in part.text
    assert "Tag removed." in part.text
    assert as_ada.post(at(priya, f"/tags/{vip.id}/remove")).status_code == 404
    assert db.session.scalars(sa.select(Tag.sort_name)).all() == ["kuche"]  # nobody has the other any more


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("", "Enter a tag."), (" \u0301", "Enter a tag."), ("x" * 41, "Use at most 40 characters.")],
)
def test_a_tag_that_is_none_is_refused_at_its_field(as_ada, priya, typed, sentence):
    answer = as_ada.post(at(priya, "/tags"), data={"tag": typed}, headers=PARTIAL)
    assert answer.status_code == 422
    assert Fields(answer.text).errors == {"tag": sentence}
    assert sentence in as_ada.post(at(priya, "/tags"), data={"tag": typed}, follow_redirects=True).text
    assert db.session.scalar(sa.select(sa.func.count(Tag.id))) == 0


def test_a_person_has_thirty_tags_at_most(as_ada, priya):
    tag(as_ada, priya, *(f"t{n}" for n in range(30)))
    answer = as_ada.post(at(priya, "/tags"), data={"tag": "one more"}, headers=PARTIAL)
    assert (answer.status_code, "too many tags" in answer.text) == (422, True)


def test_known_tags_are_suggested(as_ada, priya):
    tag(as_ada, priya, "Kunde", "Küche", "VIP")
    for typed, count in {"ku": 2, "KÜ": 2, "v": 1, "": 3, "zz": 0}.items():
        answer = as_ada.get("/contacts/tags/suggestions", query_string={"tag": typed})
        assert answer.text.count("<option") == count, typed


@pytest.fixture
def four(as_ada, cast, context):
    """Two of Ada's, one of Bo's, one of nobody's; three with the tag VIP."""
    for name, owner in (("Ann A", cast.ada.id), ("Ben A", cast.ada.id), ("Cid B", cast.bo.id), ("Dee A", None)):
        person = contact(name, numbers=(f"+1415555010{len(name) + ord(name[0]) - 70}"[:12],), owner_id=owner)
        if name != "Ben A":
            tag(as_ada, person, "VIP")
    return {"vip": db.session.scalars(sa.select(Tag.id)).one(), "ada": cast.ada.id, "bo": cast.bo.id}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["Ann A", "Ben A", "Cid B", "Dee A"]),
        ({"owner": "ada"}, ["Ann A", "Ben A"]),
        ({"owner": 0}, ["Dee A"]),
        ({"tag": "vip"}, ["Ann A", "Cid B", "Dee A"]),
        ({"tag": "vip", "owner": "ada"}, ["Ann A"]),
        ({"tag": "vip", "owner": 0}, ["Dee A"]),
        ({"tag": "vip", "q": "a"}, ["Ann A", "Dee A"]),
        ({"owner": "ada", "q": "ben"}, ["Ben A"]),
        ({"owner": "bo", "q": "ben"}, []),
        ({"owner": "ada", "tag": "vip", "q": "ann a"}, ["Ann A"]),
        ({"tag": 999}, []),
        ({"owner": "x", "tag": "-1"}, ["Ann A", "Ben A", "Cid B", "Dee A"]),
    ],
)
def test_the_list_is_narrowed_by_owner_and_tag_and_search_together(as_ada, four, asked, names):
    query = {key: four.get(value, value) for key, value in asked.items()}
    page = as_ada.get(PERSONS, query_string=query).text
    assert list(dict.fromkeys(names_on(page))) == names
    if not names:
        assert "No contact matches" in page or "Nobody matches" in page
    assert f'<option value="{four["vip"]}"' in page
    for name, value in query.items():
        if name in {"owner", "tag"} and names != ["Ann A", "Ben A", "Cid B", "Dee A"]:
            assert f'<option value="{value}" selected' in page or value == 999


def test_a_tagged_list_has_pages_in_the_order_of_names_also_after_a_renaming(as_ada, context):
    people = [contact(f"P{n:02}", numbers=(f"+14155550{n:03}",)) for n in range(60)]
    vip = Tag(name="VIP", sort_name="vip")
    for person in people:
        person.taggings.append(Tagging(tag=vip))
    people[59].name = "A first"
    db.session.commit()
    first = as_ada.get(f"{PERSONS}?tag={vip.id}").text
    older = next(given["href"] for _, given in Fields(first).tags if given.get("rel") == "next")
    names = list(dict.fromkeys(names_on(first))) + list(dict.fromkeys(names_on(as_ada.get(older).text)))
    assert names == ["A first"] + [f"P{n:02}" for n in range(59)]


def test_a_note_is_added_edited_by_its_writer_alone_and_deleted(as_ada, as_bo, priya, cast):
    answer = as_ada.post(at(priya, "/notes"), data={"text": " Wants\r\nmornings\x00 "})
    assert (answer.status_code, answer.location) == (303, at(priya))
    note = db.session.scalars(sa.select(Note)).one()
    assert (note.text, note.by_id) == ("Wants\nmornings", cast.ada.id)
    page = as_ada.get(at(priya)).text
    assert "Wants\nmornings" in page
    assert "Ada Ortiz" in page
    assert f"/contacts/notes/{note.id}/edit" in page
    assert "mornings" in as_ada.get(f"/contacts/notes/{note.id}/edit").text
    as_ada.post(f"/contacts/notes/{note.id}/edit", data={"text": "Wants evenings"})
    db.session.expire_all()
    assert (note.text, note.edited_at is not None) == ("Wants evenings", True)
    assert "edited" in as_ada.get(at(priya)).text
    as_ada.post(f"/contacts/notes/{note.id}/delete")
    db.session.expire_all()
    assert db.session.scalar(sa.select(sa.func.count(Note.id))) == 0


def test_the_note_of_another_is_read_but_not_changed(as_bo, priya, cast):
    db.session.add(Note(person_id=priya.id, by_id=cast.ada.id, text="Of Ada"))
    db.session.commit()
    note_id = db.session.scalars(sa.select(Note.id)).one()
    page = as_bo.get(at(priya)).text
    assert "Of Ada" in page
    assert f"/contacts/notes/{note_id}/edit" not in page
    assert as_bo.get(f"/contacts/notes/{note_id}/edit").status_code == 404
    for verb in ("edit", "delete"):
        assert as_bo.post(f"/contacts/notes/{note_id}/{verb}", data={"text": "Of Bo"}).status_code == 404
    db.session.expire_all()
    assert db.session.scalars(sa.select(Note.text)).one() == "Of Ada"


@pytest.mark.parametrize(
    ("path", "sent", "at_field", "sentence"),
    [
        ("/notes", {"text": " \x00 "}, "text", "Write something."),
        ("/notes", {"text": "x" * 10_001}, "text", "Use at most 10,000 characters."),
        ("/tasks", {"title": " ", "due_on": "2026-11-23"}, "title", "Say what is to be done."),
        ("/tasks", {"title": "x" * 201, "due_on": "2026-11-23"}, "title", "Use at most 200 characters."),
        ("/tasks", {"title": "Call", "due_on": ""}, "due_on", "Choose a day."),
        ("/tasks", {"title": "Call", "due_on": "soon"}, "due_on", "Not a valid date value."),
        ("/tasks", {"title": "Call", "due_on": "0001-01-01"}, "due_on", "Choose a day between 1990 and 2200."),
        ("/tasks", {"title": "Call", "due_on": "2026-11-23", "owner_id": "999"}, "owner_id", "Not a valid choice."),
    ],
)
@pytest.mark.parametrize("headers", [{}, PARTIAL])
def test_what_is_wrong_with_a_note_or_task_is_said_at_its_field(
    as_ada, priya, cast, path, sent, at_field, sentence, headers
):
    answer = as_ada.post(at(priya, path), data={"owner_id": str(cast.ada.id), **sent}, headers=headers)
    assert answer.status_code == 422
    assert Fields(answer.text).errors == {at_field: sentence}
    assert ("<main" in answer.text) is (not headers)
    assert db.session.scalar(sa.select(sa.func.count(Note.id))) == 0
    assert db.session.scalar(sa.select(sa.func.count(Task.id))) == 0


def test_a_task_is_given_done_opened_again_changed_and_deleted(as_ada, as_bo, priya, cast):
    sent = {"title": "Call about the offer", "due_on": "2026-11-30", "owner_id": str(cast.ada.id)}
    assert as_ada.post(at(priya, "/tasks"), data=sent).status_code == 303
    task = db.session.scalars(sa.select(Task)).one()
    assert (task.title, task.due_on, task.owner_id, task.by_id) == (
        "Call about the offer",
        date(2026, 11, 30),
        cast.ada.id,
        cast.ada.id,
    )
    assert "Call about the offer" in as_ada.get("/contacts/tasks").text
    part = as_ada.post(f"/contacts/tasks/{task.id}/done", headers=PARTIAL)
    assert 'id="timeline"' in part.text
    assert "Task done." in part.text
    db.session.expire_all()
    assert (task.done_at is not None, task.done_by_id) == (True, cast.ada.id)
    assert "Nothing to do" in as_ada.get("/contacts/tasks").text
    assert f'id="task-{task.id}"' in as_ada.get(at(priya)).text
    as_ada.post(f"/contacts/tasks/{task.id}/reopen")
    db.session.expire_all()
    assert (task.done_at, task.done_by_id) == (None, None)
    mine = as_ada.post(f"/contacts/tasks/{task.id}/done?in=mine", headers=PARTIAL).text
    assert 'id="my-tasks"' in mine
    assert "Nothing to do" in mine
    changed = {**sent, "title": "Write", "due_on": "2026-12-01", "owner_id": str(cast.bo.id)}
    assert as_ada.post(f"/contacts/tasks/{task.id}/edit", data=changed).status_code == 303
    assert as_ada.post(f"/contacts/tasks/{task.id}/edit", data={**changed, "title": ""}).status_code == 422
    db.session.expire_all()
    assert (task.title, task.owner_id) == ("Write", cast.bo.id)
    as_ada.post(f"/contacts/tasks/{task.id}/delete")
    db.session.expire_all()
    assert db.session.scalar(sa.select(sa.func.count(Task.id))) == 0


def test_ones_own_open_tasks_stand_on_a_page_the_most_urgent_first_and_those_of_others_do_not(as_ada, priya, cast):
    for title, day, owner in (("Later", 30, "ada"), ("Sooner", 24, "ada"), ("Of Bo", 23, "bo")):
        whose = getattr(cast, owner).id
        db.session.add(Task(person_id=priya.id, owner_id=whose, title=title, due_on=date(2026, 11, day)))
    for n in range(55):
        db.session.add(Task(person_id=priya.id, owner_id=cast.ada.id, title=f"T{n}", due_on=date(2027, 1, 1)))
    db.session.commit()
    page = as_ada.get("/contacts/tasks").text
    assert page.index("Sooner") < page.index("Later") < page.index("T0")
    assert "Of Bo" not in page
    older = next(given["href"] for _, given in Fields(page).tags if given.get("rel") == "next")
    assert as_ada.get(older).text.count('class="list__item"') == 7
    assert 'hx-get="/contacts/tasks"' in as_ada.get("/").text


@pytest.mark.parametrize(
    ("zone", "words"),
    [("UTC", "Today"), ("Pacific/Auckland", "Overdue since 8 Mar"), ("America/Los_Angeles", "Tomorrow")],
)
def test_a_task_is_due_by_the_viewers_day_also_where_clocks_change(app, priya, cast, zone, words):
    db.session.get_one(User, cast.ada.id).time_zone = zone
    db.session.add(Task(person_id=priya.id, owner_id=cast.ada.id, title="Call", due_on=date(2026, 3, 8)))
    db.session.commit()
    hour = {"UTC": 12, "Pacific/Auckland": 12, "America/Los_Angeles": 4}[zone]  # 8 March: Los Angeles springs forward
    with time_machine.travel(datetime(2026, 3, 8, hour, tzinfo=UTC), tick=False):
        assert words in app.test_client().sign_in(cast.ada).get("/contacts/tasks").text


@pytest.mark.parametrize(
    ("due_on", "words"),
    [
        (date(2026, 11, 22), ("Overdue since 22 Nov", "bad")),
        (date(2025, 1, 2), ("Overdue since 2 Jan 2025", "bad")),
        (date(2026, 11, 23), ("Today", "warn")),
        (date(2026, 11, 24), ("Tomorrow", None)),
        (date(2027, 1, 4), ("4 Jan 2027", None)),
    ],
)
def test_due_days_in_words(due_on, words):
    assert due_words(due_on, on=date(2026, 11, 23)) == words


def test_the_timeline_has_calls_notes_and_finished_tasks_by_time(as_ada, priya, cast):
    db.session.add_all(
        [
            outbound(cast.ada.id, person_id=priya.id, at=after(60)),
            outbound(cast.root.id, person_id=priya.id, at=after(61)),  # not hers to see
            Note(person_id=priya.id, by_id=cast.bo.id, text="First", created_at=NOON),
            Note(person_id=priya.id, by_id=cast.bo.id, text="Last", created_at=after(180)),
            Task(person_id=priya.id, owner_id=cast.ada.id, title="Did it", due_on=date(2026, 1, 1), done_at=after(120)),
            Task(person_id=priya.id, owner_id=cast.ada.id, title="Still open", due_on=date(2026, 1, 1)),
        ]
    )
    db.session.commit()
    part = as_ada.get(f"/calls/with/{priya.id}", headers=PARTIAL).text
    order = [part.index(words) for words in ("Last", "Did it", "Outgoing call", "First")]
    assert order == sorted(order)
    assert part.count('class="timeline__entry"') == 4
    assert "Still open" not in part
    assert "Show more" not in part


def test_a_long_timeline_shows_more_when_asked(as_ada, priya, cast):
    db.session.add_all([Note(person_id=priya.id, text=f"N{n}", created_at=after(n)) for n in range(45)])
    db.session.commit()
    for show, count, more in ((None, 20, 40), (40, 40, 60), (60, 45, None), (10**9, 45, None), ("x", 20, 40)):
        part = as_ada.get(f"/calls/with/{priya.id}", query_string={"show": show}, headers=PARTIAL).text
        assert part.count('class="timeline__entry"') == count
        assert (f"show={more}" in part) is (more is not None)


def test_markup_in_tags_notes_and_tasks_stays_text(as_ada, priya, cast):
    tag(as_ada, priya, PAYLOAD[:40])
    as_ada.post(at(priya, "/notes"), data={"text": PAYLOAD})
    sent = {"title": PAYLOAD, "due_on": "2026-11-23", "owner_id": str(cast.ada.id)}
    as_ada.post(at(priya, "/tasks"), data=sent)
    task, note = db.session.scalars(sa.select(Task.id)).one(), db.session.scalars(sa.select(Note.id)).one()
    pages = [as_ada.get(one).text for one in (at(priya), PERSONS, "/contacts/tasks", "/contacts/tags/suggestions")]
    pages += [as_ada.get(f"/contacts/tasks/{task}/edit").text, as_ada.get(f"/contacts/notes/{note}/edit").text]
    as_ada.post(f"/contacts/tasks/{task}/done")
    pages += [as_ada.get(at(priya)).text, as_ada.get(f"/calls/with/{priya.id}", headers=PARTIAL).text]
    pages += [as_ada.post(at(priya, "/tags"), data={"tag": PAYLOAD}, headers=PARTIAL).text]
    for page in pages:
        assert not [kind for kind, given in Fields(page).tags if "onerror" in given or given.get("src") == "x"]
        assert not [kind for kind, given in Fields(page).tags if kind == "script" and not given.get("src")]


def test_with_a_deleted_person_go_their_tags_notes_and_tasks(as_ada, priya, cast):
    tag(as_ada, priya, "VIP")
    db.session.add(Note(person_id=priya.id, text="x"))
    db.session.add(Task(person_id=priya.id, owner_id=cast.ada.id, title="x", due_on=date(2026, 1, 1)))
    db.session.commit()
    assert as_ada.post(at(priya, "/delete")).status_code == 303
    for model in (Note, Task, Tagging):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(model)) == 0


def test_who_may_only_see_reads_notes_and_changes_none(app, cast, priya):
    db.session.add(Note(person_id=priya.id, by_id=cast.mallory.id, text="Readable"))
    db.session.add(Task(person_id=priya.id, owner_id=cast.mallory.id, title="Open", due_on=date(2026, 1, 1)))
    mallory = db.session.get_one(User, cast.mallory.id)
    mallory.roles.append(Role(name="reader", permissions=[Can.VIEW_CONTACTS]))
    db.session.commit()
    reader = app.test_client().sign_in(cast.mallory)
    page = reader.get(at(priya)).text
    assert "Readable" in page
    assert "Open" in page
    assert "hx-post" not in page.split('id="timeline"')[1].split("<confirm-dialog")[0]
    assert "hx-post" not in reader.get("/contacts/tasks").text.split("<main")[1].split("</main>")[0]
    for path in ("notes/1/edit", "notes/1/delete", "tasks/1/done", "tasks/1/reopen", "tasks/1/edit", "tasks/1/delete"):
        assert reader.post(f"/contacts/{path}").status_code == 403
    for path in ("/notes", "/tasks", "/tags", "/tags/1/remove"):
        assert reader.post(at(priya, path)).status_code == 403
