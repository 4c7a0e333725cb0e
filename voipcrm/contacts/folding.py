"""The plain form in which contacts are sorted and searched: no capitals, accents or odd spaces.

Folding happens here and not in the database, so that SQLite and PostgreSQL find and order the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from voipcrm.telephony.numbers import digits

# Letters that Unicode takes for letters of their own, though people type the plain one; and typographic quotes.
_PLAINER = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"} | dict.fromkeys("’‘ʼ´`", "'")
)
_TRUNK_ZERO = re.compile(r"\(0\)")  # +49 (0)30 …: the 0 is not dialled after a country code
_PHONE_LIKE = re.compile(r"\+?[\d\s().\-/]+")
MOST_WORDS = 8


def folded(text: str) -> str:
    """'  Łukasz  Müller-Weiß ' becomes 'lukasz muller-weiss'. Never holds control characters or double spaces."""
    text = unicodedata.normalize("NFKD", text.casefold()).casefold()
    kept = (character for character in text if unicodedata.category(character) != "Mn")
    visible = ("".join(kept)).translate(_PLAINER)
    spaced = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Zs"} else c for c in visible)
    return " ".join(unicodedata.normalize("NFC", spaced).split())


def search_text(*, name: str, company: str = "", emails: Iterable[str] = (), numbers: Iterable[str] = ()) -> str:
    """All by which a person is found, as one text that `patterns` are substrings of.

    Two spaces stand before each word of the names, so that one or two letters make a trigram that only a word's
    beginning has: both databases then search short words by the same index as long ones. E-mails and numbers stand
    on lines of their own, which no short word reaches."""
    words = "".join(f"  {word}" for text in (name, company) for word in folded(text).split())
    lines = [folded(address) for address in emails] + [digits(number) for number in numbers]
    return "\n".join([words, *lines])


def is_number(text: str) -> bool:
    """Does it read as a number or a fragment of one, three digits or more?"""
    return _PHONE_LIKE.fullmatch(text) is not None and len(digits(text)) >= 3


def patterns(query: str) -> list[tuple[str, ...]]:
    """What must stand in a search text for it to match: every group, by any one of its texts. Empty: no condition.

    A query that reads as a number is one fragment of it, however it is spaced. Other words are taken each by
    itself: with three characters or more anywhere, shorter only where a word begins."""
    text = _TRUNK_ZERO.sub("", folded(query))
    if is_number(text):
        return [_fragment(digits(text))]
    return [_pattern(word) for word in dict.fromkeys(text.split()[:MOST_WORDS])]


def _pattern(word: str) -> tuple[str, ...]:
    if is_number(word):
        return (word, *_fragment(digits(word))) if word != digits(word) else _fragment(word)
    return (word if len(word) >= 3 else word.rjust(3),)


def _fragment(typed: str) -> tuple[str, ...]:
    """Numbers are kept with their country code, so 030 123… and 0049 30 123… are also looked for without the zeros."""
    bare = typed.lstrip("0")
    return (typed,) if bare == typed or len(bare) < 3 else (typed, bare)
