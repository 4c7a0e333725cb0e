"""/settings/company: what an admin decides for the whole house holds everywhere, is noted, and can be taken back."""

from __future__ import annotations

from io import BytesIO

import pytest

from voipcrm.accounts.audit import AuditEntry
from voipcrm.core.db import db
from voipcrm.core.house import HouseLogo, HouseSettings, house

from .test_logo import picture

COMPANY = "/settings/company"
LOOK = {"brand_name": "Northwind Calls", "brand_colour": "#f2a900"}
PLACE = {"default_country": "DE", "default_time_zone": "Europe/Berlin"}
DIALLING = {"dial_countries": ["US", "DE"], "dial_calls_per_hour": "5"}


@pytest.fixture
def noted(app):
    """The audit log, oldest first: (verb, before, after)."""

    def read() -> list[tuple[str, dict, dict]]:
        with app.app_context():
            entries = db.session.query(AuditEntry).order_by(AuditEntry.id)
            return [(one.verb, one.before, one.after) for one in entries if one.subject_kind == "house_settings"]

    return read


def save(browser, section, **fields):
    return browser.post(f"{COMPANY}/{section}", data=fields, content_type="multipart/form-data")


def test_only_who_manages_everything_comes_here(as_ada, as_bo, as_mallory, as_root):
    for browser in (as_ada, as_bo, as_mallory):
        assert browser.get(COMPANY).status_code == 404
        assert save(browser, "place", **PLACE).status_code == 403
    assert as_root.get(COMPANY).status_code == 200


def test_before_anything_is_decided_the_environment_holds(app, cast, as_root):
    with app.app_context():
        assert (house.brand_name, house.default_country, house.default_time_zone) == ("voipcrm", "US", "UTC")
        assert (house.dial_countries, house.dial_calls_per_hour) == (("US",), 60)
    page = as_root.get(COMPANY)
    assert "Back to default" not in page.text
    assert "branding.css" not in page.text


def test_the_name_stands_on_every_page_and_in_the_title(as_root, client):
    assert save(as_root, "look", **LOOK).status_code == 303
    for page in (as_root.get("/"), client.get("/sign-in")):
        assert "· Northwind Calls</title>" in page.text
        assert '<span class="brand__name">Northwind Calls</span>' in page.text


def test_a_colour_is_a_style_sheet_that_browsers_keep_until_it_changes(as_root, client):
    assert client.get("/branding.css").data == b""
    save(as_root, "look", **LOOK)
    address = client.get("/sign-in").text.partition('<link id="branding" rel="stylesheet" href="')[2].partition('"')[0]
    sheet = client.get(address)
    assert sheet.mimetype == "text/css"
    assert "--brand: #f2a900;" in sheet.text
    assert "--on-brand: #000000;" in sheet.text
    assert sheet.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get(address, headers={"If-None-Match": sheet.headers["ETag"]}).status_code == 304
    assert client.get("/branding.css?v=old").headers["Cache-Control"] == "no-cache"
    save(as_root, "look", **LOOK | {"brand_colour": "#008000"})
    assert address not in client.get("/sign-in").text


def test_the_page_says_what_becomes_of_a_colour_that_is_hard_to_read(as_root):
    assert "darkened from your colour" not in as_root.get(COMPANY).text
    save(as_root, "look", **LOOK)
    page = as_root.get(COMPANY).text
    assert "darkened from your colour so that it can be read; buttons get an edge, since 2.0:1 is too little" in page
    assert "black text" in page


