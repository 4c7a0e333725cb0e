"""One recording's way from the provider's answer to a draft in our storage that was read back and found whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import requests

from voipcrm.core.storage import storage
from voipcrm.recordings import waveform
from voipcrm.recordings.claims import Claim
from voipcrm.recordings.wav import WavInvalid, is_wav, read_head

PIECE_BYTES = 64 * 1024
LEAST_FREE_BYTES = 1024**3
BYTES_PER_SECOND = 32_000  # two channels of 16 bit at 8 kHz: the most that the provider makes
TOLERANCE_SECONDS = 2.0  # between the length that the provider states and that of the file


class CopyRefused(Exception):
    """What came is not the whole recording. The message says what is wrong with it."""


class StorageFull(Exception):
    """Too little room to begin with. The message is for people."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A draft that was found whole."""

    size_bytes: int
    sha256: str
    channels: int
    duration_seconds: int
    peaks: list[list[int]] | None  # None: stored in a way that we do not draw


def copy(response: requests.Response, claim: Claim, draft: str, *, heartbeat: Callable[[], None]) -> Copy:
    """Write the answer's body to `draft` and check it. Nothing is left under that name if this raises mid-way.

    Raises CopyRefused, StorageFull, requests.RequestException (the provider's side broke off), or what the storage
    or the heartbeat raise."""
    announced = _announced(response)
    check_room(announced or 0)
    meter = _Meter(heartbeat)
    try:
        storage().put(draft, meter.through(response.iter_content(PIECE_BYTES)))
    except Exception:
        check_room(0)  # a full disk shows as any kind of error
        raise
    if announced is not None and meter.size_bytes != announced:
        raise CopyRefused(f"{meter.size_bytes} of {announced} bytes came.")
    return _checked(draft, meter, claim.duration_seconds, heartbeat)


def check_room(size_bytes: int) -> None:
    """Raises StorageFull unless a file of this size leaves the disk room to breathe."""
    free = storage().free_bytes()
    if free is not None and free < max(LEAST_FREE_BYTES, 2 * size_bytes):
        raise StorageFull(
            f"The storage is nearly full ({free / 1024**3:.1f} GB left). Make room; copying then goes on by itself."
        )


def _announced(response: requests.Response) -> int | None:
    """The length of the body in bytes; None where the provider does not say, or counts it packed."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() and not response.headers.get("Content-Encoding") else None


class _Meter:
    """Counts and hashes what passes, and stops at once what is no WAV file."""

    def __init__(self, heartbeat: Callable[[], None]) -> None:
        self._heartbeat = heartbeat
        self._hash = hashlib.sha256()
        self._start = b""
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def through(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._hash.update(piece)
            self.size_bytes += len(piece)
            if len(self._start) < 12:
                self._start += piece[:12]
                if len(self._start) >= 12 and not is_wav(self._start):
                    raise CopyRefused("The provider sent something that is no WAV file.")
            self._heartbeat()
            yield piece


def _checked(draft: str, meter: _Meter, stated_seconds: int | None, heartbeat: Callable[[], None]) -> Copy:
    """Read the draft back from where it now lies."""
    again = hashlib.sha256()
    for piece in storage().pieces(draft):
        again.update(piece)
        heartbeat()
    if again.hexdigest() != meter.sha256:
        raise CopyRefused("What the storage gives back is not what came.")
    with storage().open(draft) as file:
        try:
            wav = read_head(file)
        except WavInvalid as problem:
            raise CopyRefused(f"The file that came is damaged. {problem}") from problem
        if stated_seconds is not None and abs(wav.seconds - stated_seconds) > TOLERANCE_SECONDS:
            raise CopyRefused(f"{wav.seconds:.0f} of {stated_seconds} seconds came.")
        peaks = waveform.peaks(file, wav) if wav.is_pcm16 else None
    return Copy(meter.size_bytes, meter.sha256, wav.channels, round(wav.seconds), peaks)
