"""Reading the head of a WAV file: enough to know that it is one, that all of it is there, and where the sound begins.

Source: Microsoft/IBM, "Multimedia Programming Interface and Data Specifications 1.0" (RIFF), and RFC 2361.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

PCM = 1
_EXTENSIBLE = 0xFFFE
_MOST_CHUNKS = 64


class WavInvalid(Exception):
    """This is no whole WAV file. The message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Wav:
    """What a WAV file says of itself."""

    encoding: int  # 1: PCM, 7: µ-law
    channels: int
    rate: int  # frames a second
    frame_bytes: int  # one sample of every channel
    data_at: int  # where the sound begins, bytes from the start of the file
    data_bytes: int

    @property
    def seconds(self) -> float:
        return self.data_bytes / self.frame_bytes / self.rate

    @property
    def is_pcm16(self) -> bool:
        return self.encoding == PCM and self.frame_bytes == 2 * self.channels


def is_wav(start: bytes) -> bool:
    """Can a file with these first 12 bytes be a WAV file?"""
    return start[:4] == b"RIFF" and start[8:12] == b"WAVE"


def read_head(file: BinaryIO) -> Wav:
    """Raises WavInvalid for what is no WAV file, or is shorter than its head says."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if not is_wav(bytes(file.read(12))):
        raise WavInvalid("It is no WAV file.")
    form: tuple[int, int, int, int] | None = None
    for _ in range(_MOST_CHUNKS):
        head = bytes(file.read(8))
        if len(head) < 8:
            break
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        at = file.tell()
        if name == b"fmt ":
            form = _format(bytes(file.read(min(length, 40))))
        elif name == b"data":
            if form is None:
                break
            if at + length > size:
                raise WavInvalid("It ends before its sound does.")
            if length == 0:
                raise WavInvalid("There is no sound in it.")
            return Wav(*form, data_at=at, data_bytes=length)
        file.seek(at + length + length % 2)
    raise WavInvalid("It has no sound that can be found.")


def _format(chunk: bytes) -> tuple[int, int, int, int]:
    if len(chunk) < 16:
        raise WavInvalid("It does not say how its sound is stored.")
    encoding, channels, rate, _, frame_bytes, _ = struct.unpack("<HHIIHH", chunk[:16])
    if encoding == _EXTENSIBLE and len(chunk) >= 26:
        encoding = struct.unpack("<H", chunk[24:26])[0]
    if not (1 <= channels <= 8 and 1 <= rate <= 192_000 and frame_bytes >= channels):
        raise WavInvalid("What it says of its sound cannot be.")
    return encoding, channels, rate, frame_bytes
