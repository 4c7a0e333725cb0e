"""Pages of organizations, over HTTP."""

import pytest
import sqlalchemy as sa
from calls.call_rows import outbound
from contacts.people import contact
from contacts.test_pages import PAYLOAD, Fields

from voipcrm.accounts.models import Role, User
from voipcrm.accounts.permissions import Can
from voipcrm.contacts.models import Organization, Person
from voipcrm.core.db import db

INDEX = "/contacts/organizations"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


def organization(name: str, **more: str) -> Organization:
    row = Organization(name=name, **more)
    db.session.add(row)
    db.session.commit()
    return row


def the_one() -> Organization:
    return db.session.scalars(sa.select(Organization)).one()


def test_an_organization_is_added_changed_and_shown_with_its_people(as_ada, context):
    answer = as_ada.post(
        f"{INDEX}/create", data={"name": " Acme\tDental ", "website": "www.acme.example/a", "note": "VIP"}
    )
    acme = the_one()
    assert (answer.status_code, answer.location) == (303, f"{INDEX}/{acme.id}")
    assert (acme.name, acme.website, acme.note) == ("Acme Dental", "https://www.acme.example/a", "VIP")
    contact("Priya Raman", "acme dental", numbers=("+14155550142",))
    contact("Somebody Else")
    page = as_ada.get(answer.location).text
    assert "Priya Raman" in page
    assert "Somebody Else" not in page
    assert 'href="https://www.acme.example/a" target="_blank" rel="noopener noreferrer"' in page
    assert f'hx-get="/calls/with-organization/{acme.id}"' in page
    assert f'href="{INDEX}/{acme.id}"' in as_ada.get("/contacts/persons").text

    as_ada.post(f"{INDEX}/{acme.id}/edit", data={"name": "Zahn AG", "website": "", "note": ""})
    db.session.expire_all()
    assert (the_one().name, the_one().website) == ("Zahn AG", "")
    assert "Priya Raman" in as_ada.get("/contacts/persons?q=zahn").text


