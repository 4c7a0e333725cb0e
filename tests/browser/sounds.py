"""What a recording contains."""

from __future__ import annotations

import io
import wave

import numpy as np

from voipcrm.sandbox.farends.hearing import measure

RATE = 8000


def channels_of(wav: bytes) -> np.ndarray:
    """The samples of each channel, shape (channels, samples), of a 16-bit WAV file at telephone rate."""
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels()).T


def loudest_hz(samples: np.ndarray) -> float:
    """Of the second in the middle."""
    middle = len(samples) // 2
    return measure(samples[middle - RATE // 2 : middle + RATE // 2]).hz
