"""Pages of routes, ring groups and the simulator: who may see them, what they save, what they refuse and say."""

from __future__ import annotations

import re

import pytest
from cast import SALES, SUPPORT

from voipcrm.accounts.audit import AuditEntry
from voipcrm.accounts.models import Presence, Role, User
from voipcrm.core import clock
from voipcrm.core.db import db
from voipcrm.routes.models import InboundRoute, RingGroup, RouteStep
from voipcrm.trunks.models import Line

LIST, CREATE, GROUPS = "/admin/voip/routes", "/admin/voip/routes/create", "/admin/voip/routes/groups"
XSS = "<script>alert(1)</script>\"'><img src=x>"


def filled(**more) -> dict:
    """The form of a route that is in order."""
    return {
        "description": "Evenings",
        "did": "any",
        "prefix": "",
        "caller_prefix": "",
        "active": "y",
        "time_zone": "",
        "holidays": "",
        "closed_message": "",
        "message": "",
        **{f"days-{day}": "" for day in range(7)},
        **more,
    }


def step(at: int, *people: int, group: int = 0, seconds: str = "20") -> dict:
    return {
        f"steps-{at}-kind": "people",
        f"steps-{at}-people": list(people),
        f"steps-{at}-group_id": group,
        f"steps-{at}-ring_seconds": seconds,
    }


def number_step(at: int, number: str, seconds: str = "20") -> dict:
    return {
        f"steps-{at}-kind": "number",
        f"steps-{at}-group_id": 0,
        f"steps-{at}-number": number,
        f"steps-{at}-ring_seconds": seconds,
    }


def descriptions(app) -> list[str]:
    with app.app_context():
        return [one.description for one in db.session.scalars(InboundRoute.in_order())]


def route_id(app, description: str) -> int:
    with app.app_context():
        return db.session.scalars(db.select(InboundRoute.id).where(InboundRoute.description == description)).one()


@pytest.mark.parametrize("path", [LIST, CREATE, GROUPS, GROUPS + "/create", LIST + "/simulator"])
def test_only_those_who_set_up_routes_see_the_pages(path, as_root, as_ada, as_bo, as_mallory):
    assert as_root.get(path, follow_redirects=True).status_code == 200
    for person in (as_ada, as_bo, as_mallory):
        assert person.get(path, follow_redirects=True).status_code == 404


def test_one_right_opens_one_place_and_one_link(app, cast, as_mallory):
    with app.app_context():
        mallory = db.session.get(User, cast.mallory.id)
        mallory.roles = [Role(name="router", permissions=["voip.admin.routes"])]
        db.session.commit()
    page = as_mallory.get(LIST)
    assert page.status_code == 200
    assert "Inbound routes" in page.text
    assert "/admin/voip/numbers" not in page.text
    assert as_mallory.get("/admin/voip/numbers").status_code == 404


def test_routes_stand_in_their_order_in_plain_words(as_root):
    text = as_root.get(LIST).text
    places = [text.index(words) for words in ("Calls to Sales line", "Calls to Support", "Calls to any number")]
    assert places == sorted(places)
    assert "Rings Ada Ortiz and Bo Becker for 25 s." in text
    assert "Then says that nobody can take the call." in text


def test_an_empty_house_says_what_callers_hear(app, cast, as_root):
    with app.app_context():
        for one in db.session.query(InboundRoute):
            db.session.delete(one)
        db.session.commit()
    text = as_root.get(LIST).text
    assert "No routes yet" in text
    assert "Calls without a route" in text


def test_a_route_is_added_above_the_catch_all_and_saved_whole(app, cast, as_root):
    form = filled(
        did=f"line:{cast.sales_id}",
        caller_prefix="+49 (0) 30".replace(" (0)", ""),
        keeps_hours="y",
        **{"days-0": "9-12, 13-17", "days-6": "22:00-6:00"},
        time_zone="Europe/Berlin",
        holidays="2026-12-25 Christmas",
        closed_message="Closed.",
        message="Bye.",
        **step(0, cast.ada.id, cast.bo.id),
        **number_step(1, "(212) 555-0199", "15"),
    ) | {"days-0": "9-12, 13-17"}
    answer = as_root.post(CREATE, data=form)
    assert (answer.status_code, answer.location) == (303, LIST + "/")
    assert descriptions(app) == ["ada", "ada and bo", "Evenings", "bo"]
    with app.app_context():
        made = db.session.query(InboundRoute).filter_by(description="Evenings").one()
        assert (made.line_id, made.caller_prefix, made.time_zone) == (cast.sales_id, "+4930", "Europe/Berlin")
        assert made.hours == [[[540, 720], [780, 1020]], [], [], [], [], [], [[1320, 360]]]
        assert made.holidays == ["2026-12-25 Christmas"]
        first, second = made.steps
        assert [one.user_id for one in first.people] == [cast.ada.id, cast.bo.id]
        assert (second.kind, second.number, second.ring_seconds) == ("number", "+12125550199", 15)


