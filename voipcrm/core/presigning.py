"""Addresses of S3 that carry their own permission for a short while (AWS Signature Version 4, in the query).

Our own forty lines, since obstore signs no `response-…` parameters, without which a download would have the name of an
SID, and the AWS library weighs as much as the rest of the app. A test compares them with what that library makes.
Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

LONGEST_SECONDS = 7 * 86_400  # what S3 allows


@dataclass(frozen=True, slots=True)
class Key:
    """Who signs, and for which region."""

    access_key_id: str
    secret: str
    region: str


def presigned(url: str, key: Key, *, at: datetime, seconds: int, method: str = "GET", **response: str) -> str:
    """`url` (without a query) signed for requests of one method from `at` on, for so many seconds.

    response: headers that S3 shall answer with, content_disposition="inline" and the like."""
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise ValueError("seconds")
    parts = urlsplit(url)
    path = quote(parts.path, safe="/-_.~")
    moment, scope = f"{at:%Y%m%dT%H%M%SZ}", f"{at:%Y%m%d}/{key.region}/s3/aws4_request"
    asked = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key.access_key_id}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
        **{f"response-{name.replace('_', '-')}": value for name, value in response.items()},
    }
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(asked.items()))
    request = "\n".join((method, path, query, f"host:{parts.netloc}\n", "host", "UNSIGNED-PAYLOAD"))
    to_sign = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()))
    signing_key = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    signature = hmac.digest(signing_key, to_sign.encode(), "sha256").hex()
    return f"{parts.scheme}://{parts.netloc}{path}?{query}&X-Amz-Signature={signature}"


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
