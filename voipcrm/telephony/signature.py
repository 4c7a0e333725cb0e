"""Is this webhook really from the provider?

Source: Twilio, "Webhooks security" (X-Twilio-Signature), and the test vectors that its seven libraries publish.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hmac import compare_digest
from hmac import digest as hmac_digest

_DEFAULT_PORTS = {"https": "443", "http": "80"}
_SIGNATURE_LENGTH = 28  # base64 of the 20 bytes of a SHA-1


def verify(url: str, params: list[tuple[str, str]], signature: str | None, *, tokens: Sequence[str]) -> bool:
    """True if `signature` was made over this request with one of `tokens` (several while rotating).

    url: exactly as the provider requested it: scheme, host and port as configured, raw path and raw query. Build it
    from PUBLIC_BASE_URL and the raw request target, never from `request.url`, which decodes and lower-cases.
    params: every form field as (name, value), blank and repeated ones included; `[]` for GET or a JSON body.
    Never raises: whatever is missing or malformed is False.
    """
    if not isinstance(signature, str) or len(signature) != _SIGNATURE_LENGTH or not signature.isascii():
        return False
    if not isinstance(url, str) or not _are_pairs(params):
        return False
    # A bare string is a sequence of one-letter tokens to Python; nobody means that.
    if isinstance(tokens, str | bytes) or not isinstance(tokens, Sequence):
        return False
    try:
        keys = [token.encode() for token in tokens if isinstance(token, str) and token]
        # Comparing text, not decoded bytes: base64 has several spellings of one value, Twilio sends only one of them.
        return any(
            compare_digest(_sign((spelling + tail).encode(), key), signature)
            for tail in _signed_tails(params)
            for spelling in _spellings(url)
            for key in keys
        )
    except UnicodeEncodeError:  # a lone surrogate cannot have come over the wire as UTF-8
        return False


def compute(url: str, params: Sequence[tuple[str, str]], token: str) -> str:
    """The signature (28 characters of base64) of one request, for whoever sends webhooks and for tests.

    Signs the URL as it stands, but for the fragment, which Twilio neither sends nor signs.
    Raises ValueError for an empty token.
    """
    if not token:
        raise ValueError("a signature needs a token")
    return _sign((url.partition("#")[0] + _joined(params)).encode(), token.encode())


def _sign(message: bytes, key: bytes) -> str:
    return b64encode(hmac_digest(key, message, "sha1")).decode("ascii")


def _are_pairs(params: object) -> bool:
    if not isinstance(params, list | tuple):
        return False
    for pair in params:  # a plain loop: this runs for every field of every webhook
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            return False
        name, value = pair
        if not isinstance(name, str) or not isinstance(value, str):
            return False
    return True


def _joined(params: Sequence[tuple[str, str]]) -> str:
    """Names and values in Twilio's order: by name, then by value, each distinct pair once."""
    return "".join([name + value for name, value in sorted({(name, value) for name, value in params})])


def _signed_tails(params: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What follows the URL in the signed text; a second form only where Twilio's own libraries disagree."""
    tail = _joined(params)
    yield tail
    if not tail.isascii() and max(tail) > "\uffff":
        # Java, JavaScript and C# sort by UTF-16 code unit, which puts an emoji before U+E000..U+FFFF.
        distinct = {(name, value) for name, value in params}
        by_code_unit = sorted(distinct, key=lambda pair: [part.encode("utf-16-be") for part in pair])
        other = "".join([name + value for name, value in by_code_unit])
        if other != tail:
            yield other


def _spellings(url: str) -> Iterator[str]:
    """The URL as given, then with the port left out or written out: Twilio's signers are not consistent there.

    Nothing at all for something that is no absolute http(s) URL.
    """
    url = url.partition("#")[0]
    scheme, separator, rest = url.partition("://")
    default_port = _DEFAULT_PORTS.get(scheme.lower())
    if not separator or not default_port:
        return
    authority_end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, target = rest[:authority_end], rest[authority_end:]
    userinfo, at_sign, host_and_port = authority.rpartition("@")
    host, colon, port = host_and_port.rpartition(":")
    if not colon or port.endswith("]"):  # no port; an IPv6 host has colons of its own
        host, port = host_and_port, ""
    if not host or (port and not (port.isascii() and port.isdigit())):
        return
    yield url
    without_port = f"{scheme}://{userinfo}{at_sign}{host}"
    yield without_port + target if port else f"{without_port}:{default_port}{target}"
