"""May this number be dialled? The wall against toll fraud: a stolen session must not reach an expensive number.

Pure and fail-closed: what is not known to be an ordinary number in an allowed country is refused. Limits per user and
day, and the provider's own geographic permissions, come on top of it elsewhere.
"""

import re

from voipcrm.telephony.errors import NotAllowed
from voipcrm.telephony.numbers import E164_PATTERN, WORLD, classify, fictional, place

_ORDINARY_TYPES = frozenset({"fixed line", "mobile", "fixed line or mobile", "toll-free", "voip"})
_SHORT = re.compile(r"\+?[0-9*#]{1,6}")
# +870 Inmarsat, +881 satellite, +882/+883 international networks, +878 personal, +979 premium, +888 relief operations.
_NO_COUNTRY = ("+870", "+878", "+881", "+882", "+883", "+888", "+979")
# Local pay-per-call exchanges that the number plans count as ordinary: 976 everywhere in North America.
_PAY_PER_CALL = re.compile(r"\+1[2-9][0-9]{2}976[0-9]{4}")


def check(e164: str, *, allowed_countries: frozenset[str], allow_fictional: bool = False) -> None:
    """Return quietly if `e164` may be dialled, else raise NotAllowed(code, sentence).

    allowed_countries: ISO codes ("US", "DE"). North American islands are countries of their own (JM, DO, GD...).
    allow_fictional: True only with the sandbox, whose demo numbers are NPA-555-0100..0199; then these pass whatever
    the countries. With a real provider they are refused: nobody is there.
    Codes: not-a-number, short-code, satellite, fictional, premium, unknown-range, unusual-type, country.
    """
    if not isinstance(e164, str) or not E164_PATTERN.fullmatch(e164):
        if isinstance(e164, str) and _SHORT.fullmatch(e164):
            raise NotAllowed("short-code", "Emergency and short numbers can’t be called from here.")
        raise NotAllowed("not-a-number", "Only ordinary phone numbers can be called.")
    if fictional(e164):
        if allow_fictional:
            return
        raise NotAllowed("fictional", "This number is reserved for fiction; nobody can be reached there.")
    if e164.startswith(_NO_COUNTRY):
        raise NotAllowed("satellite", "Satellite and international network numbers can’t be called from here.")
    if _PAY_PER_CALL.fullmatch(e164):
        raise NotAllowed("premium", "Premium-rate numbers can’t be called from here.")
    found = classify(e164)
    if found.country is None or found.type == "unknown":
        raise NotAllowed("unknown-range", "No such number is in use. Check the digits.")
    if found.type in {"premium rate", "shared cost"}:
        raise NotAllowed("premium", "Premium-rate numbers can’t be called from here.")
    if found.type not in _ORDINARY_TYPES:
        raise NotAllowed("unusual-type", f"Numbers of this kind ({found.type}) can’t be called from here.")
    if found.country == WORLD or found.country not in allowed_countries:
        there = place(e164) or "this country"
        raise NotAllowed("country", f"Calls to {there} are not allowed. An administrator can allow them under Company.")
