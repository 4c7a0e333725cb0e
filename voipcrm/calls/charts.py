"""The geometry of the bar chart of days, drawn by a template as SVG. Units are those of its viewBox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from voipcrm.calls.analytics import Figures

WIDTH, NARROW, HEIGHT = 840, 360, 230  # NARROW: on a phone
LEFT, TOP, BOTTOM = 34, 10, 24  # room for the scale, above the highest bar, for the days
GAP = 1.0  # between the parts of a bar
LABEL = 90  # the room of a day that is named


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of a bar; kind: answered, outgoing or missed."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    day: date
    figures: Figures
    x: float  # where its label begins
    parts: tuple[Part, ...]
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    ticks: list[tuple[int, float]]  # value, y
    width: int
    height: int = HEIGHT
    left: int = LEFT


def of_days(days: Mapping[date, Figures], width: int = WIDTH) -> Chart:
    """A bar for each day: answered below, then outgoing, then missed or voicemail; the highest just fits."""
    step = scale_step(max((_height(one) for one in days.values()), default=0))
    top = max(step, -(-max((_height(one) for one in days.values()), default=0) // step) * step)
    floor, unit = HEIGHT - BOTTOM, (HEIGHT - BOTTOM - TOP) / top
    pitch = (width - LEFT) / max(len(days), 1)
    thick = min(pitch * 0.66, 40.0)
    every = -(-len(days) // (width // LABEL))
    bars = []
    for at, (day, figures) in enumerate(days.items()):
        x = LEFT + pitch * at + (pitch - thick) / 2
        bars.append(Bar(day, figures, round(x, 2), _parts(figures, x, thick, floor, unit), at % every == 0))
    ticks = [(value, round(floor - value * unit, 2)) for value in range(0, top + 1, step)]
    return Chart(bars, ticks, width)


def scale_step(highest: int) -> int:
    """A round distance between the lines of the scale, so that there are three to six of them: 1, 2, 5, 10, 20, 50…"""
    step = 1
    for factor in (2, 2.5, 2) * 10:
        if highest <= 5 * step:
            break
        step = round(step * factor)
    return step


def _height(one: Figures) -> int:
    return one.answered + one.outgoing + one.unanswered + one.voicemail


def _parts(one: Figures, x: float, width: float, floor: float, unit: float) -> tuple[Part, ...]:
    parts, y = [], floor
    for kind, count in (
        ("answered", one.answered),
        ("outgoing", one.outgoing),
        ("missed", one.unanswered + one.voicemail),
    ):
        if count:
            y -= count * unit
            height = max(count * unit - (GAP if parts else 0), 0.5)
            parts.append(Part(kind, round(x, 2), round(y, 2), round(width, 2), round(height, 2)))
    return tuple(parts)