def test_a_logo_is_made_anew_shown_and_served_with_nothing_it_could_do(app, as_root, client):
    sent = LOOK | {"logo": (BytesIO(picture()), "../../logo.html")}
    assert save(as_root, "look", **sent).status_code == 303
    address = client.get("/sign-in").text.partition('<img class="brand__logo" src="')[2].partition('"')[0]
    logo = client.get(address)
    assert (logo.mimetype, logo.data[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert logo.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert logo.headers["X-Content-Type-Options"] == "nosniff"
    assert logo.headers["Cache-Control"].endswith("immutable")
    save(as_root, "look", **LOOK | {"logo": (BytesIO(picture(size=(50, 50))), "logo.png")})
    with app.app_context():
        assert db.session.query(HouseLogo).count() == 1
    assert as_root.post(f"{COMPANY}/logo/remove").status_code == 303
    assert client.get(address).status_code == 404
    with app.app_context():
        assert db.session.query(HouseLogo).count() == 0


def test_saving_the_look_without_a_file_keeps_the_logo(app, as_root, client):
    save(as_root, "look", **LOOK | {"logo": (BytesIO(picture()), "logo.png")})
    save(as_root, "look", **LOOK | {"brand_name": "Else"})
    assert 'class="brand__logo"' in client.get("/sign-in").text


@pytest.mark.parametrize(
    ("section", "wrong", "words"),
    [
        ("look", {"brand_name": " "}, "Enter a name."),
        ("look", {"brand_name": "x" * 61}, "at most 60"),
        ("look", {"brand_colour": "red;}"}, "six digits"),
        ("look", {"logo": (BytesIO(b"<svg onload=alert(1)>"), "logo.png")}, "Take a PNG"),
        ("place", {"default_country": "XX"}, "Not a valid choice"),
        ("place", {"default_time_zone": "Moon/Base"}, "Not a valid choice"),
        ("dialling", {"dial_countries": []}, "Choose at least one country"),
        ("dialling", {"dial_countries": ["XX"]}, "is not a valid choice"),
        ("dialling", {"dial_calls_per_hour": "0"}, "from 1 to 1000"),
        ("dialling", {"dial_calls_per_hour": "many"}, "Not a valid integer"),
    ],
)
def test_mistakes_come_back_with_what_to_do_and_change_nothing(app, as_root, section, wrong, words):
    good = {"look": LOOK, "place": PLACE, "dialling": DIALLING}[section]
    answer = save(as_root, section, **good | wrong)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="60"' in answer.text or section == "dialling"  # the other parts show what holds
    with app.app_context():
        assert db.session.query(HouseSettings).count() == 0


def test_country_and_zone_hold_for_numbers_people_and_pages(app, as_root):
    save(as_root, "place", **PLACE)
    with app.app_context():
        assert app.jinja_env.globals["phone_number"]("+493012345678") == "030 12345678"
    assert '<option selected value="Europe/Berlin">' in as_root.get("/settings/users/create").text
    sent = {"name": "Jonas", "company": "", "owner_id": "0", "note": "", "numbers-0-number": "030 901820"}
    made = as_root.post("/contacts/persons/create", data=sent)
    assert made.status_code == 303
    assert "030 901820" in as_root.get("/contacts/persons?q=Jonas").text


def test_the_guard_on_dialling_holds_at_once(as_root, as_ada):
    german = {"to": "+4930901820"}
    refused = as_ada.post("/api/voip/calls/outbound", json=german)
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "number_not_allowed")
    save(as_root, "dialling", **DIALLING | {"dial_calls_per_hour": "1"})
    assert as_ada.post("/api/voip/calls/outbound", json=german).status_code == 201
    again = as_ada.post("/api/voip/calls/outbound", json=german)
    assert again.json["error"]["code"] == "too_many"
    assert "You placed 1 calls" in again.json["error"]["message"]


def test_a_country_of_ours_that_may_not_be_called_is_pointed_out(as_root):
    save(as_root, "dialling", dial_countries=["US"], dial_calls_per_hour="5")
    save(as_root, "dialling", dial_countries=["CH"], dial_calls_per_hour="5")
    assert "United States is not among the countries that may be called." in as_root.get(COMPANY).text


def test_what_is_saved_as_the_environment_has_it_goes_on_to_follow_it(app, as_root):
    save(as_root, "place", default_country="US", default_time_zone="Europe/Berlin")
    with app.app_context():
        row = db.session.query(HouseSettings).one()
        assert (row.default_country, row.default_time_zone) == (None, "Europe/Berlin")


def test_each_part_can_be_taken_back_and_every_change_is_noted(app, as_root, noted):
    save(as_root, "place", **PLACE)
    save(as_root, "place", **PLACE)
    assert noted() == [("changed", dict.fromkeys(PLACE), PLACE)]
    page = as_root.get(COMPANY).text
    assert page.count("Back to default") == 1
    assert as_root.post(f"{COMPANY}/place/default").status_code == 303
    assert noted()[1:] == [("changed", PLACE, dict.fromkeys(PLACE))]
    with app.app_context():
        assert (house.default_country, house.default_time_zone) == ("US", "UTC")
    assert "Company" in as_root.get("/settings/audit").text


def test_a_part_that_is_not_there_is_not_found(as_root):
    assert as_root.post(f"{COMPANY}/everything", data={}).status_code == 404
    assert as_root.post(f"{COMPANY}/everything/default").status_code == 404
