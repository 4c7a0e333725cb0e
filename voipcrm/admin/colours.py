"""One brand colour, and what follows from it so that everything stays readable in both themes (WCAG 2.2 AA).

The page takes these as variables of css/tokens.css. Text has 4.5:1 on whatever it stands on, the edge of a button 3:1.
Colour space: OKLab (https://bottosson.github.io/posts/oklab/); contrast: WCAG 2.2, relative luminance.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

TEXT, EDGE = 4.5, 3.0  # contrast that WCAG asks for
SEEN = 1.1  # of a tint with the page, so that the chosen entry of a menu stands out; the plain colour's is 1.13
Rgb = tuple[float, float, float]  # linear light, 0 to 1
Lab = tuple[float, float, float]

# Of css/tokens.css, the hardest of each theme to read on: the light ones' darkest, the dark ones' lightest.
LIGHT_PAGES = ("#ffffff", "#eef0f4")  # --surface, --hover
DARK_PAGES = ("#161920", "#22262f")  # --surface, --hover
INK_3 = {"light": "#636975", "dark": "#a3a8b1"}  # the faintest text there is


class ColourInvalid(ValueError):
    """It is not of the form #rrggbb."""


@dataclass(frozen=True, slots=True)
class Theme:
    """What a colour becomes in one theme; colours as #rrggbb."""

    name: str  # light or dark
    accent: str  # the colour as text or icon
    tint: str  # behind text
    tint_2: str
    needs_edge: bool  # a button in the colour could be lost on the page
    is_changed: bool  # the accent is not the colour as chosen
    accent_contrast: float  # on the page
    brand_contrast: float  # of the colour itself, on the page


@dataclass(frozen=True, slots=True)
class Brand:
    colour: str
    on_brand: str  # text on a button in the colour
    pressed: str  # that button under the pointer
    on_brand_contrast: float
    light: Theme
    dark: Theme


@lru_cache(maxsize=64)
def brand(colour: str) -> Brand:
    """Everything that follows from a colour of the form #rrggbb. Raises ColourInvalid."""
    if not re.fullmatch("#[0-9a-f]{6}", colour):
        raise ColourInvalid(colour)
    # One of the two always reaches 4.58:1. White where both do, since that is what people expect of a button.
    on_brand = "#ffffff" if contrast(colour, "#ffffff") >= TEXT else "#000000"
    away = "#000000" if on_brand == "#ffffff" else "#ffffff"  # so that pressing never takes contrast away
    return Brand(
        colour=colour,
        on_brand=on_brand,
        pressed=mixed(colour, 0.88, away),
        on_brand_contrast=contrast(colour, on_brand),
        light=_theme("light", colour),
        dark=_theme("dark", colour),
    )


def css(of: Brand) -> str:
    """The style sheet; it stands outside of all layers and so wins over the tokens."""
    edges = ["var(--accent)" if theme.needs_edge else "transparent" for theme in (of.light, of.dark)]
    return (
        ":root {\n"
        f"  --brand: {of.colour};\n"
        f"  --on-brand: {of.on_brand};\n"
        f"  --brand-pressed: {of.pressed};\n"
        f"  --brand-edge: light-dark({edges[0]}, {edges[1]});\n"
        f"  --accent: light-dark({of.light.accent}, {of.dark.accent});\n"
        f"  --accent-tint: light-dark({of.light.tint}, {of.dark.tint});\n"
        f"  --accent-tint-2: light-dark({of.light.tint_2}, {of.dark.tint_2});\n"
        "}\n"
    )


def contrast(one: str, other: str) -> float:
    """1 (the same) to 21 (black on white)."""
    low, high = sorted((_luminance(_linear(one)), _luminance(_linear(other))))
    return (high + 0.05) / (low + 0.05)


def mixed(one: str, share: float, other: str) -> str:
    """So much of one, the rest of the other; in OKLab, where a yellow stays yellow."""
    a, b = _lab(_linear(one)), _lab(_linear(other))
    return _hex(_rgb((_between(a[0], b[0], share), _between(a[1], b[1], share), _between(a[2], b[2], share))))


def _theme(name: str, colour: str) -> Theme:
    pages = LIGHT_PAGES if name == "light" else DARK_PAGES
    back, ink = pages[0], INK_3[name]
    strongest = 0.09 if name == "light" else 0.17
    tint = _first(lambda share: mixed(colour, share, back), strongest, -0.01, lambda one: contrast(one, ink) >= TEXT)
    lightness = _lab(_linear(colour))[0]
    start, step = (min(lightness, 0.5), -0.01) if name == "light" else (max(lightness, 0.75), 0.01)

    def is_readable(accent: str) -> bool:
        return all(contrast(accent, page) >= TEXT for page in (*pages, tint, mixed(accent, 0.18, back)))

    is_good_already = is_readable(colour)
    accent = colour if is_good_already else _first(lambda at: _at(colour, at), start, step, is_readable)
    if contrast(tint, back) < SEEN:  # black in the dark, white in the light: the colour as text has what they lack
        tint = _first(lambda share: mixed(accent, share, back), 0.17, -0.01, lambda one: contrast(one, ink) >= TEXT)
    tint_2 = _first(lambda share: mixed(accent, share, back), 0.18, -0.01, lambda one: contrast(one, ink) >= TEXT)
    return Theme(
        name=name,
        accent=accent,
        tint=tint,
        tint_2=tint_2,
        needs_edge=contrast(colour, back) < EDGE and colour != PLAIN,
        is_changed=not is_good_already,
        accent_contrast=contrast(accent, back),
        brand_contrast=contrast(colour, back),
    )


PLAIN = "#3451d1"  # the colour of css/tokens.css itself, which has no edge


def _first(make: Callable[[float], str], start: float, step: float, is_good: Callable[[str], bool]) -> str:
    """The first colour on the way from `start` that is good; the ends of the way, 0 and 1, always are."""
    at = start
    while 0 < at < 1:
        if is_good(found := make(at)):
            return found
        at += step
    return make(0.0 if step < 0 else 1.0)


def _at(colour: str, lightness: float) -> str:
    _, a, b = _lab(_linear(colour))
    return _hex(_rgb((lightness, a, b)))


def _between(one: float, other: float, share: float) -> float:
    return one * share + other * (1 - share)


def _linear(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _light(red), _light(green), _light(blue)


def _light(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _hex(rgb: Rgb) -> str:
    return "#" + "".join(f"{round(255 * _dark(min(max(one, 0.0), 1.0))):02x}" for one in rgb)


def _dark(value: float) -> float:
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def _luminance(rgb: Rgb) -> float:
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def _lab(rgb: Rgb) -> Lab:
    red, green, blue = rgb
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _rgb(lab: Lab) -> Rgb:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
