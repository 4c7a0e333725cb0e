"""Recording to WAV: 8 kHz, 16 bit, one or two channels."""

import wave
from pathlib import Path
from typing import Literal

import numpy as np

from voipcrm.sandbox.media.frames import RATE, SILENCE, TICK, Frame, mixed

FLUSH_EVERY = 50
"""Frames kept in memory between two writes to disk: one second, so that the clock seldom meets the disk."""
LOUD = 400
"""A sample beyond this (about -38 dBFS) makes a frame speech instead of silence."""

PauseBehavior = Literal["skip", "silence"]


class Recorder:
    """Writes `<path>.part`; the file gets its own name when closed, so that a path that exists is whole.

    channels: 1 mixes what it is given, 2 keeps the first frame left (parent leg) and the second right (child leg).
    trim: leave out silence at the start and the end (TwiML trim="trim-silence").
    """

    def __init__(self, path: str | Path, channels: Literal[1, 2] = 2, *, trim: bool = False) -> None:
        self.path = Path(path)
        self.channels = channels
        self.closed = False
        self.quiet_seconds = 0.0
        """For how long everyone has been silent up to now."""
        self._trim = trim
        self._paused: PauseBehavior | None = None
        self._buffer: list[np.ndarray] = []
        self._held: list[np.ndarray] = []  # silence that is only written if speech follows (trim)
        self._spoken = False
        self._frames = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._part = self.path.with_name(self.path.name + ".part")
        self._wave = wave.open(str(self._part), "wb")  # noqa: SIM115 - open as long as the call
        self._wave.setnchannels(channels)
        self._wave.setsampwidth(2)
        self._wave.setframerate(RATE)

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._frames * TICK

    @property
    def paused(self) -> bool:
        return self._paused is not None

    def write(self, *frames: Frame) -> None:
        """One frame per channel; a mono recorder mixes them, a stereo one that gets a single frame has it left."""
        if self.closed:
            return
        if self._paused == "skip":
            return
        if self._paused == "silence":
            frames = tuple(SILENCE for _ in frames)
        loud = any(int(np.abs(frame).max()) > LOUD or int(frame.min()) < -LOUD for frame in frames)
        self.quiet_seconds = 0.0 if loud else self.quiet_seconds + TICK
        if self.channels == 1:
            block = frames[0] if len(frames) == 1 else mixed(frames)
        else:
            left, right = (frames[0], SILENCE) if len(frames) == 1 else frames
            block = np.stack((left, right), axis=1)
        if self._trim and not loud:
            if self._spoken:
                self._held.append(block)
            return
        self._spoken = True
        if self._held:
            self._append(*self._held)
            self._held.clear()
        self._append(block)

    def pause(self, behavior: PauseBehavior = "silence") -> None:
        """skip: the pause is missing from the file. silence: the file runs on with silence."""
        self._paused = behavior

    def resume(self) -> None:
        self._paused = None

    def close(self) -> float:
        """Finish the file and return its length in seconds. Closing twice changes nothing."""
        if not self.closed:
            self.closed = True
            self._flush()
            self._wave.close()
            self._part.replace(self.path)
        return self.seconds

    def discard(self) -> None:
        """End without a file."""
        if not self.closed:
            self.closed = True
            self._wave.close()
            self._part.unlink(missing_ok=True)

    def _append(self, *blocks: np.ndarray) -> None:
        self._buffer.extend(blocks)
        self._frames += len(blocks)
        if len(self._buffer) >= FLUSH_EVERY:
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            self._wave.writeframes(np.concatenate(self._buffer).astype("<i2", copy=False).tobytes())
            self._buffer.clear()
