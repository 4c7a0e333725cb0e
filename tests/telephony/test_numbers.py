import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.telephony.errors import NumberInvalid
from voipcrm.telephony.numbers import (
    E164_PATTERN,
    Classification,
    classify,
    digits,
    display,
    fictional,
    is_withheld,
    parse,
    place,
)


@pytest.mark.parametrize(
    ("typed", "country", "e164"),
    [
        ("+14155550123", "DE", "+14155550123"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("415.555.0123", "US", "+14155550123"),
        ("415/555/0123", "US", "+14155550123"),
        ("1 415 555 0123", "US", "+14155550123"),
        ("011 49 30 901820", "US", "+4930901820"),
        ("0049 30 901820", "DE", "+4930901820"),
        ("0049 30 901820", "US", "+4930901820"),
        ("011 49 30 901820", "DE", "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("+44 (0)20 7946 0123", "US", "+442079460123"),
        ("+39 06 6982", "US", "+39066982"),
        ("tel:+1-415-555-0123", "DE", "+14155550123"),
        ("TEL:415-555-0123", "US", "+14155550123"),
        ("tel://+14155550123", "DE", "+14155550123"),
        ("＋１ ４１５ ５５５ ０１２３", "DE", "+14155550123"),
        ("٤١٥٥٥٥٠١٢٣", "US", "+14155550123"),
        ("\u202a+1 415\u00a0555\u20110123\u202c", "DE", "+14155550123"),
        ("  +1 415 555 0123\t", "DE", "+14155550123"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("+1 555 123 4567", "US", "+15551234567"),  # no such range, yet a contact may have it
    ],
)
def test_what_people_type_becomes_e164(typed, country, e164):
    assert parse(typed, country) == e164


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Enter"),
        ("   ", "Enter"),
        ("hello", "not a phone number"),
        ("+", "not a phone number"),
        ("call 415 555 0123", "not a phone number"),
        ("+1 415 555 0123<script>", "not a phone number"),
        ("sip:ada@example.com", "address"),
        ("ada@example.com", "address"),
        ("client:u_1", "address"),
        ("415 555 0123 x12", "Extensions"),
        ("415 555 0123 ext. 12", "Extensions"),
        ("+14155550123,,12#", "Extensions"),
        ("tel:+14155550123;ext=12", "Extensions"),
        ("4155550123p12", "Extensions"),
        ("911", "Emergency"),
        ("9-1-1", "Emergency"),
        ("112", "Emergency"),
        ("5550123", "area code"),
        ("+1 415", "too short"),
        ("+1 415 555 0123 9999", "too long"),
        ("1" * 65, "too long"),
        ("+999 123 456 789", "country"),
    ],
)
def test_the_person_is_told_what_is_wrong(typed, says):
    with pytest.raises(NumberInvalid, match=says) as refusal:
        parse(typed, "US")
    assert refusal.value.sentence.endswith(".")


@given(st.text(max_size=30) | st.text("+0123456789 ()-.x,", max_size=24), st.sampled_from(["US", "DE", "IT"]))
def test_a_result_is_e164_and_survives_being_shown_and_typed_again(typed, country):
    try:
        e164 = parse(typed, country)
    except NumberInvalid:
        return
    assert E164_PATTERN.fullmatch(e164)
    assert parse(e164, "US") == e164
    assert parse(display(e164, country), country) == e164


@pytest.mark.parametrize(
    ("e164", "home", "shown"),
    [
        ("+14155550123", "US", "(415) 555-0123"),
        ("+14155550123", "DE", "+1 415-555-0123"),
        ("+18765551234", "US", "+1 876-555-1234"),
        ("+442079460123", "GB", "020 7946 0123"),
        ("anonymous", "US", "anonymous"),
        ("client:u_1", "US", "client:u_1"),
        ("", "US", ""),
    ],
)
def test_numbers_are_shown_as_people_at_home_write_them(e164, home, shown):
    assert display(e164, home) == shown


@pytest.mark.parametrize(
    "from_value",
    [
        "",
        None,
        " ",
        "anonymous",
        "Anonymous",
        "RESTRICTED",
        "Unavailable",
        "unknown",
        "Private",
        "+266696687",
        "266696687",
        "+7378742833",
        "+2562533",
        "+8656696",
        "+86282452253",
        "+1266696687",
        "sip:anonymous@anonymous.invalid",
    ],
)
def test_withheld_callers_are_recognised(from_value):
    assert is_withheld(from_value)


@pytest.mark.parametrize("from_value", ["+14155550123", "client:u_1", "sip:ada@example.com", "+12666966870", "+1"])
def test_others_are_not_withheld(from_value):
    assert not is_withheld(from_value)


@pytest.mark.parametrize(
    ("e164", "country", "type_name"),
    [
        ("+14155550123", "US", "fixed line or mobile"),
        ("+12505550199", "CA", "fixed line or mobile"),
        ("+18765551234", "JM", "mobile"),
        ("+18095551234", "DO", "fixed line or mobile"),
        ("+18005550100", "US", "toll-free"),
        ("+19005551234", "US", "premium rate"),
        ("+447912345678", "GB", "mobile"),
        ("+447911123456", "GG", "mobile"),
        ("+870773112233", "001", "mobile"),
        ("+15551234567", None, "unknown"),
        ("nonsense", None, "unknown"),
    ],
)
def test_numbers_have_a_country_and_a_type(e164, country, type_name):
    assert classify(e164) == Classification(country, type_name)


def test_places_are_countries_by_name():
    assert place("+14155550123") == "United States"
    assert place("+4930901820") == "Germany"
    assert place("+18765551234") == "Jamaica"
    assert place("+80012345678") == "International"
    assert place("+15551234567") is None
    assert place("anonymous") is None


def test_digits_are_digits():
    assert digits("+1 (415) 555-01２３ x") == "14155550123"
    assert digits("none²") == ""


@pytest.mark.parametrize("e164", ["+14155550100", "+14155550199", "+12125550142", "+18005550100"])
def test_numbers_for_fiction(e164):
    assert fictional(e164)


@pytest.mark.parametrize(
    "e164", ["+14155550099", "+14155550200", "+14155560100", "+4155550100", "+141555501000", "+11155550100", ""]
)
def test_numbers_of_real_people(e164):
    assert not fictional(e164)
