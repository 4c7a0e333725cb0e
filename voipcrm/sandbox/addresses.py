"""Who is at an end: a number in E.164, `client:<identity>` or `sip:<user>@<host>`."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

from voipcrm.sandbox.areas import AREAS

E164 = re.compile(r"\+[1-9][0-9]{1,14}")
CLIENT, SIP = "client:", "sip:"


def is_number(address: str) -> bool:
    """True for E.164."""
    return E164.fullmatch(address) is not None


def normal(address: str) -> str:
    """A number as Twilio reads it: spaces, dots, hyphens and brackets dropped, ten digits taken as North American."""
    if address.startswith((CLIENT, SIP, "sips:")):
        return address
    bare = re.sub(r"[\s().\-]", "", address)
    if re.fullmatch(r"[2-9][0-9]{9}", bare):
        return "+1" + bare
    return "+" + bare if re.fullmatch(r"[1-9][0-9]{10,14}", bare) else bare


@lru_cache(maxsize=1024)
def _place(number: str) -> tuple[str, str, str]:
    """City, state, country code; empty text where unknown."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return "", "", ""
    country = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )
    # Not phonenumbers.geocoder: its tables cost each start 3 s and 180 MB, for two words.
    city, state = AREAS.get(number[2:5], ("", "")) if number.startswith("+1") else ("", "")
    return city, state, "" if country == "ZZ" else country


def geography(from_: str, to: str) -> dict[str, str]:
    """The From/To/Caller/Called x City/State/Zip/Country fields; an end that is not a number has none."""
    found: dict[str, str] = {}
    for names, address in ((("From", "Caller"), from_), (("To", "Called"), to)):
        if not is_number(address):
            continue
        city, state, country = _place(address)
        for name in names:
            found |= {f"{name}City": city, f"{name}State": state, f"{name}Zip": "", f"{name}Country": country}
    return found
