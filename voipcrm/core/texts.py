"""What people type, as rows keep it."""

import unicodedata


def one_line(text: str | None) -> str:
    """The text without line breaks, odd spaces and control characters."""
    return " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in text or "").split())


def initials(name: str) -> str:
    """First letters of the first and the last word, for an avatar; "?" for no name."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"
