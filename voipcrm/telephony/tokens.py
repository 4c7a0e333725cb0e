"""Access tokens for the browser phone, and the identities in them.

Source: Twilio, "Access Tokens" and the Voice SDK's token claims; twilio-python 9.13 does the signing.
"""

import re

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant

MAX_TTL_SECONDS = 24 * 60 * 60
_IDENTITY = re.compile(r"u_([1-9][0-9]{0,17})")


def identity(user_id: int) -> str:
    """The device identity of a user: `u_12`. An e-mail address would not do: @ and . are refused or ambiguous."""
    if isinstance(user_id, bool) or not isinstance(user_id, int) or user_id < 1:
        raise ValueError("a user id is a positive whole number")
    return f"u_{user_id}"


def user_id_from(address: str | None) -> int | None:
    """12 for `client:u_12` or `u_12`; None for anything else, never an exception: it reads what outsiders send."""
    if not isinstance(address, str):
        return None
    match = _IDENTITY.fullmatch(address.removeprefix("client:"))
    return int(match[1]) if match else None


def access_token(
    *,
    account_sid: str,
    api_key_sid: str,
    api_key_secret: str,
    identity: str,
    ttl_seconds: int,
    outgoing_application_sid: str | None,
    incoming_allow: bool,
) -> str:
    """A signed JWT (HS256) that lets one browser register as `identity` and use the voice application.

    ttl_seconds: 1 to 86,400; use at most 3,600, since one token alone cannot be revoked.
    outgoing_application_sid: AP..., or None for a user who may not place calls.
    incoming_allow: may this device be rung. Must be a real bool: the library silently grants nothing for "true".
    Raises ValueError or TypeError for arguments that would make a token which fails only later, in the browser.
    """
    if not isinstance(incoming_allow, bool):
        raise TypeError("incoming_allow must be True or False")
    if user_id_from(identity) is None or identity.startswith("client:"):
        raise ValueError("identity must look like u_12")
    if isinstance(ttl_seconds, bool) or not 0 < ttl_seconds <= MAX_TTL_SECONDS:
        raise ValueError(f"ttl_seconds must be between 1 and {MAX_TTL_SECONDS}")
    for name, value, prefix in (
        ("account_sid", account_sid, "AC"),
        ("api_key_sid", api_key_sid, "SK"),
        ("outgoing_application_sid", outgoing_application_sid or "AP", "AP"),
    ):
        if not value.startswith(prefix):  # swapped settings are the usual mistake; the value stays out of the text
            raise ValueError(f"{name} must start with {prefix}")
    if not api_key_secret:
        raise ValueError("api_key_secret is empty")
    token = AccessToken(
        account_sid,
        api_key_sid,
        api_key_secret,
        identity=identity,
        ttl=int(ttl_seconds),
        nbf=None,  # the default is now, and a server clock some seconds fast would make fresh tokens invalid
    )
    token.add_grant(
        VoiceGrant(incoming_allow=incoming_allow, outgoing_application_sid=outgoing_application_sid or None)
    )
    return token.to_jwt()
