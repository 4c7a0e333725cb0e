"""What follows from a brand colour: readable in both themes, whatever it is."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.admin import colours
from voipcrm.admin.colours import DARK_PAGES, EDGE, INK_3, LIGHT_PAGES, SEEN, TEXT, ColourInvalid, brand, contrast, css

TOKENS = Path(__file__).resolve().parents[2] / "voipcrm" / "static" / "css" / "tokens.css"
STEPS = ("00", "33", "66", "99", "cc", "ff")
GRID = ["#" + "".join(parts) for parts in product(STEPS, repeat=3)]


def assert_readable(colour: str) -> None:
    made = brand(colour)
    assert contrast(made.on_brand, made.colour) >= TEXT
    assert contrast(made.on_brand, made.pressed) >= TEXT
    for theme, pages in ((made.light, LIGHT_PAGES), (made.dark, DARK_PAGES)):
        for back in (*pages, theme.tint, theme.tint_2):
            assert contrast(theme.accent, back) >= TEXT, (colour, theme.name, back)
        for back in (theme.tint, theme.tint_2):
            assert contrast(INK_3[theme.name], back) >= TEXT, (colour, theme.name, back)
            assert contrast(back, pages[0]) >= SEEN, (colour, theme.name, back)
        assert theme.needs_edge == (contrast(colour, pages[0]) < EDGE and colour != colours.PLAIN)


@pytest.mark.parametrize("colour", [*GRID, "#f2a900", "#3451d1", "#777777", "#767676"])
def test_every_text_has_the_contrast_that_wcag_asks_for(colour):
    assert_readable(colour)


@given(st.integers(0, 24), st.integers(0, 24), st.integers(0, 24), st.booleans())
def test_so_has_what_is_nearly_black_or_nearly_white(red, green, blue, is_light):
    parts = [255 - one if is_light else one for one in (red, green, blue)]
    assert_readable("#" + "".join(f"{one:02x}" for one in parts))


@given(st.integers(0, 0xFFFFFF))
def test_so_has_any_colour_at_all(number):
    assert_readable(f"#{number:06x}")


def test_contrast_is_as_wcag_defines_it():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#3451d1", "#3451d1") == 1


def test_a_colour_that_reads_well_is_left_as_it_is_and_one_that_does_not_is_not():
    assert (brand("#3451d1").light.accent, brand("#3451d1").light.is_changed) == ("#3451d1", False)
    yellow = brand("#f2a900")
    assert yellow.on_brand == "#000000"
    assert yellow.light.is_changed
    assert yellow.light.needs_edge
    assert (yellow.dark.accent, yellow.dark.needs_edge) == ("#f2a900", False)


@pytest.mark.parametrize("text", ["", "red", "#fff", "#GGGGGG", "3451d1", "#3451d1;}", "#3451D1"])
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(ColourInvalid):
        brand(text)


def test_the_sheet_sets_only_variables_that_the_tokens_have():
    names = set(re.findall(r"^\s+(--[\w-]+):", css(brand("#f2a900")), re.MULTILINE))
    assert {"--brand", "--on-brand", "--accent"} <= names
    assert names <= set(re.findall(r"^\s+(--[\w-]+):", TOKENS.read_text(), re.MULTILINE))
