"""Opening hours: what people type, what it means at a moment, across zones and clock changes."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from voipcrm.routes.hours import HoursInvalid, day_text, read_day, read_holidays, week_text, why_closed

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = [[[540, 1020]]] * 5 + [[]] * 2
NIGHT = [[[1320, 360]]] * 7  # 22:00 to 6:00


@pytest.mark.parametrize(
    ("typed", "spans"),
    [
        ("", []),
        ("9-17", [[540, 1020]]),
        ("9:00-12:30, 13.30–17:00", [[540, 750], [810, 1020]]),
        ("13-17; 9-12", [[540, 720], [780, 1020]]),
        ("0:00-24:00", [[0, 1440]]),
        ("22:00 to 6:00", [[1320, 360]]),
    ],
)
def test_hours_are_read_as_people_write_them_and_written_back(typed, spans):
    assert read_day(typed) == spans
    assert read_day(day_text(spans)) == spans


@pytest.mark.parametrize(
    "typed", ["nine", "9", "9-25", "9:60-10", "24-3", "9-12, 11-13", "22-6, 23-24", "9-17 open", "-"]
)
def test_what_is_no_time_table_is_refused_with_a_sentence(typed):
    with pytest.raises(HoursInvalid, match=r"\."):
        read_day(typed)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23T07:59", False),  # a Monday, 8:59 in Berlin
        ("2026-11-23T08:00", True),
        ("2026-11-23T15:59", True),
        ("2026-11-23T16:00", False),
        ("2026-11-22T10:00", False),  # Sunday
        ("2026-03-27T08:00", True),  # Friday before summer time: 9:00
        ("2026-03-30T07:00", True),  # Monday after: 9:00 too, an hour earlier in UTC
        ("2026-03-30T06:59", False),
        ("2026-10-26T07:30", False),  # Monday after summer time: 8:30
    ],
)
def test_hours_are_local_and_follow_the_clock_changes(moment, is_open):
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert (why_closed(OFFICE, [], BERLIN, at) is None) is is_open


@pytest.mark.parametrize(
    ("hour", "is_open"), [("21:59", False), ("22:00", True), ("00:00", True), ("05:59", True), ("06:00", False)]
)
def test_hours_past_midnight_go_on_until_the_morning(hour, is_open):
    at = datetime.fromisoformat(f"2026-11-24T{hour}").replace(tzinfo=UTC)
    assert (why_closed(NIGHT, [], ZoneInfo("UTC"), at) is None) is is_open


def test_a_night_after_the_last_open_day_goes_on_into_the_closed_one():
    only_sunday = [[]] * 6 + [[[1320, 360]]]
    monday = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    assert why_closed(only_sunday, [], ZoneInfo("UTC"), monday) is None


def test_an_empty_table_is_always_open_but_for_holidays():
    at = datetime(2026, 12, 25, 23, 30, tzinfo=UTC)  # the 26th in Berlin
    assert why_closed([], [], BERLIN, at) is None
    assert why_closed([], ["2026-12-25 Christmas"], BERLIN, at) is None
    assert why_closed([], ["2026-12-26 Boxing Day"], BERLIN, at) == "Saturday 26 December is a holiday (Boxing Day)."


def test_holidays_are_sorted_each_day_once_and_real():
    assert read_holidays("2026-12-25  Christmas\n\n2026-01-01\n2026-12-25 again") == ["2026-01-01", "2026-12-25 again"]
    for typed in ("Christmas", "2026-02-30", "25.12.2026", "2026-12-25x"):
        with pytest.raises(HoursInvalid, match="does not begin with a date"):
            read_holidays(typed)


def test_a_week_reads_in_one_line():
    assert week_text(OFFICE) == "Mon–Fri 9:00–17:00"
    table = [*OFFICE[:5], [[600, 840]], []]
    assert week_text(table) == "Mon–Fri 9:00–17:00, Sat 10:00–14:00"
