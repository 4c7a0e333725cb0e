"""What people type, as rows keep it."""

import unicodedata


def one_line(text: str | None) -> str:
    """The text without line breaks, odd spaces and control characters."""
    return " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in text or "").split())
