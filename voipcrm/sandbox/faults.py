"""Faults that a test asks for: recordings that are not there yet, cut short or slow; REST that refuses or hangs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

MODES = ("", "429", "500", "503", "hang")


@dataclass
class Faults:
    """
    media_404, media_503: how many of the next media requests answer so. media_truncate: how many are cut off at 60 %
    of their length. media_bytes_per_second: 0 is full speed. rest_mode: one of MODES, for the next `rest_count`
    REST requests (a hang lasts 60 s). Each count runs down to 0 by itself.
    """

    media_404: int = 0
    media_503: int = 0
    media_truncate: int = 0
    media_bytes_per_second: int = 0
    rest_mode: str = ""
    rest_count: int = 0

    def follow(self, asked: dict[str, Any]) -> None:
        """Changes what is named. Raises ValueError and changes nothing when a name or value is wrong."""
        known = {item.name for item in fields(self)}
        for name, value in asked.items():
            if name not in known:
                raise ValueError(f"unknown fault {name!r}; known: {', '.join(sorted(known))}")
            if name == "rest_mode":
                if value not in MODES:
                    raise ValueError(f"rest_mode is one of {', '.join(repr(mode) for mode in MODES)}")
            elif not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(f"{name} is a whole number, not negative")
        for name, value in asked.items():
            setattr(self, name, value)

    def take(self, name: str) -> bool:
        """True if this count was above 0; it is one less now."""
        left = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left > 0

    def as_json(self) -> dict[str, Any]:
        """What is still to come."""
        return asdict(self)
