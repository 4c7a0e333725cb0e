"""Whom a call is with: matched with a reason, chosen by people, remembered, and undone."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from contacts.people import contact

from calls.call_rows import PRIYA, after, inbound, internal, outbound
from voipcrm.calls import linking
from voipcrm.calls.models import Call
from voipcrm.contacts.choices import NumberChoice
from voipcrm.contacts.matching import match
from voipcrm.contacts.models import Person, PhoneNumber
from voipcrm.core.db import db


@pytest.fixture
def keep(context):
    """keep(call, …): commits them; their public ids."""

    def commit(*calls: Call) -> list[str]:
        db.session.add_all(calls)
        db.session.commit()
        return [call.public_id for call in calls]

    return commit


def match_now(number: str = PRIYA, **more):
    found = match(db.session.connection(), number, **more)
    db.session.rollback()
    return found


def of(public_id: str) -> Call:
    db.session.rollback()
    return db.session.scalars(sa.select(Call).where(Call.public_id == public_id)).one()


def link(browser, public_id: str, person: int, scope: str = "call", **more):
    return browser.post(f"/calls/{public_id}/contact", data={"person": person, "for": scope, **more})


def undo(browser, public_id: str):
    relink = linking.to_undo(linking.decisions(of(public_id)))
    assert relink is not None
    return browser.post(f"/calls/{public_id}/contact/undo/{relink.id}")


def test_the_reason_names_the_number_and_what_it_is_to_the_person(context):
    ana = contact("Ana Silva")
    ana.numbers = [PhoneNumber(number=PRIYA, label="mobile")]
    db.session.commit()
    assert match_now().reason == f"{PRIYA} is Ana Silva's mobile number."


def test_of_those_who_share_a_number_the_one_changed_last_is_meant_until_somebody_chooses(context, keep, as_ada, cast):
    ana, ben = (contact(name, numbers=(PRIYA,)) for name in ("Ana Silva", "Ben Okafor"))
    (public_id,) = keep(inbound(rung=[cast.ada.id], by=cast.ada.id))
    assert match_now().person_id == ben.id
    assert "shared by 2 people" in match_now().reason
    link(as_ada, public_id, ana.id, "number")
    assert match_now().person_id == ana.id
    assert match_now().reason == "The number was given to this person by Ada Ortiz."
    assert match_now(preferred=ben.id).person_id == ben.id
    link(as_ada, public_id, 0, "number")
    assert match_now() is None


def test_a_link_for_one_call_leaves_the_others_and_the_future_alone(context, keep, as_ada, cast):
    ana, ben = contact("Ana Silva", numbers=(PRIYA,)), contact("Ben Okafor")
    first, second = keep(
        *(inbound(rung=[cast.ada.id], by=cast.ada.id, person_id=ana.id, person_reason="Before.") for _ in range(2))
    )
    answer = link(as_ada, first, ben.id)
    assert (answer.status_code, answer.location) == (303, f"/calls/{first}")
    assert (of(first).person_id, of(second).person_id) == (ben.id, ana.id)
    assert of(first).person_reason == "The call was linked by Ada Ortiz."
    assert match_now().person_id == ana.id
    page = as_ada.get(f"/calls/{first}").text
    assert "Ada Ortiz linked the call to Ben Okafor" in page
    undo(as_ada, first)
    assert (of(first).person_id, of(first).person_reason) == (ana.id, "Before.")
    assert "Ada Ortiz undid the link to Ben Okafor" in as_ada.get(f"/calls/{first}").text


def test_a_link_for_the_number_gives_it_to_the_person_and_undo_takes_all_of_it_back(context, keep, as_ada, as_bo, cast):
    ana, ben = contact("Ana Silva", numbers=(PRIYA,)), contact("Ben Okafor")
    mine, bos, other = keep(
        inbound(rung=[cast.ada.id], by=cast.ada.id, person_id=ana.id, person_reason="Before."),
        outbound(cast.bo.id),
        inbound(rung=[cast.ada.id], by=cast.ada.id, number="+13125550199"),
    )
    link(as_ada, mine, ben.id, "number")
    assert [of(one).person_id for one in (mine, bos, other)] == [ben.id, ben.id, None]
    assert [one.number for one in db.session.get_one(Person, ben.id).numbers] == [PRIYA]
    assert match_now().person_id == ben.id
    assert undo(as_bo, mine).status_code == 303
    assert [of(one).person_id for one in (mine, bos, other)] == [ana.id, None, None]
    assert of(mine).person_reason == "Before."
    assert db.session.get_one(Person, ben.id).numbers == []
    assert match_now().person_id == ana.id
    assert db.session.scalars(sa.select(NumberChoice)).all() == []


def test_undo_brings_the_choice_before_back_and_spares_calls_linked_since(context, keep, as_ada, cast):
    ana, ben, eve = (contact(name, numbers=(PRIYA,)) for name in ("Ana Silva", "Ben Okafor", "Eve Moss"))
    first, second = keep(*(inbound(rung=[cast.ada.id], by=cast.ada.id) for _ in range(2)))
    link(as_ada, first, ana.id, "number")
    link(as_ada, first, ben.id, "number")
    link(as_ada, second, eve.id)
    undo(as_ada, first)
    assert (of(first).person_id, of(second).person_id) == (ana.id, eve.id)
    assert match_now().person_id == ana.id


def test_undoing_twice_or_what_another_did_since_does_nothing(context, keep, as_ada, cast):
    ana, ben = contact("Ana Silva", numbers=(PRIYA,)), contact("Ben Okafor", numbers=(PRIYA,))
    (public_id,) = keep(inbound(rung=[cast.ada.id], by=cast.ada.id))
    link(as_ada, public_id, ana.id)
    stale = linking.to_undo(linking.decisions(of(public_id)))
    link(as_ada, public_id, ben.id)
    as_ada.post(f"/calls/{public_id}/contact/undo/{stale.id}")
    assert of(public_id).person_id == ben.id
    assert "meanwhile" in as_ada.get(f"/calls/{public_id}").text


def test_the_chooser_offers_who_shares_the_number_finds_others_and_says_what_is_missing(context, keep, as_ada, cast):
    for name in ("Ana Silva", "Ben Okafor"):
        contact(name, numbers=(PRIYA,))
    contact("Zoe Marsh", "Acme")
    (public_id,) = keep(inbound(rung=[cast.ada.id], by=cast.ada.id))
    page = as_ada.get(f"/calls/{public_id}/contact?q=zoe").text
    assert "2 people share (312) 555-0100" in page
    assert "Zoe Marsh" in page
    assert "Nobody else matches" in as_ada.get(f"/calls/{public_id}/contact?q=nothing").text
    answer = as_ada.post(f"/calls/{public_id}/contact", data={"for": "call"})
    assert answer.status_code == 422
    assert "Choose somebody, or nobody." in answer.text


def test_a_hidden_number_links_one_call_only(context, keep, as_ada, cast):
    ana = contact("Ana Silva")
    (public_id,) = keep(inbound(rung=[cast.ada.id], by=cast.ada.id, number=None, peer_text="Anonymous"))
    assert link(as_ada, public_id, ana.id, "number").status_code == 422
    assert link(as_ada, public_id, ana.id).status_code == 303
    assert of(public_id).person_id == ana.id


def test_a_new_contact_from_a_call_takes_all_calls_with_its_number(context, keep, as_ada, cast):
    first, second = keep(*(inbound(rung=[cast.ada.id], by=cast.ada.id) for _ in range(2)))
    assert 'value="(312) 555-0100"' in as_ada.get(f"/calls/{first}/contact/create").text
    form = {"name": "Ana Silva", "company": "", "owner_id": "0", "note": ""}
    refused = as_ada.post(f"/calls/{first}/contact/create", data={**form, "name": ""})
    assert (refused.status_code, "Enter a name." in refused.text) == (422, True)
    as_ada.post(f"/calls/{first}/contact/create", data={**form, "numbers-0-number": PRIYA, "numbers-0-label": "work"})
    ana = db.session.scalars(sa.select(Person)).unique().one()
    assert (of(first).person_id, of(second).person_id) == (ana.id, ana.id)


def test_the_phone_s_card_says_why_and_links_in_place(context, keep, as_ada, cast):
    ana, ben = (contact(name, numbers=(PRIYA,)) for name in ("Ana Silva", "Ben Okafor"))
    (public_id,) = keep(
        inbound(rung=[cast.ada.id], by=cast.ada.id, person_id=ben.id, person_reason="The call was placed.")
    )
    card = as_ada.get(f"/calls/{public_id}/contact/card").text
    assert "Linked because the call was placed." in card
    assert "It is Ana Silva" in card
    assert "It is Ben Okafor" not in card
    answer = link(as_ada, public_id, ana.id, **{"in": "phone"})
    assert answer.headers["HX-Trigger"] == "voipcrm:call-linked"
    assert "It is Ben Okafor" in answer.text
    assert of(public_id).person_id == ana.id


@pytest.mark.parametrize("path", ["", "/create", "/card"])
def test_calls_of_others_and_of_nobody_are_not_found(context, keep, client, as_ada, as_mallory, cast, path):
    (bos,) = keep(outbound(cast.bo.id))
    assert as_ada.get(f"/calls/{bos}/contact{path}").status_code == 404
    assert as_mallory.get(f"/calls/{bos}/contact{path}").status_code == 404


def test_a_call_between_colleagues_has_no_contact_to_choose(context, keep, as_ada, cast):
    (public_id,) = keep(internal(cast.ada.id, cast.bo.id))
    assert as_ada.get(f"/calls/{public_id}/contact").status_code == 404
    assert "Linked" not in as_ada.get(f"/calls/{public_id}/contact/card").text


def test_the_history_offers_to_add_whom_nobody_knows(context, keep, as_ada, cast):
    ana = contact("Ana Silva")
    unknown, known = keep(outbound(cast.ada.id), outbound(cast.ada.id, person_id=ana.id, at=after(60)))
    page = as_ada.get("/calls").text
    assert f'href="/calls/{unknown}/contact"' in page
    assert f'href="/calls/{known}/contact"' not in page
