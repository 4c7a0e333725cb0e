"""Pages of contacts, over HTTP."""

import base64
import json
from html.parser import HTMLParser

import pytest
import sqlalchemy as sa
from contacts.people import contact

from voipcrm.accounts.models import Role, User
from voipcrm.accounts.permissions import Can
from voipcrm.calls.models import Call
from voipcrm.contacts.models import Organization, Person, PhoneNumber
from voipcrm.core.db import db

CREATE = "/contacts/persons/create"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
PAYLOAD = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


class Fields(HTMLParser):
    """The fields of a page by name, the sentences at those that are wrong, and every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.errors: dict[str, str] = {}
        self._error: str | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "input" and given.get("name"):
            self.values[given["name"]] = given.get("value") or ""
        if tag == "p":
            name = (given.get("id") or "").removesuffix("-error")
            self._error = name if name != given.get("id") else None

    def handle_data(self, data):
        if self._error and data.strip():
            self.errors[self._error] = self.errors.get(self._error, "") + data.strip()

    def handle_endtag(self, tag):
        if tag == "p":
            self._error = None


def form(**fields: str) -> dict[str, str]:
    """A filled form; numbers_0 stands for numbers-0-number, emails_0 for emails-0-address."""
    sent = {"name": "Priya Raman", "company": "", "owner_id": "0", "note": ""}
    for name, value in fields.items():
        rows, _, at = name.partition("_")
        if rows in {"numbers", "labels", "emails"}:
            part = {"numbers": "number", "labels": "label", "emails": "address"}[rows]
            sent[f"{'emails' if rows == 'emails' else 'numbers'}-{at}-{part}"] = value
        else:
            sent[name] = value
    return sent


def the_person() -> Person:
    return db.session.scalars(sa.select(Person)).unique().one()


def test_a_person_is_added_with_numbers_as_people_at_home_write_them(as_ada, cast, context):
    answer = as_ada.post(
        CREATE,
        data=form(
            name="  Priya\tRaman ",
            company="Acme",
            note="Call\r\nmornings\x00",
            owner_id=str(cast.bo.id),
            numbers_0="(415) 555-0142",
            labels_0="work",
            numbers_1="  ",
            numbers_2="0049 30 901820",
            emails_0=" Priya@Acme.Example ",
        ),
    )
    person = the_person()
    assert (answer.status_code, answer.location) == (303, f"/contacts/persons/{person.id}")
    assert (person.name, person.company, person.note) == ("Priya Raman", "Acme", "Call\nmornings")
    assert person.owner_id == cast.bo.id
    assert [(one.number, one.label) for one in person.numbers] == [("+14155550142", "work"), ("+4930901820", "")]
    assert [one.address for one in person.emails] == ["priya@acme.example"]

    page = as_ada.get(answer.location).text
    assert "(415) 555-0142" in page
    assert "+49 30 901820" in page
    assert f'href="tel:+14155550142" data-contact="{person.id}" data-name="Priya Raman"' in page
    assert "Bo Becker" in page
    assert f'hx-get="/calls/with/{person.id}"' in page


@pytest.mark.parametrize(
    ("fields", "at", "sentence"),
    [
        ({"name": ""}, "name", "Enter a name."),
        ({"name": " \u0301 "}, "name", "Enter a name."),
        ({"name": "x" * 201}, "name", "Use at most 200 characters."),
        ({"company": "x" * 201}, "company", "Use at most 200 characters."),
        ({"note": "x" * 10_001}, "note", "Use at most 10,000 characters."),
        ({"numbers_0": "12"}, "numbers-0-number", "This number is too short."),
        ({"numbers_0": "nobody"}, "numbers-0-number", "This is not a phone number."),
        (
            {"numbers_0": "4155550142", "numbers_1": "+1 415 555 0142"},
            "numbers-1-number",
            "This number is already in the list.",
        ),
        ({"emails_0": "priya"}, "emails-0-address", "This is not an e-mail address. It reads like name@example.com."),
        (
            {"emails_0": "a@b.example", "emails_1": "A@B.example"},
            "emails-1-address",
            "This e-mail is already in the list.",
        ),
        ({"owner_id": "999"}, "owner_id", "Not a valid choice."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(as_ada, context, fields, at, sentence):
    answer = as_ada.post(CREATE, data=form(**fields))
    page = Fields(answer.text)
    assert answer.status_code == 422
    assert page.errors == {at: sentence}
    field = next(given for _, given in page.tags if given.get("name") == at)
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", f"{at}-error")
    assert db.session.scalar(sa.select(sa.func.count(Person.id))) == 0


def test_all_that_is_wrong_is_said_at_once(as_ada):
    page = Fields(as_ada.post(CREATE, data=form(name="", numbers_0="1", numbers_1="2", emails_0="x")).text)
    assert set(page.errors) == {"name", "numbers-0-number", "numbers-1-number", "emails-0-address"}


def test_rows_are_added_and_removed_without_saving_and_without_scripts(as_ada, context):
    filled = form(numbers_0="4155550142", numbers_1="77", emails_0="a@b.example")
    more = as_ada.post(CREATE, data={**filled, "add": "numbers"})
    rows = {name: value for name, value in Fields(more.text).values.items() if name.endswith(("number", "address"))}
    assert more.status_code == 200
    assert rows == {
        "numbers-0-number": "4155550142",
        "numbers-1-number": "77",
        "numbers-2-number": "",
        "emails-0-address": "a@b.example",
    }
    fewer = as_ada.post(CREATE, data={**filled, "remove": "numbers-0"}, headers=PARTIAL)
    rows = {name: value for name, value in Fields(fewer.text).values.items() if name.endswith(("number", "address"))}
    assert rows == {"numbers-0-number": "77", "emails-0-address": "a@b.example"}
    assert fewer.text.lstrip().startswith("<form")
    assert db.session.scalar(sa.select(sa.func.count(Person.id))) == 0


def test_the_last_row_removed_leaves_an_empty_one_and_there_are_never_more_than_twenty(as_ada):
    gone = Fields(as_ada.post(CREATE, data={**form(numbers_0="77"), "remove": "numbers-0"}).text)
    assert gone.values["numbers-0-number"] == ""
    many = form(**{f"numbers_{at}": "1" for at in range(30)})
    assert (
        sum(n.endswith("-number") for n in Fields(as_ada.post(CREATE, data={**many, "add": "numbers"}).text).values)
        == 20
    )


def test_changing_a_person_keeps_the_rows_of_numbers_that_stay(as_ada, context):
    person = contact("Priya", "Acme", numbers=("+14155550142", "+14155550143"), emails=("a@b.example",))
    person.numbers[1].label = "Yacht"
    db.session.commit()
    address, kept = f"/contacts/persons/{person.id}", person.numbers[1].id
    page = Fields(as_ada.get(f"{address}/edit").text)
    assert page.values["numbers-1-number"] == "(415) 555-0143"
    assert ("option", {"selected": None, "value": "Yacht"}) in page.tags
    answer = as_ada.post(
        f"{address}/edit",
        data=form(
            name="Priya R", company="ACME", numbers_0="415 555 0143", labels_0="Yacht", numbers_1="+44 20 7946 0958"
        ),
    )
    db.session.expire_all()
    assert answer.status_code == 303
    assert [(one.id == kept, one.number, one.label) for one in person.numbers] == [
        (True, "+14155550143", "Yacht"),
        (False, "+442079460958", ""),
    ]
    assert (person.name, person.company, person.emails) == ("Priya R", "Acme", [])
    assert db.session.scalar(sa.select(sa.func.count(Organization.id))) == 1
    assert db.session.scalar(sa.select(sa.func.count(PhoneNumber.id))) == 2
    assert person.updated_at is not None


def test_an_owner_who_left_stays_the_owner_until_somebody_chooses_another(as_ada, cast, context):
    person = contact("Priya", owner_id=cast.bo.id)
    db.session.get_one(User, cast.bo.id).deactivated_at = person.created_at
    db.session.commit()
    page = Fields(as_ada.get(f"/contacts/persons/{person.id}/edit").text)
    assert ("option", {"selected": None, "value": str(cast.bo.id)}) in page.tags
    assert str(cast.bo.id) not in [
        given.get("value") for tag, given in Fields(as_ada.get(CREATE).text).tags if tag == "option"
    ]


def test_a_contact_can_be_begun_from_a_number_and_belongs_to_whoever_adds_it(as_ada, cast):
    page = Fields(as_ada.get(f"{CREATE}?number=%2B1+415+555+0142&name=Priya").text)
    assert (page.values["name"], page.values["numbers-0-number"]) == ("Priya", "+1 415 555 0142")
    assert ("option", {"selected": None, "value": str(cast.ada.id)}) in page.tags


def test_deleting_asks_by_name_and_leaves_the_calls(as_ada, context):
    person = contact("Priya Raman", numbers=("+14155550142",))
    call = Call(direction="inbound", peer_number="+14155550142", person_id=person.id)
    db.session.add(call)
    db.session.commit()
    address, call_id = f"/contacts/persons/{person.id}", call.id
    assert 'hx-confirm="Delete Priya Raman?' in as_ada.get(address).text
    assert '<h1 tabindex="-1">Delete Priya Raman?</h1>' in as_ada.get(f"{address}/delete").text
    assert db.session.scalar(sa.select(sa.func.count(Person.id))) == 1
    db.session.rollback()

    answer = as_ada.post(f"{address}/delete")
    assert (answer.status_code, answer.location) == (303, "/contacts/persons")
    assert "Deleted Priya Raman." in as_ada.get(answer.location).text
    assert as_ada.get(address).status_code == 404
    db.session.expire_all()
    call = db.session.get_one(Call, call_id)
    assert (call.person_id, call.peer_number) == (None, "+14155550142")


def test_whoever_else_has_a_number_is_named_beside_it(as_ada, context):
    priya = contact("Priya Raman", numbers=("+14155550142",))
    jonas = contact("Jonas Weber", numbers=("+14155550142",))
    page = as_ada.get(f"/contacts/persons/{priya.id}").text
    assert f'Also the number of <a href="/contacts/persons/{jonas.id}">Jonas Weber</a>' in page
    hint = "/contacts/numbers/hint?numbers-3-number=415+555+0142&except="
    assert as_ada.get(f"{hint}0").text.strip() == "Priya Raman, Jonas Weber have this number too."
    assert as_ada.get(f"{hint}{priya.id}").text.strip() == "Jonas Weber has this number too."
    for nothing in (
        "/contacts/numbers/hint",
        "/contacts/numbers/hint?numbers-0-number=12",
        hint.replace("0142", "0199"),
    ):
        assert as_ada.get(nothing).text.strip() == ""


def test_companies_are_suggested_once_each_as_they_are_typed(as_ada, context):
    for name in ("Acme", "Acme Süd", "Zebra"):
        contact("x", name)
    assert as_ada.get("/contacts/organizations/suggestions?company=aC").text.split("\n") == [
        '<option value="Acme"></option><option value="Acme Süd"></option>'
    ]
    assert as_ada.get("/contacts/organizations/suggestions").text == ""


def test_the_list_is_a_page_or_only_its_results(as_ada, context):
    contact("Priya Raman", "Acme", numbers=("+14155550142", "+14155550143"))
    whole, part = as_ada.get("/contacts/persons?q=acme"), as_ada.get("/contacts/persons?q=acme", headers=PARTIAL)
    assert "<!doctype html>" in whole.text
    assert whole.text.count('id="results"') == part.text.count('id="results"') == 1
    assert 'value="acme"' in whole.text
    assert '<div hx-swap-oob="innerHTML:#say">1 contact</div>' in part.text
    assert "hx-swap-oob" not in whole.text
    assert {"HX-Request", "HX-Request-Type"} <= set(part.vary)
    assert "and 1 more" in part.text


def test_an_empty_list_says_why_and_what_to_do(as_ada, context):
    assert "No contacts yet" in as_ada.get("/contacts/persons").text
    contact("Priya")
    nobody = as_ada.get("/contacts/persons?q=%2B1+415+7777").text
    assert "Nobody matches “+1 415 7777”" in nobody
    assert f'{CREATE}?number=%2B1+415+7777"' in nobody
    assert f'{CREATE}?name=Zoe"' in as_ada.get("/contacts/persons?q=Zoe").text


def test_the_end_of_a_long_search_says_that_there_are_more(as_ada, context, monkeypatch):
    monkeypatch.setattr("voipcrm.contacts.searching.MOST_HITS", 60)
    for at in range(70):
        contact(f"X{at} Ann")
    first = as_ada.get("/contacts/persons?q=ann").text
    assert "More people match" not in first
    after = next(given["href"] for _, given in Fields(first).tags if given.get("rel") == "next")
    assert "More people match" in as_ada.get(after).text


def test_a_list_takes_three_statements_however_long_it_is(app, as_ada):
    with app.app_context():
        for at in range(60):
            contact(f"Ann {at}", f"Company {at}", numbers=(f"+1415555{at:04}",))
    with app.app_context():
        engine = db.engine
    for address in ("/contacts/persons", "/contacts/persons?q=ann", "/contacts/persons?q=ann+59"):
        assert selects_of(engine, lambda address=address: as_ada.get(address)) == 3  # who asks, persons, filters


def selects_of(engine, ask) -> int:
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    ask()
    sa.event.remove(engine, "before_cursor_execute", note)
    return sum(one.startswith("SELECT") for one in seen)


def cursor_of(*place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    ["x", "é", "W10", "bnVsbA", cursor_of("older", None, None), cursor_of("older", "a", "b"), cursor_of("older", 1, 2)],
)
def test_no_cursor_breaks_the_list(as_ada, cursor):
    assert as_ada.get("/contacts/persons", query_string={"page": cursor}).status_code == 200


@pytest.mark.parametrize("query", ["\x00", "a\x00b", '"', "x" * 5000, "\ud83d", "😀", "%", "_", "'; --"])
def test_no_search_is_too_strange(as_ada, context, query):
    contact("Priya Raman")
    assert as_ada.get("/contacts/persons", query_string={"q": query.encode("utf-8", "replace")}).status_code == 200
    assert as_ada.get("/phone/contacts", query_string={"q": query.encode("utf-8", "replace")}).status_code == 200


def test_what_people_write_stays_text(as_ada, context):
    sent = form(
        name=PAYLOAD,
        company=PAYLOAD,
        note=PAYLOAD,
        numbers_0="4155550142",
        labels_0=PAYLOAD[:40],
        emails_0='"<b>"@x.example',
    )
    as_ada.post(CREATE, data=form(numbers_0="4155550142"))
    refused = as_ada.post(CREATE, data=sent)
    assert refused.status_code == 422  # the address; the page shows all of it again
    assert as_ada.post(CREATE, data={**sent, "emails-0-address": "a@x.example"}).status_code == 303
    person = db.session.scalars(sa.select(Person).where(Person.name == PAYLOAD)).one()
    address = f"/contacts/persons/{person.id}"
    pages = [refused.text] + [
        as_ada.get(one).text
        for one in (
            address,
            f"{address}/edit",
            f"{address}/delete",
            "/contacts/persons",
            "/contacts/persons?q=" + PAYLOAD,
            "/contacts/persons?q=zzz" + PAYLOAD,
            "/contacts/organizations/suggestions?company=%3Cscript",
            "/contacts/numbers/hint?numbers-0-number=4155550142",
            "/phone/contacts",
            "/phone/contacts?q=" + PAYLOAD,
        )
    ]
    for page in pages:
        parsed = Fields(page)
        assert not [tag for tag, given in parsed.tags if "onerror" in given or given.get("src") == "x"]
        assert not [tag for tag, given in parsed.tags if tag == "script" and not given.get("src")]
        assert "49" not in page.replace("7*7", "") or "{{7*7}}" in page


def test_a_person_who_may_only_see_sees_no_way_to_change(app, cast, context):
    role = Role(name="reader", permissions=[Can.VIEW_CONTACTS])
    mallory = db.session.get_one(User, cast.mallory.id)
    mallory.roles.append(role)
    person = contact("Priya Raman", numbers=("+14155550142",))
    reader = app.test_client().sign_in(cast.mallory)
    for address in ("/contacts/persons", f"/contacts/persons/{person.id}", "/contacts/persons?q=zzz"):
        page = reader.get(address)
        assert page.status_code == 200
        assert not [
            given
            for _, given in Fields(page.text).tags
            if (given.get("href") or "").endswith(("create", "edit", "delete"))
        ]
    for address in (CREATE, f"/contacts/persons/{person.id}/edit", f"/contacts/persons/{person.id}/delete"):
        assert reader.get(address).status_code == 404
        assert reader.post(address, data=form(name="Eve")).status_code == 403
    assert the_person().name == "Priya Raman"


def test_whoever_may_nothing_finds_nothing_here(as_mallory, client, context):
    person = contact("Priya Raman")
    for address in (
        "/contacts/persons",
        f"/contacts/persons/{person.id}",
        "/contacts/numbers/hint",
        "/phone/contacts",
        "/phone/recent",
    ):
        assert as_mallory.get(address).status_code == 404
        assert client.get(address).status_code == 302


@pytest.mark.parametrize("wrong", ["999999", "99999999999999999999", "0", "x", "-1"])
def test_a_person_who_is_not_there_is_not_found(as_ada, wrong):
    assert as_ada.get(f"/contacts/persons/{wrong}").status_code == 404
