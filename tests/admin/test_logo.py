"""The logo is made anew: nothing of the file that was sent is kept but its pixels."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from voipcrm.admin.logo import MOST_BYTES, LogoUnreadable, remade


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 100), mode: str = "RGBA", **more) -> bytes:
    file = BytesIO()
    Image.new(mode, size, "#f2a900").save(file, kind, **more)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("JPEG", "RGB"), ("WEBP", "RGB")]
)
def test_a_picture_becomes_a_png_of_at_most_its_place(kind, mode):
    raw = BytesIO()
    Image.new(mode, (2000, 1000)).save(raw, kind)
    _, png = remade(raw.getvalue())
    made = Image.open(BytesIO(png))
    assert (made.format, made.size) == ("PNG", (320, 160))


def test_a_small_one_is_not_blown_up_and_stays_transparent():
    _, png = remade(picture(size=(40, 20)))
    made = Image.open(BytesIO(png))
    assert (made.size, made.mode) == ((40, 20), "RGBA")


def test_nothing_but_the_pixels_is_kept():
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "<script>alert(1)</script>")
    raw = picture(pnginfo=told) + b"<script>alert(2)</script>"
    assert b"script" in raw
    assert b"script" not in remade(raw)[1]


def test_the_same_picture_has_the_same_name_and_another_another():
    assert remade(picture())[0] == remade(picture())[0] != remade(picture(size=(30, 30)))[0]


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60000 by 60000."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no picture",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"GIF89a" + bytes(40),
        picture()[:60],
        bomb(),
        bytes(MOST_BYTES + 1),
    ],
    ids=["empty", "text", "svg", "gif", "cut off", "bomb", "large"],
)
def test_what_is_no_such_picture_is_refused_in_words(raw):
    with pytest.raises(LogoUnreadable, match=r"PNG|smaller"):
        remade(raw)
