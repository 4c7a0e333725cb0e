"""The logo as we keep it: a picture made anew from what was uploaded, so that nothing of the file itself is served."""

from __future__ import annotations

import hashlib
import warnings
from io import BytesIO

from PIL import Image, ImageOps

MOST_BYTES = 1024 * 1024
MOST_PIXELS = 25_000_000  # a small file can unfold into gigabytes
FITS_INTO = (640, 160)  # pixels: the place for it is 28 high, times what the sharpest screens have
FORMATS = ("PNG", "JPEG", "WEBP")  # no SVG: it is a document that can hold scripts and load from elsewhere


class LogoUnreadable(Exception):
    """It cannot be made into a logo; the message says what to do."""


def remade(raw: bytes) -> tuple[str, bytes]:
    """(digest, PNG) of an uploaded picture: only its pixels, turned upright and made small. Raises LogoUnreadable."""
    if len(raw) > MOST_BYTES:
        raise LogoUnreadable("This file is larger than 1 MB. Save it smaller; 640 by 160 pixels are enough.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(raw), formats=FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                raise LogoUnreadable("This picture is too large. Save it smaller; 640 by 160 pixels are enough.")
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise LogoUnreadable("This is no picture that can be read. Take a PNG, JPEG or WebP file.") from None
    upright.thumbnail(FITS_INTO, Image.Resampling.LANCZOS)
    pixels = Image.new("RGBA", upright.size)
    pixels.paste(upright)  # a new picture: text, profiles and positions that the file carried stay behind
    kept = BytesIO()
    pixels.save(kept, "PNG", optimize=True)
    return hashlib.sha256(kept.getvalue()).hexdigest()[:16], kept.getvalue()
