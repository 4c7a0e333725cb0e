"""What a simulated end hears, in figures: tests check audio by frequency, because packets that arrive prove nothing."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from voipcrm.sandbox.media.frames import FRAME, RATE, TICK, Frame, loudness
from voipcrm.sandbox.media.tones import DTMF_COLUMNS, DTMF_KEYS, DTMF_ROWS

WINDOW_FRAMES = 25
"""Frames of one measurement: half a second, so that a frequency is right to about 1 Hz."""
HISTORY = 120
"""Measurements kept: the last minute."""
QUIET = 0.003
"""Loudness below which a window has no frequency and a frame is silence (about -50 dBFS)."""

_BLACKMAN = np.blackman(WINDOW_FRAMES * FRAME).astype(np.float32)
_WHEN = np.arange(FRAME) / RATE
_DETECTORS = np.exp(-2j * np.pi * np.outer((*DTMF_ROWS, *DTMF_COLUMNS), _WHEN))
"""Goertzel's sums for one frame as a matrix: 8 frequencies by 160 samples."""


@dataclass(frozen=True)
class Measurement:
    """at: Unix seconds at the window's end. hz: the loudest frequency, 0.0 in silence. rms: 0.0 to 1.0."""

    at: float
    hz: float
    rms: float

    def as_dict(self) -> dict[str, float]:
        return {"at": round(self.at, 3), "hz": round(self.hz, 1), "rms": round(self.rms, 5)}


class DtmfDetector:
    """Keys in audio, frame by frame. A key counts once two frames agree, and again only after a frame without it."""

    def __init__(self) -> None:
        self._candidate = ""
        self._counted = False

    def feed(self, frame: Frame) -> str:
        """The key that has just become certain, otherwise ''."""
        key = self._key_in(frame)
        if key != self._candidate:
            self._candidate, self._counted = key, False
            return ""
        if key and not self._counted:
            self._counted = True
            return key
        return ""

    @staticmethod
    def _key_in(frame: Frame) -> str:
        samples = frame.astype(np.float32)
        energy = float(np.dot(samples, samples))
        if energy < FRAME * (QUIET * 32768) ** 2:
            return ""
        power = np.abs(_DETECTORS @ samples) ** 2
        row, column = int(power[:4].argmax()), int(power[4:].argmax())
        pair = float(power[row] + power[4 + column])
        # for two pure tones, the pair's power is the frame's energy times half its length
        pure = pair > 0.7 * energy * FRAME / 2
        balanced = 0.1 < power[row] / max(power[4 + column], 1.0) < 10
        return DTMF_KEYS[row][column] if pure and balanced else ""


class Ear:
    """Measures what it hears in windows of half a second and decodes keys."""

    def __init__(self) -> None:
        self.history: deque[Measurement] = deque(maxlen=HISTORY)
        self.keys = ""
        """Every key heard so far."""
        self.quiet_seconds = 0.0
        """For how long there has been silence up to now."""
        self._window: list[Frame] = []
        self._dtmf = DtmfDetector()

    @property
    def latest(self) -> Measurement | None:
        """The last complete window, None in the first half second."""
        return self.history[-1] if self.history else None

    def hear(self, frame: Frame) -> None:
        silent = loudness(frame) < QUIET
        self.quiet_seconds = self.quiet_seconds + TICK if silent else 0.0
        self.keys += self._dtmf.feed(frame)
        self._window.append(frame)
        if len(self._window) == WINDOW_FRAMES:
            self.history.append(measure(np.concatenate(self._window)))
            self._window.clear()

    def report(self) -> dict[str, Any]:
        """Latest measurement, the minute's measurements (oldest first), keys."""
        latest = self.latest
        return {
            "latest": latest.as_dict() if latest else None,
            "history": [measurement.as_dict() for measurement in self.history],
            "keys": self.keys,
        }


def measure(samples: np.ndarray) -> Measurement:
    """Loudest frequency and loudness of int16 samples at 8 kHz, at least a few hundred of them."""
    rms = loudness(samples)
    return Measurement(at=time.time(), hz=_loudest(samples) if rms >= QUIET else 0.0, rms=rms)


def _loudest(samples: np.ndarray) -> float:
    window = _BLACKMAN if len(samples) == len(_BLACKMAN) else np.blackman(len(samples))
    spectrum = np.abs(np.fft.rfft(samples * window))
    peak = int(spectrum[1:-1].argmax()) + 1
    before, at, after = np.log(spectrum[peak - 1 : peak + 2] + 1e-9)
    bend = before - 2 * at + after
    shift = 0.5 * (before - after) / bend if bend else 0.0  # a parabola through the three highest points
    return float((peak + shift) * RATE / len(samples))