def test_a_second_catch_all_comes_last(app, as_root, cast):
    as_root.post(CREATE, data=filled(**step(0, cast.ada.id)))
    assert descriptions(app)[-1] == "Evenings"


def test_the_form_shows_what_was_saved_and_saves_it_unchanged(app, cast, as_root):
    as_root.post(
        CREATE,
        data=filled(did="prefix", prefix="+1 202", keeps_hours="y", **step(0, cast.ada.id)) | {"days-2": "8:30-12"},
    )
    path = f"{LIST}/{route_id(app, 'Evenings')}/edit"
    page = as_root.get(path).text
    assert 'value="+1202"' in page
    assert 'value="8:30-12:00"' in page
    assert re.search(rf'checked[^>]*value="{cast.ada.id}"', page)
    assert as_root.post(path, data=filled(description="Mornings", **step(0, cast.bo.id))).status_code == 303
    assert "Mornings" in descriptions(app)
    with app.app_context():
        made = db.session.query(InboundRoute).filter_by(description="Mornings").one()
        assert (made.prefix, made.hours, [one.user_id for one in made.steps[0].people]) == ("", [], [cast.bo.id])
        assert db.session.query(RouteStep).filter_by(route_id=made.id).count() == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"description": ""}, "Enter a name."),
        ({"description": "x" * 121}, "at most 120"),
        ({"did": "line:999999"}, "Not a valid choice"),
        ({"did": "prefix", "prefix": "202"}, r"like \+1 202"),
        ({"caller_prefix": "forty-nine"}, r"like \+49"),
        ({"days-3": "nine to five"}, "Write hours like"),
        ({"keeps_hours": "y"}, "hours of at least one day"),
        ({"time_zone": "Mars/Base"}, "Not a valid choice"),
        ({"holidays": "Christmas"}, "does not begin with a date"),
        ({"message": "x" * 1001}, "at most 1,000"),
        (step(0), "Choose at least one person"),
        (step(0, 999_999), "not valid choices|not a valid choice"),
        (step(0, 1, seconds="2"), "Enter 5 to 120 seconds."),
        (step(0, 1, seconds=""), "Enter 5 to 120 seconds."),
        (number_step(0, "12"), "too short"),
        (number_step(0, "+1 900 555 1234"), "can’t be called from here"),
        (number_step(0, "+49 30 901820"), "not allowed"),
        (number_step(0, SUPPORT), "number of ours"),
        ({**step(0, 1), "steps-0-kind": "teleport"}, ""),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence_and_nothing_is_saved(app, as_root, wrong, sentence):
    before = descriptions(app)
    answer = as_root.post(CREATE, data=filled(**wrong))
    assert answer.status_code == 422
    assert re.search(sentence, answer.text, re.IGNORECASE)
    assert descriptions(app) == before


def test_steps_are_added_moved_and_removed_without_saving(app, cast, as_root):
    two = {**step(0, cast.ada.id), **number_step(1, "212 555 0199")}

    def titles(**more) -> list[str]:
        page = as_root.post(CREATE, data=filled(**more))
        assert page.status_code == 200
        return re.findall(r"Step \d+: ([a-z ]+)<", page.text)

    assert titles(**two, add="people") == ["ring people", "call a number", "ring people"]
    assert titles(**two, add="number") == ["ring people", "call a number", "call a number"]
    assert titles(**two, change="steps-1:up") == ["call a number", "ring people"]
    assert titles(**two, change="steps-0:down") == ["call a number", "ring people"]
    assert titles(**two, change="steps-0:remove") == ["call a number"]
    assert titles(**two, change="steps-9:up") == ["ring people", "call a number"]
    ten = {name: value for at in range(10) for name, value in step(at, cast.ada.id).items()}
    assert len(titles(**ten, add="people")) == 10
    assert len(descriptions(app)) == 3


