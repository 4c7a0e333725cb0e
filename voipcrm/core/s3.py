"""Files in a bucket of S3, or of what speaks like it (Spaces, R2, MinIO …)."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from voipcrm.config import Settings
from voipcrm.core import clock
from voipcrm.core.presigning import Key, presigned
from voipcrm.core.storage import DRAFTS, Storage, StorageUnusable

# A job that waits longer for an answer gives its turn to others; what it owes stays written on its row.
CLIENT: Any = {"timeout": timedelta(seconds=60), "connect_timeout": timedelta(seconds=5)}
RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}

# What an error of S3 says about our settings; in words for the operator.
_MEANINGS = (
    ("NoSuchBucket", "RECORDINGS_URL names the bucket {bucket}, which is not there"),
    ("InvalidAccessKeyId", "S3_ACCESS_KEY_ID is not known there"),
    ("SignatureDoesNotMatch", "S3_SECRET_ACCESS_KEY does not fit S3_ACCESS_KEY_ID, or S3_REGION is another one"),
    ("AuthorizationHeaderMalformed", "S3_REGION is not the region of the bucket {bucket}"),
    ("AccessDenied", "the key of S3_ACCESS_KEY_ID may not read, write and delete in the bucket {bucket}"),
)


class S3Storage(Storage):
    """The bucket and prefix of `RECORDINGS_URL`. Always addressed by path, which every maker's S3 understands."""

    def __init__(self, settings: Settings) -> None:
        parts = urlsplit(settings.recordings_url)
        self.bucket, self.prefix = parts.netloc, parts.path.strip("/")
        self.endpoint = settings.s3_endpoint
        self._key = Key(settings.s3_access_key_id, settings.s3_secret_access_key, settings.s3_region)
        self._open_store: Any = None
        self._pid = 0

    def _make_store(self) -> Any:
        from obstore.store import S3Store

        client: Any = {**CLIENT, "allow_http": self.endpoint.startswith("http://")}
        return S3Store(
            self.bucket,
            prefix=self.prefix or None,
            endpoint=self.endpoint,
            region=self._key.region,
            access_key_id=self._key.access_key_id,
            secret_access_key=self._key.secret,
            virtual_hosted_style_request=False,
            client_options=client,
            retry_config=RETRIES,
        )

    def publish(self, draft: str, path: str) -> None:
        """Give a finished draft its name, replacing what had it. Raises OSError if S3 made something else of it."""
        import obstore

        obstore.copy(self.store, _inside(draft), _inside(path))
        if self.size_of(path) != self.size_of(draft):
            raise OSError("the copy inside the bucket has another length than the draft")
        self.delete(draft)

    def size_of(self, path: str) -> int | None:
        import obstore

        try:
            return obstore.head(self.store, _inside(path))["size"]
        except FileNotFoundError:
            return None

    def delete(self, path: str) -> None:
        import obstore

        with suppress(FileNotFoundError):
            obstore.delete(self.store, _inside(path))

    def delete_drafts(self, *, before: datetime) -> int:
        import obstore

        count = 0
        for some in obstore.list(self.store, prefix=DRAFTS):
            for one in some:
                if one["last_modified"] < before:
                    obstore.delete(self.store, one["path"])
                    count += 1
        return count

    def free_bytes(self) -> int | None:
        return None

    def address(self, path: str, *, seconds: int, method: str = "GET", **response: str) -> str:
        place = "/".join(part for part in (self.bucket, self.prefix, _inside(path)) if part)
        return presigned(
            f"{self.endpoint}/{place}", self._key, at=clock.now(), seconds=seconds, method=method, **response
        )

    def _meaning(self, problem: Exception) -> str:
        text = str(problem)
        for code, words in _MEANINGS:
            if code in text:
                return words.format(bucket=self.bucket)
        return f"S3_ENDPOINT_URL ({self.endpoint}) does not answer as S3 does: {type(problem).__name__}"

    def check(self) -> None:
        try:
            self._try_out()
        except Exception as problem:
            raise StorageUnusable(f"Recordings cannot be kept: {self._meaning(problem)}.") from problem


def _inside(path: str) -> str:
    """The same path. Raises ValueError for one that leads out of the prefix, or nowhere."""
    parts = path.split("/")
    if {"", ".", ".."} & set(parts) or "\\" in path or "\x00" in path:
        raise ValueError("this path leads out of the storage")
    return path
