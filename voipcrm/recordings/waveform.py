"""The shape of a recording: how loud each voice is over time. Worked out once, after archiving, and kept on the row."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import BinaryIO

from voipcrm.recordings.wav import Wav

BUCKETS = 600
FULL = 32_768
MOST_SAMPLES = 4_000  # looked at in one bucket of one channel; of longer recordings every n-th (8 min and more)

MIDDLE, GAP = 20.0, 0.34  # the picture is BUCKETS wide and twice MIDDLE high; a third of each bar's room is gap


def peaks(file: BinaryIO, wav: Wav) -> list[list[int]]:
    """For each channel the peaks of up to 600 equal stretches of time, 0 to 100 on a square-root scale, so that a
    quiet voice still shows. Only for 16-bit PCM. Reads the file once, piece by piece."""
    frames = wav.data_bytes // wav.frame_bytes
    buckets = min(BUCKETS, frames)
    found: list[list[int]] = [[] for _ in range(wav.channels)]
    file.seek(wav.data_at)
    done = 0
    for bucket in range(1, buckets + 1):
        end = frames * bucket // buckets
        samples = array("h", bytes(file.read((end - done) * wav.frame_bytes)))
        if sys.byteorder == "big":
            samples.byteswap()
        step = max(1, (end - done) // MOST_SAMPLES)
        for channel, row in enumerate(found):
            row.append(_loudness(samples[channel :: step * wav.channels]))
        done = end
    return found


def _loudness(samples: Sequence[int]) -> int:
    peak = max(samples, default=0)
    peak = max(peak, -min(samples, default=0))
    return round(100 * (min(peak, FULL) / FULL) ** 0.5)


def path(above: Sequence[int], below: Sequence[int], *, bars: int = 150) -> str:
    """The `d` of an SVG path in a box of 600 by 40: bars up from the middle for one voice, down for the other.

    Both are scaled alike, so that the louder one fills its half. Silence is a thin line."""
    loudest = max([*above, *below, 1])
    width = BUCKETS / bars
    drawn = []
    for bar in range(bars):
        up, down = (_highest(row, bar, bars) / loudest * (MIDDLE - 1) + 0.6 for row in (above, below))
        drawn.append(
            f"M{bar * width:g} {MIDDLE - up:.1f}h{width * (1 - GAP):.2f}v{up + down:.1f}h-{width * (1 - GAP):.2f}z"
        )
    return "".join(drawn)


def _highest(row: Sequence[int], bar: int, bars: int) -> int:
    start, end = len(row) * bar // bars, len(row) * (bar + 1) // bars
    return max(row[start : max(end, start + 1)], default=0)
