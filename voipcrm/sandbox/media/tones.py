"""Tones of the telephone network, as frames. Endless ones are iterators, the others lists."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, cycle

import numpy as np

from voipcrm.sandbox.media.frames import RATE, SILENCE, TICK, Frame, to_frames

DTMF_ROWS = (697, 770, 852, 941)
DTMF_COLUMNS = (1209, 1336, 1477, 1633)
DTMF_KEYS = ("123A", "456B", "789C", "*0#D")
DTMF = {
    key: (low, high)
    for low, keys in zip(DTMF_ROWS, DTMF_KEYS, strict=True)
    for high, key in zip(DTMF_COLUMNS, keys, strict=True)
}

LEVEL = 6000
"""Peak of a tone, of 32767: about -15 dBFS, comfortable in a headset."""


def tone(freqs: Sequence[float], seconds: float, level: int = LEVEL) -> list[Frame]:
    """The frequencies (Hz) at once; `level` is the peak of their sum. No frequency: silence."""
    when = np.arange(round(seconds * RATE)) / RATE
    if not freqs:
        return silence(seconds)
    wave = sum(np.sin(2 * np.pi * freq * when) for freq in freqs) * (level / len(freqs))
    return to_frames(np.asarray(wave).astype(np.int16))


def silence(seconds: float) -> list[Frame]:
    return [SILENCE] * round(seconds / TICK)


def steady(freqs: Sequence[float], level: int = LEVEL) -> Iterator[Frame]:
    """The same without an end. Whole hertz meet themselves after one second, so the loop is inaudible."""
    return cycle(tone([round(freq) for freq in freqs], 1.0, level))


def ringback() -> Iterator[Frame]:
    """Endless North American ringback: 440 + 480 Hz, 2 s on, 4 s off."""
    return cycle(_ringback())


def busy() -> Iterator[Frame]:
    """Endless busy tone: 480 + 620 Hz, half a second on, half a second off."""
    return cycle(_busy())


@cache
def _ringback() -> tuple[Frame, ...]:
    return tuple(tone((440, 480), 2.0, 4000) + silence(4.0))


@cache
def _busy() -> tuple[Frame, ...]:
    return tuple(tone((480, 620), 0.5, 4000) + silence(0.5))


def dtmf(digits: str, seconds: float = 0.16, gap: float = 0.08) -> list[Frame]:
    """Keys one after the other. `w` waits half a second, `W` one second; anything else is skipped."""
    frames: list[Frame] = []
    for digit in digits:
        if digit in "wW":
            frames += silence(0.5 if digit == "w" else 1.0)
        elif digit.upper() in DTMF:
            frames += tone(DTMF[digit.upper()], seconds, 12000) + silence(gap)
    return frames


def beep(seconds: float = 0.4) -> list[Frame]:
    """The tone after which to speak: 1000 Hz."""
    return tone((1000,), seconds)


def chirp(rising: bool = True) -> list[Frame]:
    """Someone joined (rising) or left (falling) a conference."""
    pair = (440, 660) if rising else (660, 440)
    return list(chain.from_iterable(tone((freq,), 0.12, 4000) for freq in pair))


HOLD_ROOT = 523.25
"""C5: the loudest frequency of the hold music at all times, so that a test can tell it by ear."""


def hold_music() -> Iterator[Frame]:
    """Endless, calm: a soft C major figure over a steady root."""
    return cycle(_hold_music())


@cache
def _hold_music() -> tuple[Frame, ...]:
    beat = 0.4
    figure = (659.25, 783.99, 1046.5, 783.99, 659.25, 783.99, 698.46, 587.33)
    when = np.arange(int(beat * RATE)) / RATE
    fade = np.minimum(1.0, when / 0.02) * np.exp(-4 * when)
    melody = np.concatenate([np.sin(2 * np.pi * freq * when) * fade for freq in figure * 2])
    # an exact number of periods of the root fits the loop, so that it does not click where it starts again
    whole = np.arange(len(melody)) / len(melody)
    periods = round(HOLD_ROOT * len(melody) / RATE)
    root = np.sin(2 * np.pi * periods * whole) * (0.8 + 0.2 * np.cos(4 * np.pi * whole))
    return tuple(to_frames(((0.6 * root + 0.4 * melody) * 4000).astype(np.int16)))
