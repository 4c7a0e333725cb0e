"""The answer to a SIP server's question for a password: digest authentication.

Sources: RFC 3261 §22, RFC 8760 (SHA-256 and SHA-512/256, one challenge each), RFC 7616 §3.4 (the sums).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_PARAMETER = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the server wants to be answered. qop: "auth", or empty where the server is older than RFC 2617."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str
    qop: str
    is_stale: bool  # the password was right, only the nonce too old: ask again with this one


def choose(challenges: Sequence[str]) -> Challenge | None:
    """The first of these WWW-Authenticate or Proxy-Authenticate values that we can answer, as RFC 8760 §2.3 has it."""
    return next((one for text in challenges if (one := _read(text)) is not None), None)


def _read(text: str) -> Challenge | None:
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    values: dict[str, str] = {}
    at = 0
    while at < len(rest):
        found = _PARAMETER.match(rest, at)
        if found is None:
            return None
        name, quoted, bare = found.groups()
        values[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
        at = found.end()
    algorithm = values.get("algorithm", "MD5").upper()
    offered = [one.strip().lower() for one in values.get("qop", "").split(",") if one.strip()]
    if not values.get("nonce") or "realm" not in values or algorithm not in _HASHES:
        return None
    if offered and "auth" not in offered:
        return None
    return Challenge(
        realm=values["realm"],
        nonce=values["nonce"],
        opaque=values.get("opaque"),
        algorithm=algorithm,
        qop="auth" if offered else "",
        is_stale=values.get("stale", "").lower() == "true",
    )


def answer(
    challenge: Challenge, *, username: str, password: str, method: str, uri: str, cnonce: str | None = None
) -> str:
    """The value of the Authorization (or Proxy-Authorization) header. cnonce: only tests choose it."""
    cnonce = cnonce or secrets.token_hex(16)
    count = "00000001"

    def digest(text: str) -> str:
        return hashlib.new(_HASHES[challenge.algorithm], text.encode(), usedforsecurity=False).hexdigest()

    who = digest(f"{username}:{challenge.realm}:{password}")
    what = digest(f"{method}:{uri}")
    middle = f"{challenge.nonce}:{count}:{cnonce}:auth" if challenge.qop else challenge.nonce
    parts = [
        f"username={_quoted(username)}",
        f"realm={_quoted(challenge.realm)}",
        f"nonce={_quoted(challenge.nonce)}",
        f"uri={_quoted(uri)}",
        f'response="{digest(f"{who}:{middle}:{what}")}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.qop:
        parts += [f'cnonce="{cnonce}"', "qop=auth", f"nc={count}"]
    if challenge.opaque is not None:
        parts.append(f"opaque={_quoted(challenge.opaque)}")
    return "Digest " + ", ".join(parts)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
