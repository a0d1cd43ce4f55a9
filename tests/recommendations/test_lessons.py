"""What orders and looks teach: exactly, in whatever order they come, and later ones more."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recommendations.ageing import FIRST_MONDAY, WEEK, weight
from services.recommendations.lessons import COMPANY, SITTING, Purchase, View, of_purchases, of_views
from tests.recommendations.learning import weights

AT = FIRST_MONDAY
PURCHASES = st.lists(
    st.builds(Purchase, st.lists(st.sampled_from("abcdef")).map(tuple), st.integers(AT - 4 * WEEK, AT + 40 * WEEK))
)


def test_a_week_later_it_counts_twice() -> None:
    moments = [AT + week * WEEK for week in range(-5, 100)]
    assert weight(AT) == 1
    assert all(weight(later) == 2 * weight(earlier) for earlier, later in pairwise(moments))


@pytest.mark.parametrize("at", [-(2**62), 2**62])
def test_no_clock_is_too_wrong(at: int) -> None:
    assert 0 <= 1e6 * weight(at) < float("inf")


@given(PURCHASES, st.randoms(use_true_random=False))
def test_orders_teach_the_same_in_any_order(purchases: list[Purchase], chance: random.Random) -> None:
    shuffled = chance.sample(purchases, len(purchases))
    assert weights(of_purchases(shuffled)) == weights(of_purchases(purchases))


def test_each_product_of_an_order_goes_with_each_other_once() -> None:
    products, pairs = weights(of_purchases([Purchase(("mug", "rope", "mug"), AT), Purchase(("mug",), AT)]))
    assert products == {"mug": (2, 0), "rope": (1, 0)}
    assert pairs == {("mug", "rope"): (1, 0), ("rope", "mug"): (1, 0)}


def test_a_large_order_pairs_only_its_first_products() -> None:
    products, pairs = weights(of_purchases([Purchase(tuple(f"p{number}" for number in range(50)), AT)]))
    assert (len(products), len(pairs)) == (50, COMPANY * (COMPANY - 1))


def test_what_one_customer_sees_in_one_sitting_goes_together() -> None:
    mug, rope = View(AT, "mug", "jason"), View(AT + SITTING, "rope", "jason")
    others = View(AT + SITTING, "bell", "medea")
    late = View(AT + 2 * SITTING + 1, "lamp", "jason")
    seen = [late, rope, others, mug]
    products, pairs = weights(of_views(seen, seen))
    assert products.keys() == {"mug", "rope", "bell", "lamp"}
    assert pairs == {("mug", "rope"): (0, 1), ("rope", "mug"): (0, 1)}


def test_only_what_was_seen_last_is_company() -> None:
    seen = [View(AT + number, f"p{number:02}", "jason") for number in range(30)]
    _, pairs = weights(of_views(seen[-1:], seen))
    assert {other for one, other in pairs if one == "p29"} == {f"p{number}" for number in range(19, 29)}


@given(st.lists(st.integers(0, 10), unique=True, min_size=1))
def test_looks_teach_the_same_whether_they_come_together_or_one_by_one(moments: list[int]) -> None:
    seen = [View(AT + moment, f"p{moment}", "jason") for moment in sorted(moments)]
    at_once = weights(of_views(seen, seen))
    products, pairs = dict[str, tuple[float, float]](), dict[tuple[str, str], tuple[float, float]]()
    for number, view in enumerate(seen):
        one, two = weights(of_views([view], seen[: number + 1]))
        products |= one
        pairs |= two
    assert (products, pairs) == at_once