@pytest.mark.parametrize(
    ("fields", "at", "sentence"),
    [
        ({"name": ""}, "name", "Enter a name."),
        ({"name": " \u0301 "}, "name", "Enter a name."),
        ({"name": "x" * 201}, "name", "Use at most 200 characters."),
        ({"name": "ÄCME"}, "name", "There is an organization of this name already."),
        ({"note": "x" * 10_001}, "note", "Use at most 10,000 characters."),
        *(
            ({"website": bad}, "website", "This is not a web address. It reads like www.example.com.")
            for bad in ("javascript:alert(1)", "acme", "http://", "https://a b.example", "data:text/html,x", 'x.y/"')
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(as_ada, context, fields, at, sentence):
    organization("Acme")
    answer = as_ada.post(f"{INDEX}/create", data={"name": "New", "website": "", "note": "", **fields})
    assert answer.status_code == 422
    assert Fields(answer.text).errors == {at: sentence}
    assert the_one().name == "Acme"


def test_an_organization_keeps_its_name_when_only_its_writing_changes(as_ada, context):
    acme = organization("acme")
    assert as_ada.post(f"{INDEX}/{acme.id}/edit", data={"name": "ACME"}).status_code == 303


def test_organizations_are_found_as_persons_are_and_listed_with_how_many_people_they_have(as_ada, context):
    contact("Priya Raman", "Acme Dental")
    contact("Bea", "Acme Dental")
    organization("Ünal Travel", website="https://unal.example")
    page = as_ada.get(INDEX).text
    assert page.index("Acme Dental") < page.index("Ünal Travel")
    assert '<td class="table__end num">2</td>' in page
    for query, names in {
        "dent": 1,
        "UNAL": 1,
        "travel unal": 1,
        "unal.exam": 1,
        "ac": 1,
        "cme": 1,
        "zzz": 0,
        "me": 0,
    }.items():
        part = as_ada.get(INDEX, query_string={"q": query}, headers=PARTIAL).text
        assert part.count("<tr>") - (1 if names else 0) == names, query
    assert "No organization matches “zzz”" in part or "“me”" in part


def test_pages_of_organizations_hold_each_once(as_ada, context, monkeypatch):
    db.session.add_all([Organization(name=f"Company {at:02}") for at in range(55)])
    db.session.commit()
    first = as_ada.get(INDEX).text
    older = next(given["href"] for _, given in Fields(first).tags if given.get("rel") == "next")
    second = as_ada.get(older).text
    listed = [page.count(f"Company {at:02}</a>") for page in (first, second) for at in range(55)]
    assert sum(listed) == 55
    assert max(listed) == 1


def test_empty_lists_say_what_will_be_there(as_ada, context):
    assert "No organizations yet" in as_ada.get(INDEX).text
    acme = organization("Acme")
    assert "Nobody yet" in as_ada.get(f"{INDEX}/{acme.id}").text
    part = as_ada.get(f"/calls/with-organization/{acme.id}", headers=PARTIAL).text
    assert "No calls yet" in part


def test_a_deleted_organization_leaves_its_people(as_ada, context):
    person = contact("Priya Raman", "Acme")
    address = f"{INDEX}/{person.organization_id}"
    assert "Delete Acme?" in as_ada.get(f"{address}/delete").text
    assert as_ada.post(f"{address}/delete").location == INDEX
    db.session.expire_all()
    assert db.session.scalars(sa.select(Person)).unique().one().company == ""
    assert as_ada.get(address).status_code == 404
    assert "Nobody matches" in as_ada.get("/contacts/persons?q=acme").text
    assert "No organization matches" in as_ada.get(f"{INDEX}?q=acme").text


def test_only_calls_that_the_viewer_may_see_stand_on_an_organizations_page(as_ada, cast, context):
    person = contact("Priya Raman", "Acme", numbers=("+13125550100",))
    other = contact("Not of Acme", numbers=("+13125550101",))
    db.session.add_all(
        [
            outbound(cast.ada.id, person_id=person.id),
            outbound(cast.root.id, person_id=person.id),
            outbound(cast.ada.id, person_id=other.id),
        ]
    )
    db.session.commit()
    address = f"/calls/with-organization/{person.organization_id}"
    assert as_ada.get(address, headers=PARTIAL).text.count('class="list__item"') == 1
    assert as_ada.get(address).location == f"{INDEX}/{person.organization_id}"


def test_markup_in_a_field_stays_text(as_ada, context):
    as_ada.post(f"{INDEX}/create", data={"name": PAYLOAD, "website": "", "note": PAYLOAD})
    address = f"{INDEX}/{the_one().id}"
    contact(PAYLOAD, PAYLOAD)
    for one in (
        INDEX,
        address,
        f"{address}/edit",
        f"{address}/delete",
        f"{INDEX}?q={PAYLOAD}",
        f"{INDEX}?q=zz{PAYLOAD}",
    ):
        page = as_ada.get(one).text
        assert not [tag for tag, given in Fields(page).tags if "onerror" in given or given.get("src") == "x"], one
        assert "49" not in page.replace("7*7", "") or "{{7*7}}" in page


def test_who_may_nothing_finds_nothing(as_mallory, context):
    acme = organization("Acme")
    address = f"{INDEX}/{acme.id}"
    for one in (INDEX, address, f"{address}/edit", f"/calls/with-organization/{acme.id}"):
        assert as_mallory.get(one).status_code == 404


def test_who_may_only_see_cannot_change(app, cast, context):
    acme = organization("Acme")
    address = f"{INDEX}/{acme.id}"
    mallory = db.session.get_one(User, cast.mallory.id)
    mallory.roles.append(Role(name="reader", permissions=[Can.VIEW_CONTACTS]))
    db.session.commit()
    reader = app.test_client().sign_in(cast.mallory)
    for one in (INDEX, address):
        page = reader.get(one)
        assert page.status_code == 200
        assert not [
            g for _, g in Fields(page.text).tags if (g.get("href") or "").endswith(("create", "edit", "delete"))
        ]
    for one in (f"{INDEX}/create", f"{address}/edit", f"{address}/delete"):
        assert reader.get(one).status_code == 404
        assert reader.post(one, data={"name": "Eve"}).status_code == 403
    assert the_one().name == "Acme"
