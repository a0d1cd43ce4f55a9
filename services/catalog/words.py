"""Which words does a text hold? The same ones in every database, which index them as they are given.

Upper and lower case are the same, and so are a letter with an accent and without: "CAFÉ" holds "cafe", "Straße"
holds "strasse". An apostrophe parts no words: "fisherman's" is one. Whatever else is no letter and no digit does.
"""

from __future__ import annotations

from unicodedata import category, combining, normalize

LONGEST = 64
"""Characters of a word that count. PostgreSQL refuses words of more than 2046 bytes."""

_LETTERS, _DIGITS, _MARKS = "L", "N", "M"  # Unicode's categories; some scripts write vowels as marks
_APOSTROPHES = "'’"  # noqa: RUF001  # the typographic one is meant


def words(text: str) -> list[str]:
    """The words of `text`, in its order."""
    folded = normalize("NFKD", normalize("NFKD", text).casefold())
    kept = (char for char in folded if not combining(char) and char not in _APOSTROPHES)
    return [word[:LONGEST] for word in "".join(map(_letter_or_space, kept)).split()]


def _letter_or_space(char: str) -> str:
    return char if category(char)[0] in {_LETTERS, _DIGITS, _MARKS} else " "
