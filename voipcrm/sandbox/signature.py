"""X-Twilio-Signature: HMAC-SHA1 over the exact address and the sorted form fields."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urldefrag


def sign(token: str, url: str, params: Iterable[tuple[str, str]] = ()) -> str:
    """
    Base64 text. `url` is as configured (case, port and query untouched; a fragment is not signed); `params` are
    the form fields of a POST, none for a GET. A name with several distinct values counts each of them, sorted.
    Source: Twilio, "Validating requests".
    """
    text = urldefrag(url).url + "".join(name + value for name, value in sorted(set(params)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
