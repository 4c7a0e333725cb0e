"""Phone numbers: read what people type, keep E.164, show what people know.

Source of all number plans: Google's libphonenumber, through `phonenumbers`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import NewType

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult

from voipcrm.telephony.errors import NumberInvalid

E164 = NewType("E164", str)
"""`+` and 7 to 15 digits, the first not 0."""

E164_PATTERN = re.compile(r"\+[1-9][0-9]{6,14}")

# The provider's words for a caller who withholds the number, and the same words spelt on a keypad.
WITHHELD_WORDS = frozenset({"anonymous", "restricted", "unavailable", "unknown", "private", "blocked", "withheld"})
WITHHELD_DIGITS = frozenset({"266696687", "7378742833", "2562533", "8656696", "86282452253", "7748283"})

TYPE_NAMES = {
    PhoneNumberType.FIXED_LINE: "fixed line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed line or mobile",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.PREMIUM_RATE: "premium rate",
    PhoneNumberType.SHARED_COST: "shared cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal number",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company access number",
    PhoneNumberType.VOICEMAIL: "voicemail access",
}
WORLD = "001"  # libphonenumber's region of numbers that belong to no country: +800, +870, +882...

_MAX_TYPED_CHARACTERS = 64
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘"), "-")
_PAUSE = re.compile(r"[,;]|\d\s*[pPwW]\s*\d")
_TYPED = re.compile(r"\+?[0-9\s().\-/~*]*[0-9][0-9A-Za-z\s().\-/~:#=]*")
_CARRIER_PREFIX = re.compile(r"\s*(?:00|011)[\s.\-/()]*(?=[1-9])")


@dataclass(frozen=True, slots=True)
class Classification:
    """What the number plan says. country: ISO code, `001` for numbers of no country, None if unknown."""

    country: str | None
    type: str  # one of the values of TYPE_NAMES, or "unknown"


def parse(text: str, default_country: str) -> E164:
    """E.164 for what a person typed, pasted or clicked: spaces, brackets, tel: links, 00 and 011, full-width digits.

    default_country: ISO code ("US") for numbers without a country code.
    Only the length is judged, not whether the range is in use: `guard.check` does that before dialling.
    Raises NumberInvalid with a sentence for that person.
    """
    typed = _plain(text)
    if not typed:
        raise NumberInvalid("Enter a phone number.")
    if len(typed) > _MAX_TYPED_CHARACTERS:
        raise NumberInvalid("This is too long for a phone number.")
    if "@" in typed or re.match(r"(?:sips?|client|sim):", typed, re.IGNORECASE):
        raise NumberInvalid("This is an address, not a phone number.")
    typed = re.sub(r"^tel:(?://)?\s*", "", typed, flags=re.IGNORECASE)
    if _PAUSE.search(typed):
        raise NumberInvalid("Extensions can’t be dialled with the number yet: call first, then use the keypad.")
    if not _TYPED.fullmatch(typed):
        raise NumberInvalid("This is not a phone number.")
    if _is_emergency(typed, default_country):
        raise NumberInvalid("Emergency numbers can’t be called from here. Use a mobile or desk phone.")
    return _best_reading(typed, default_country)


@lru_cache(maxsize=4096)  # a page of history shows the same numbers again and again
def display(e164: str, home_country: str) -> str:
    """The number as people at home write it, or internationally if it is from elsewhere; other text unchanged."""
    number = _number(e164)
    if number is None:
        return e164
    is_at_home = phonenumbers.region_code_for_number(number) == home_country
    return phonenumbers.format_number(
        number, PhoneNumberFormat.NATIONAL if is_at_home else PhoneNumberFormat.INTERNATIONAL
    )


def is_withheld(from_value: str | None) -> bool:
    """Does the `From` of an inbound call say that the caller hides the number?"""
    value = (from_value or "").strip()
    if re.match(r"sips?:", value, re.IGNORECASE):
        value = value.partition(":")[2].partition("@")[0]
    if not value:
        return True
    return value.lower() in WITHHELD_WORDS or value.removeprefix("+").removeprefix("1") in WITHHELD_DIGITS


@lru_cache(maxsize=4096)
def classify(e164: str) -> Classification:
    """Country and type by number plan. NANP islands are their own countries: +1 876 is JM, not US."""
    number = _number(e164)
    if number is None:
        return Classification(None, "unknown")
    type_name = TYPE_NAMES.get(phonenumbers.number_type(number), "unknown")
    return Classification(phonenumbers.region_code_for_number(number), type_name)


def place(e164: str) -> str | None:
    """The English name of the country, or None. No city: that table costs each worker 3 s and 180 MB."""
    country = classify(e164).country
    if country == WORLD:
        return "International"
    return _country_names().get(country or "")


def digits(text: str) -> str:
    """The digits alone, of any script, as ASCII: for searching."""
    return "".join(str(unicodedata.digit(character)) for character in text if character.isdecimal())


def fictional(e164: str) -> bool:
    """Is it in the range that the North American plan keeps for fiction, NPA-555-0100 to 0199? Nobody owns these."""
    return re.fullmatch(r"\+1[2-9][0-9]{2}55501[0-9]{2}", e164) is not None


def _plain(text: str) -> str:
    """ASCII digits, signs and letters as typed; full-width and other digits, odd dashes and hidden marks replaced."""
    text = unicodedata.normalize("NFKC", str(text)).translate(_DASHES)
    # Numbers copied from other programs come wrapped in invisible direction marks.
    visible = (character for character in text if unicodedata.category(character) != "Cf")
    return "".join(digits(character) or character for character in visible).strip()


def _is_emergency(typed: str, country: str) -> bool:
    only = digits(typed)
    return len(only) <= 5 and not typed.startswith("+") and phonenumbers.is_emergency_number(only, country)


def _best_reading(typed: str, country: str) -> E164:
    """The first reading that is a number in use, else the first of a possible length.

    00 and 011 are tried as an international prefix everywhere: people carry the habit of their own country along.
    """
    readings = [typed]
    without_prefix, was_there = _CARRIER_PREFIX.subn("+", typed, count=1)
    if was_there:
        readings.append(without_prefix)
    possible: list[phonenumbers.PhoneNumber] = []
    complaint: int = ValidationResult.INVALID_LENGTH
    for reading in readings:
        try:
            number = phonenumbers.parse(reading, country)
        except NumberParseException as refusal:
            complaint = _UNREADABLE.get(refusal.error_type, ValidationResult.TOO_SHORT)
            continue
        if number.extension:
            raise NumberInvalid("Extensions can’t be dialled with the number yet: call first, then use the keypad.")
        if phonenumbers.is_valid_number(number):
            return _e164(number)
        reason = phonenumbers.is_possible_number_with_reason(number)
        if reason == ValidationResult.IS_POSSIBLE:
            possible.append(number)
        else:
            complaint = reason
    for number in possible:
        if E164_PATTERN.fullmatch(written := _e164(number)):
            return written
    raise NumberInvalid(_COMPLAINTS[complaint])


_NOT_A_NUMBER = -1  # beside the values of ValidationResult
_UNREADABLE = {
    NumberParseException.INVALID_COUNTRY_CODE: ValidationResult.INVALID_COUNTRY_CODE,
    NumberParseException.TOO_LONG: ValidationResult.TOO_LONG,
    NumberParseException.NOT_A_NUMBER: _NOT_A_NUMBER,
}
_COMPLAINTS = {
    _NOT_A_NUMBER: "This is not a phone number.",
    ValidationResult.INVALID_COUNTRY_CODE: "No country has this code. Check the digits after the +.",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "The area code is missing.",
    ValidationResult.TOO_SHORT: "This number is too short.",
    ValidationResult.TOO_LONG: "This number is too long.",
    ValidationResult.INVALID_LENGTH: "This number has too many or too few digits.",
}


def _e164(number: phonenumbers.PhoneNumber) -> E164:
    return E164(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _number(e164: str) -> phonenumbers.PhoneNumber | None:
    if not E164_PATTERN.fullmatch(e164 or ""):
        return None
    try:
        return phonenumbers.parse(e164, None)
    except NumberParseException:
        return None


@cache
def countries() -> dict[str, str]:
    """ISO code to English name of every country with a number plan, by name."""
    planned = phonenumbers.SUPPORTED_REGIONS
    return {code: name for code, name in sorted(_country_names().items(), key=lambda one: one[1]) if code in planned}


@cache
def _country_names() -> dict[str, str]:
    """ISO code to English name, from the table that the time zone database carries."""
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return dict(rows)
