import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.telephony.errors import NotAllowed, NumberInvalid
from voipcrm.telephony.guard import check
from voipcrm.telephony.numbers import classify, parse

US = frozenset({"US"})
WORLDWIDE = frozenset({"US", "CA", "GB", "DE", "FR", "IT", "JM", "DO", "GD", "KP", "CU", "001"})


@pytest.mark.parametrize("e164", ["+12024561111", "+14158675309", "+18004633339"])
def test_ordinary_numbers_at_home_are_dialled(e164):
    check(e164, allowed_countries=US)


@pytest.mark.parametrize(
    ("e164", "country"),
    [("+4930901820", "DE"), ("+442079460123", "GB"), ("+33142685300", "FR"), ("+16045551234", "CA")],
)
def test_an_allowed_country_is_dialled_and_no_other(e164, country):
    check(e164, allowed_countries=frozenset({country}))
    with pytest.raises(NotAllowed) as refusal:
        check(e164, allowed_countries=US)
    assert refusal.value.code == "country"


@pytest.mark.parametrize(
    "e164",
    [
        "+18095551234",
        "+18295551234",
        "+18765551234",
        "+14732315555",
        "+12425021234",
        "+12642351234",
        "+17842661234",
        "+17672351234",
        "+16492311234",
        "+12684601234",
        "+14412921234",
        "+17872321234",
    ],
)
def test_caribbean_numbers_are_not_the_united_states(e164):
    assert classify(e164).country not in {"US", None}
    with pytest.raises(NotAllowed) as refusal:
        check(e164, allowed_countries=US)
    assert refusal.value.code == "country"


HOSTILE = {
    "+19005551234": "premium",
    "+12129761234": "premium",
    "+449098790000": "premium",
    "+448711234567": "premium",
    "+499001234567": "premium",
    "+447012345678": "unusual-type",
    "+15005551234": "unusual-type",
    "+447640123456": "unusual-type",
    "+870773112233": "satellite",
    "+8816315550100": "satellite",
    "+88213000111": "satellite",
    "+8835100012345": "satellite",
    "+878101234567890": "satellite",
    "+888123456789": "satellite",
    "+979123456789": "satellite",
    "+80012345678": "country",
    "+80812345678": "premium",
    "+15551234567": "unknown-range",
    "+14155551": "unknown-range",
    "+2105551234567": "unknown-range",
    "+911": "short-code",
    "911": "short-code",
    "112": "short-code",
    "999": "short-code",
    "*67": "short-code",
    "#31#": "short-code",
    "sip:ada@example.com": "not-a-number",
    "client:u_1": "not-a-number",
    "+14158675309,,1": "not-a-number",
    "+1415867５309": "not-a-number",
    "+14158675309\n": "not-a-number",
    "+1 415 867 5309": "not-a-number",
    "4158675309": "not-a-number",
    "0014158675309": "not-a-number",
    "01114158675309": "not-a-number",
    "": "not-a-number",
}


@pytest.mark.parametrize(("dialled", "code"), HOSTILE.items(), ids=repr)
def test_hostile_destinations_are_refused_even_with_the_world_allowed(dialled, code):
    countries = WORLDWIDE - {"001"} if code == "country" else WORLDWIDE
    with pytest.raises(NotAllowed) as refusal:
        check(dialled, allowed_countries=countries, allow_fictional=True)
    assert refusal.value.code == code
    assert refusal.value.sentence.endswith(".")


@pytest.mark.parametrize("dialled", [None, 14158675309, b"+14158675309", ["+14158675309"]])
def test_what_is_no_text_is_refused(dialled):
    with pytest.raises(NotAllowed):
        check(dialled, allowed_countries=US)


def test_numbers_of_no_country_cannot_be_allowed_by_accident():
    with pytest.raises(NotAllowed):
        check("+80012345678", allowed_countries=frozenset({"001"}))


def test_nothing_is_allowed_without_a_country():
    with pytest.raises(NotAllowed):
        check("+12024561111", allowed_countries=frozenset())


def test_numbers_for_fiction_are_dialled_in_the_sandbox_only():
    check("+14155550123", allowed_countries=frozenset({"DE"}), allow_fictional=True)
    with pytest.raises(NotAllowed) as refusal:
        check("+14155550123", allowed_countries=US)
    assert refusal.value.code == "fictional"
    with pytest.raises(NotAllowed):
        check("+14155551123", allowed_countries=frozenset({"DE"}), allow_fictional=True)


@given(st.text(max_size=20) | st.from_regex(r"\+[0-9]{7,15}", fullmatch=True))
def test_whatever_passes_is_an_ordinary_number_of_an_allowed_country(dialled):
    try:
        check(dialled, allowed_countries=US)
    except NotAllowed:
        return
    found = classify(dialled)
    assert found.country == "US"
    assert found.type in {"fixed line or mobile", "toll-free", "voip"}


@given(st.sampled_from(["", "+", "00", "011", "+1", "1"]), st.text("0123456789", min_size=5, max_size=15))
def test_no_spelling_gets_around_the_guard(prefix, rest):
    try:
        e164 = parse(prefix + rest, "US")
        check(e164, allowed_countries=US)
    except (NumberInvalid, NotAllowed):
        return
    assert classify(e164).country == "US"
