"""The one unit of audio: a frame is a numpy int16 array of shape (160,), 20 ms at 8 kHz, mono."""

from collections.abc import Iterable

import numpy as np

RATE = 8000
FRAME = 160
TICK = FRAME / RATE

Frame = np.ndarray

SILENCE: Frame = np.zeros(FRAME, np.int16)
SILENCE.setflags(write=False)


def to_frames(samples: np.ndarray) -> list[Frame]:
    """Cut int16 samples at 8 kHz into whole frames; the last one is filled up with silence."""
    short = -len(samples) % FRAME
    if short:
        samples = np.concatenate([samples, np.zeros(short, np.int16)])
    return list(samples.astype(np.int16, copy=False).reshape(-1, FRAME))


def mixed(frames: Iterable[Frame]) -> Frame:
    """The sum of frames, clipped to int16; silence when there are none."""
    total = None
    for frame in frames:
        total = frame.astype(np.int32) if total is None else total + frame
    return SILENCE if total is None else clipped(total)


def clipped(wide: np.ndarray) -> Frame:
    """An int32 sum of frames as a frame."""
    return np.clip(wide, -32768, 32767).astype(np.int16)


def loudness(samples: np.ndarray) -> float:
    """Root mean square, 0.0 (silence) to 1.0 (full scale square wave)."""
    if not len(samples):
        return 0.0
    wide = samples.astype(np.float32)
    return float(np.sqrt(np.dot(wide, wide) / len(wide))) / 32768
