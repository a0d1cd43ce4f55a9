"""A page token leads on in the list that gave it, and nowhere else."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.hosting import paging
from services.hosting.errors import InvalidRequest


@given(st.text(), st.text(min_size=1))
def test_a_token_gives_its_key_back(kind: str, key: str) -> None:
    assert paging.decode(kind, paging.encode(kind, key)) == key


def test_no_token_is_the_first_page() -> None:
    assert paging.decode("products", "") == ""


@given(st.text(min_size=1))
def test_a_token_of_another_list_is_refused_and_the_field_named(key: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        paging.decode("products", paging.encode("orders", key))
    assert (caught.value.reason, [v.field for v in caught.value.violations]) == ("PAGE_TOKEN_INVALID", ["page_token"])


@given(st.text(min_size=1) | st.text(string.ascii_letters + "-_=", min_size=1))
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidRequest):
        paging.decode("products", token)


def test_a_token_of_a_long_key_fits_the_contract() -> None:
    assert len(paging.encode("products", "a" * 64)) <= 256


def test_tokens_travel_in_urls() -> None:
    token = paging.encode("products", "mug>?")
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")


@pytest.mark.parametrize(("found", "shown", "more"), [("", "", ""), ("abc", "abc", ""), ("abcd", "abc", "C")])
def test_a_page_has_a_next_one_when_more_was_found_than_fits(found: str, shown: str, more: str) -> None:
    assert paging.page("letters", found, 3, str.upper) == (shown, paging.encode("letters", more) if more else "")
