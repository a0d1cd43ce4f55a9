"""Words are the same in any case, with and without accents, and hold nothing that a database reads as its own."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.words import LONGEST, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Brass compass", ["brass", "compass"]),
        ("Fisherman's sweater", ["fishermans", "sweater"]),
        ("Fisherman’s", ["fishermans"]),  # noqa: RUF001  # the typographic apostrophe
        ("deck-lantern_2,5 l", ["deck", "lantern", "2", "5", "l"]),
        ("CAFÉ Straße İzmir", ["cafe", "strasse", "izmir"]),
        ("cafe\u0301", ["cafe"]),
        ("ﬁsh ½ ①", ["fish", "1", "2", "1"]),
        ("Ναυτικός 海図", ["ναυτικοσ", "海図"]),
        ("हिन्दी", ["हिनदी"]),
        ("' OR 1=1; -- \" * ^ : & | ! \\ %", ["or", "1", "1"]),
        ("a\0b", ["a", "b"]),
        ("?!", []),
        ("", []),
    ],
)
def test_the_words_of_a_text(text: str, found: list[str]) -> None:
    assert words(text) == [unicodedata.normalize("NFKD", word) for word in found]


@given(st.text())
def test_a_word_holds_letters_digits_and_marks_only(text: str) -> None:
    for word in words(text):
        assert 1 <= len(word) <= LONGEST
        assert {unicodedata.category(char)[0] for char in word} <= {"L", "M", "N"}


@given(st.text())
def test_the_words_of_words_are_the_same(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)