def test_a_partial_is_the_form_alone(as_root):
    page = as_root.post(
        CREATE, data=filled(add="people"), headers={"HX-Request": "true", "HX-Request-Type": "partial"}
    ).text
    assert page.lstrip().startswith("<form")


def test_routes_move_up_and_down_and_no_further_than_the_ends(app, as_root):
    def move(name: str, to: str) -> int:
        return as_root.post(f"{LIST}/{route_id(app, name)}/moves", data={"to": to}).status_code

    assert move("bo", "up") == 303
    assert descriptions(app) == ["ada", "bo", "ada and bo"]
    move("ada", "up")
    move("ada and bo", "down")
    assert descriptions(app) == ["ada", "bo", "ada and bo"]
    move("ada", "down")
    assert descriptions(app) == ["bo", "ada", "ada and bo"]
    assert move("bo", "sideways") == 422


def test_a_route_is_deleted_after_a_question(app, as_root):
    path = f"{LIST}/{route_id(app, 'ada')}/delete"
    assert "Delete ada?" in as_root.get(path).text
    assert as_root.post(path).status_code == 303
    assert descriptions(app) == ["ada and bo", "bo"]
    assert as_root.post(path).status_code == 404


def test_texts_of_people_are_text(app, cast, as_root):
    as_root.post(GROUPS + "/create", data={"name": XSS, "strategy": "all", "members-0": cast.ada.id})
    with app.app_context():
        group = db.session.query(RingGroup).one()
        assert group.name == XSS
        group_id = group.id
    made = filled(description=XSS, message=XSS, closed_message=XSS, **step(0, group=group_id))
    assert as_root.post(CREATE, data=made).status_code == 303
    simulated = f"{LIST}/simulator?to={SALES}&caller=%3Cscript%3Ealert"
    for path in (LIST, GROUPS, f"{LIST}/{route_id(app, XSS)}/edit", simulated):
        assert "<script>alert" not in as_root.get(path, follow_redirects=True).text


def test_groups_are_made_changed_and_used(app, cast, as_root):
    path = GROUPS + "/create"
    assert "No ring groups yet" in as_root.get(GROUPS, follow_redirects=True).text
    form = {"name": "Crew", "strategy": "in-order", "members-0": cast.bo.id, "members-1": 0, "members-2": cast.ada.id}
    assert as_root.post(path, data=form).status_code == 303
    with app.app_context():
        group = db.session.query(RingGroup).one()
        assert [one.user_id for one in group.members] == [cast.bo.id, cast.ada.id]
        group_id = group.id
    assert "Bo Becker and Ada Ortiz" in as_root.get(GROUPS, follow_redirects=True).text
    edit = f"{GROUPS}/{group_id}/edit"
    changed = {"name": "Crew", "strategy": "all", "members-0": cast.ada.id}
    assert as_root.post(edit, data=changed).status_code == 303
    with app.app_context():
        assert [one.user_id for one in db.session.query(RingGroup).one().members] == [cast.ada.id]

    as_root.post(CREATE, data=filled(**step(0, group=group_id)))
    assert "Evenings" in as_root.get(GROUPS, follow_redirects=True).text
    refused = as_root.post(f"{GROUPS}/{group_id}/delete")
    assert refused.status_code == 422
    assert "while routes ring it: “Evenings”" in refused.text
    as_root.post(f"{LIST}/{route_id(app, 'Evenings')}/delete")
    assert "No route rings it" in as_root.get(f"{GROUPS}/{group_id}/delete").text
    assert as_root.post(f"{GROUPS}/{group_id}/delete").status_code == 303
    with app.app_context():
        assert db.session.query(RingGroup).count() == 0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "Crew"}, "There is a ring group of this name."),
        ({"members-0": 0}, "Choose at least one person."),
        ({"members-1": "ada"}, "already in the list"),
        ({"strategy": "loudest"}, "Not a valid choice"),
        ({"members-0": 999_999}, "Not a valid choice"),
    ],
)
def test_a_group_that_makes_no_sense_is_refused(app, cast, as_root, wrong, sentence):
    with app.app_context():
        db.session.add(RingGroup(name="Crew"))
        db.session.commit()
    wrong = {name: cast.ada.id if value == "ada" else value for name, value in wrong.items()}
    form = {"name": "Other", "strategy": "all", "members-0": cast.ada.id} | wrong
    answer = as_root.post(GROUPS + "/create", data=form)
    assert answer.status_code == 422
    assert sentence in answer.text


