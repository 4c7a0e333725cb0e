"""Access tokens of the Voice SDK: HS256 JWTs that the app signs with its API key."""

import time
from dataclasses import dataclass, field

import jwt

from voipcrm.sandbox.signalling.protocol import Code


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


@dataclass(frozen=True)
class TokenReader:
    """Checks tokens of one account and one API key."""

    account_sid: str
    api_key_sid: str
    api_key_secret: str

    def read(self, token: str) -> Grant:
        """Raises TokenRefused: expired 31205, anything else wrong 31204."""
        try:
            claims = jwt.decode(
                token,
                self.api_key_secret,
                algorithms=["HS256"],
                issuer=self.api_key_sid,
                subject=self.account_sid,
                options={"require": ["exp", "iss", "sub"]},
            )
        except jwt.ExpiredSignatureError as exc:
            raise TokenRefused(Code.TOKEN_EXPIRED, "Access Token expired") from exc
        except (jwt.InvalidTokenError, ValueError) as exc:
            raise TokenRefused(Code.TOKEN_INVALID, f"Invalid Access Token: {exc}") from exc
        grants = claims.get("grants")
        identity = grants.get("identity") if isinstance(grants, dict) else None
        if not isinstance(identity, str) or not identity:
            raise TokenRefused(Code.TOKEN_INVALID, "Invalid Access Token: no identity")
        voice = grants.get("voice") or {}
        outgoing = voice.get("outgoing") or {}
        return Grant(
            identity=identity,
            expires_at=float(claims["exp"]),
            issuer=claims["iss"],
            may_receive=(voice.get("incoming") or {}).get("allow") is True,
            application_sid=outgoing.get("application_sid") or "",
            outgoing_params={str(name): str(value) for name, value in (outgoing.get("params") or {}).items()},
        )
