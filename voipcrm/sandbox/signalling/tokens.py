"""Access tokens of the Voice SDK: HS256 JWTs that the app signs with its API key."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt

from voipcrm.sandbox.signalling.protocol import Code

LONGEST_SECONDS = 24 * 3600 + 60
"""Twilio refuses tokens that live longer than a day; a minute for clocks that differ."""


class TokenRefused(Exception):
    """A token that opens nothing. `code` is what the SDK is told."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Grant:
    """What a token allows."""

    identity: str
    expires_at: float
    """Unix seconds."""
    issuer: str
    may_receive: bool = False
    application_sid: str = ""
    """TwiML application for outgoing calls, empty when the bearer may place none."""
    outgoing_params: dict[str, str] = field(default_factory=dict)
    """Added to every outgoing call; the browser cannot change them."""

    @property
    def ttl(self) -> int:
        """Whole seconds left, 0 when over."""
        return max(0, int(self.expires_at - time.time()))


class TokenReader:
    """Checks tokens of one account. secret_of: an API key's secret by its SID, None for a key that does not exist."""

    def __init__(self, account_sid: str, secret_of: Callable[[str], str | None]) -> None:
        self.account_sid = account_sid
        self._secret_of = secret_of

    def read(self, token: str) -> Grant:
        """Raises TokenRefused: expired 31205, valid for too long 31207, anything else wrong 31204."""
        claims = self._claims(token)
        if claims["exp"] > time.time() + LONGEST_SECONDS:
            raise TokenRefused(Code.TOKEN_TOO_LONG, "Access Token valid for more than 24 hours")
        grants = _object(claims.get("grants"))
        identity = grants.get("identity")
        if not isinstance(identity, str) or not identity:
            raise _invalid("no identity")
        voice = _object(grants.get("voice"))
        outgoing = _object(voice.get("outgoing"))
        return Grant(
            identity=identity,
            expires_at=float(claims["exp"]),
            issuer=claims["iss"],
            may_receive=_object(voice.get("incoming")).get("allow") is True,
            application_sid=str(outgoing.get("application_sid") or ""),
            outgoing_params={str(name): str(value) for name, value in _object(outgoing.get("params")).items()},
        )

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            if not str(jwt.get_unverified_header(token).get("cty", "")).startswith("twilio-fpa"):
                raise _invalid("it is no Twilio token (header cty)")
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
            secret = self._secret_of(issuer) if isinstance(issuer, str) else None
            if secret is None:
                raise _invalid("unknown API key")
            return jwt.decode(
                token,
                secret,
                algorithms=["HS256"],
                issuer=issuer,
                subject=self.account_sid,
                options={"require": ["exp", "iss", "sub"]},
            )
        except jwt.ExpiredSignatureError as exc:
            raise TokenRefused(Code.TOKEN_EXPIRED, "Access Token expired") from exc
        except (jwt.InvalidTokenError, ValueError) as exc:
            raise _invalid(str(exc)) from exc


def _invalid(why: str) -> TokenRefused:
    return TokenRefused(Code.TOKEN_INVALID, f"Invalid Access Token: {why}")


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
