"""Which amounts, cards and bodies: decided without any I/O."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.hosting.errors import InvalidRequest
from services.payments.card_gateway import TEST_CARDS, Behaviour, has_right_check_digit, judge
from services.payments.currencies import SUPPORTED, Amount, chargeable
from services.payments.payment import Card, Decline, charge_order

NEW_YEAR_2026 = 1_767_225_600_000_000
CARD = Card("4242424242424242", 12, 2030, "9173")


@pytest.mark.parametrize("number", TEST_CARDS)
def test_every_test_card_could_be_a_card(number: str) -> None:
    assert has_right_check_digit(number)


@given(st.from_regex(r"[0-9]{11,18}", fullmatch=True))
def test_one_check_digit_of_ten_is_right(payload: str) -> None:
    assert sum(has_right_check_digit(f"{payload}{digit}") for digit in range(10)) == 1


@given(st.from_regex(r"[0-9]{12,19}", fullmatch=True), st.data())
def test_one_wrong_digit_is_always_seen(number: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[at]]))
    wrong = number[:at] + other + number[at + 1 :]
    assert not (has_right_check_digit(number) and has_right_check_digit(wrong))


@pytest.mark.parametrize(
    ("number", "month", "year", "verdict"),
    [
        ("4242424242424242", 1, 2026, Behaviour.CHARGE),
        ("4242424242424242", 12, 2025, Decline.CARD_EXPIRED),
        ("4242424242424241", 1, 2026, Decline.CARD_DECLINED),
        ("4111111111111111", 1, 2026, Behaviour.CHARGE),
        ("4000000000000119", 12, 2025, Decline.CARD_EXPIRED),
    ],
)
def test_the_gateway_judges_check_digit_date_and_test_card(
    number: str, month: int, year: int, verdict: Behaviour | Decline
) -> None:
    assert judge(replace(CARD, number=number, expiry_month=month, expiry_year=year), NEW_YEAR_2026) is verdict


@pytest.mark.parametrize("currency", SUPPORTED)
def test_one_smallest_coin_is_chargeable_and_a_tenth_of_it_is_not(currency: str) -> None:
    coin = 10 ** (9 - SUPPORTED[currency])
    smallest = Amount(currency, *divmod(coin, 10**9))
    assert chargeable(smallest) == smallest
    with pytest.raises(InvalidRequest) as refused:
        chargeable(Amount(currency, 1, coin // 10))
    assert refused.value.violations[0].field == "amount.nanos"


def test_the_digest_of_a_body_holds_nothing_of_the_number_but_its_end() -> None:
    amount = Amount("EUR", 1, 0)
    order = charge_order("k", "o", amount, CARD)
    assert charge_order("k", "o", amount, replace(CARD, number="5555555555554242", security_code="1")) == order
    assert hashlib.sha256(CARD.number.encode()).hexdigest() != order.body


def test_a_card_shows_neither_number_nor_security_code() -> None:
    assert "4242424242424242" not in repr(CARD)
    assert "9173" not in f"{CARD} {CARD!r}"
