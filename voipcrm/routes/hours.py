"""Opening hours: a weekly table in local time, and holidays. Pure.

A table is seven lists of [opens, closes] in minutes of the local day, Monday first. Closing at or before opening means
on the next day. An empty table is open always; a holiday is closed all day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY = 24 * 60
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|to)\s*(\d{1,2})(?:[:.](\d{2}))?")
_HOLIDAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\s+(.*))?")

Table = Sequence[Sequence[Sequence[int]]]


class HoursInvalid(ValueError):
    """What was typed is not a time table; the message is a sentence for the person."""


def why_closed(table: Table, holidays: Sequence[str], zone: ZoneInfo, at: datetime) -> str | None:
    """None when it is open at that moment, else why not, in words: "Friday 25 December is a holiday (Christmas)."."""
    local = at.astimezone(zone)
    today = local.date()
    for holiday in holidays:
        day, _, name = holiday.partition(" ")
        if day == today.isoformat():
            return f"{today:%A %-d %B} is a holiday{f' ({name})' if name else ''}."
    if not table:
        return None
    minute = local.hour * 60 + local.minute
    yesterday = (today - timedelta(days=1)).weekday()
    is_open = any(_covers(span, minute) for span in table[today.weekday()]) or any(
        opens >= closes > minute for opens, closes in table[yesterday]
    )
    return None if is_open else f"{today:%A} {local:%-H:%M} ({zone.key}) is outside the hours."


def _covers(span: Sequence[int], minute: int) -> bool:
    opens, closes = span
    return opens <= minute and (minute < closes or closes <= opens)


def read_day(text: str) -> list[list[int]]:
    """The spans of one day as people type them: "9-12:30, 13:30-17"; nothing: closed. Raises HoursInvalid."""
    spans = []
    for part in re.split(r"[,;]", text):
        if not part.strip():
            continue
        found = _SPAN.fullmatch(part.strip())
        if found is None:
            raise HoursInvalid("Write hours like 9:00-12:30, 13:30-17:00. Leave it empty for a closed day.")
        opens, closes = (_minute(found[at], found[at + 1]) for at in (1, 3))
        if opens == DAY:
            raise HoursInvalid("A day begins at 0:00; write 0:00-9:00 for the night.")
        spans.append([opens, closes])
    spans.sort()
    for (opens, closes), (next_opens, _) in pairwise(spans):
        if closes <= opens or closes > next_opens:
            raise HoursInvalid("These hours overlap.")
    return spans


def day_text(spans: Sequence[Sequence[int]]) -> str:
    """The spans of one day as `read_day` reads them."""
    return ", ".join(f"{clock(opens)}-{clock(closes)}" for opens, closes in spans)


def week_text(table: Table) -> str:
    """The table in one line: "Mon–Fri 9:00–17:00, Sat 10:00–14:00"; days alike are put together."""
    parts: list[tuple[int, int, str]] = []
    for day, spans in enumerate(table):
        words = " and ".join(f"{clock(opens)}–{clock(closes)}" for opens, closes in spans)
        if parts and parts[-1][1] == day - 1 and parts[-1][2] == words:
            parts[-1] = (parts[-1][0], day, words)
        else:
            parts.append((day, day, words))
    return ", ".join(
        f"{DAYS[first][:3]}{f'–{DAYS[last][:3]}' if last > first else ''} {words}"
        for first, last, words in parts
        if words
    )


def read_holidays(text: str) -> list[str]:
    """One a line, "2026-12-25 Christmas"; sorted, each day once. Raises HoursInvalid."""
    days: dict[str, str] = {}
    for line in text.splitlines():
        if not (typed := " ".join(line.split())):
            continue
        found = _HOLIDAY.fullmatch(typed)
        try:
            day = date.fromisoformat(found[1]) if found else None
        except ValueError:
            day = None
        if found is None or day is None:
            raise HoursInvalid(f"“{typed[:40]}” does not begin with a date like 2026-12-25.")
        days[day.isoformat()] = f"{day.isoformat()} {found[2] or ''}".strip()
    return [days[day] for day in sorted(days)]


def clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"


def _minute(hour: str, minute: str | None) -> int:
    value = int(hour) * 60 + int(minute or 0)
    if int(minute or 0) > 59 or value > DAY:
        raise HoursInvalid("A day has the times 0:00 to 24:00.")
    return value
