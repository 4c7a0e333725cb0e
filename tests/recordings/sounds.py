"""WAV files as the provider makes them, small enough for tests."""

from __future__ import annotations

import struct
from array import array


def wav(seconds: float = 6.0, *, channels: int = 2, rate: int = 8000, loud: tuple[int, ...] = (12_000, 3_000)) -> bytes:
    """16-bit PCM: a square wave of the given loudness on each channel."""
    frames = int(seconds * rate)
    samples = array("h", bytes(2 * channels * frames))
    for channel in range(channels):
        samples[channel::channels] = array("h", [loud[channel], -loud[channel]] * (frames // 2) + [0] * (frames % 2))
    return whole(samples.tobytes(), channels=channels, rate=rate)


def whole(data: bytes, *, channels: int = 2, rate: int = 8000, encoding: int = 1, sample_bytes: int = 2) -> bytes:
    """A WAV file around this sound."""
    frame = channels * sample_bytes
    form = struct.pack("<IHHIIHH", 16, encoding, channels, rate, rate * frame, frame, 8 * sample_bytes)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + form + b"data" + struct.pack("<I", len(data)) + data
    )