def test_rows_of_a_group_are_added_moved_and_removed_without_saving(app, cast, as_root):
    form = {"name": "Crew", "strategy": "all", "members-0": cast.ada.id, "members-1": cast.bo.id}

    def chosen(**more) -> list[str]:
        page = as_root.post(GROUPS + "/create", data={**form, **more}).text
        return re.findall(r'<option selected value="(\d+)"', page)

    assert chosen(change="members-1:up") == [str(cast.bo.id), str(cast.ada.id)]
    assert chosen(change="members-0:remove") == [str(cast.bo.id)]
    assert chosen(add="members") == [str(cast.ada.id), str(cast.bo.id), "0"]


def test_the_focus_stays_with_the_row_that_was_moved(app, cast, as_root):
    def focus(path: str, **sent) -> list[str]:
        page = as_root.post(path, data=sent).text
        focused = [tag for tag in re.findall(r"<[^>]*>", page) if " autofocus" in tag]
        return [re.search(r'value="([^"]*)"', tag)[1] for tag in focused]

    three = filled(**{name: value for at in range(3) for name, value in number_step(at, "212 555 0199").items()})
    buttons = {
        "steps-2:up": "steps-1:up",
        "steps-1:up": "steps-0:down",  # it came to the top, where there is no arrow up
        "steps-0:down": "steps-1:down",
        "steps-1:down": "steps-2:up",
        "steps-0:remove": "steps-0:remove",
        "steps-2:remove": "steps-1:remove",
    }
    for pressed, then in buttons.items():
        assert focus(CREATE, **three, change=pressed) == [then]
    one = filled(**number_step(0, "212 555 0199"))
    assert focus(CREATE, **one, change="steps-0:remove") == ["people"], "the button that adds a step"
    members = {"name": "Crew", "strategy": "all", "members-0": cast.ada.id, "members-1": cast.bo.id}
    assert focus(GROUPS + "/create", **members, change="members-1:up") == ["members-0:down"]


def test_the_simulator_tells_what_would_happen(app, cast, as_root):
    with app.app_context():
        Presence.report(cast.ada.id, "available")
        db.session.commit()
    page = as_root.get(f"{LIST}/simulator?to=202+555+0141&caller=&at=2026-12-25T09:10").text
    assert "Step 1 rings Ada Ortiz for 25 s." in page
    assert "Not Bo Becker: offline" in page
    assert "It fits: calls to Support." in page
    assert "It is only for calls to Sales line." in page
    assert "Takes the call" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("to=", "Enter a phone number."),
        ("to=12", "too short"),
        (f"to=%2B{SALES[1:]}&caller=hello", "not a phone number"),
        (f"to=%2B{SALES[1:]}&at=yesterday", "date and time like"),
        (f"to=%2B{SALES[1:]}&at=0001-01-01T00:00%2B14:00", "date and time like"),
    ],
)
def test_the_simulator_says_what_it_does_not_understand(as_root, query, sentence):
    answer = as_root.get(f"{LIST}/simulator?{query}")
    assert answer.status_code == 422
    assert sentence in answer.text


def test_an_edit_of_a_route_of_a_retired_line_keeps_it_and_new_ones_do_not_offer_it(app, cast, as_root):
    with app.app_context():
        db.session.get(Line, cast.sales_id).retired_at = clock.now()
        db.session.commit()
    assert f'value="line:{cast.sales_id}"' not in as_root.get(CREATE).text
    assert f'value="line:{cast.sales_id}"' in as_root.get(f"{LIST}/{route_id(app, 'ada')}/edit").text
    assert f'value="line:{cast.support_id}"' in as_root.get(f"{CREATE}?line={cast.support_id}").text


def test_what_an_admin_changes_is_in_the_audit_log(app, as_root, cast):
    first = descriptions(app)[0]
    as_root.post(f"{LIST}/{route_id(app, first)}/moves", data={"to": "down"})
    as_root.post(f"{LIST}/{route_id(app, first)}/delete")
    as_root.post(CREATE, data=filled(**step(0, cast.ada.id)))
    with app.app_context():
        entries = db.session.query(AuditEntry).order_by(AuditEntry.id).all()
        assert [one.verb for one in entries] == ["moved", "deleted", "created"]
        assert {one.user_name for one in entries} == {"Root Admin"}
        assert entries[1].before["for"] == "Calls to Sales line"
        assert "rings Ada Ortiz" in " ".join(entries[2].after["does"]).replace("Rings", "rings")
