"""What is recommended first, and why, and that it is always the same."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from services.recommendations import lots
from services.recommendations.scoring import Evidence, Product, Reason, Recommendation, Tie, best

BOUGHT, VIEWED = Reason.BOUGHT_TOGETHER, Reason.VIEWED_TOGETHER


def product(product_id: str, bought: float = 0, viewed: float = 0, category: str = "") -> Product:
    return Product(product_id, category, lots.number(product_id), bought, viewed)


def ranked(evidence: Evidence, count: int = 20, seed: int = 0) -> list[tuple[str, Reason]]:
    found = best(evidence, count=count, factor=lots.factor(seed), today=1.0)
    return [(each.product_id, each.reason) for each in found]


MUG = product("mug", bought=100, viewed=400, category="galley")


def tied(other: Product, bought: float = 0, viewed: float = 0, to: Product = MUG) -> Tie:
    return Tie(to.product_id, other, bought, viewed)


def test_what_is_bought_with_it_counts_by_how_often_it_is_bought_at_all() -> None:
    everybodys, its = product("bag", bought=900), product("saucer", bought=30)
    evidence = Evidence([MUG], [tied(everybodys, bought=40), tied(its, bought=28)], [])
    assert ranked(evidence) == [("saucer", BOUGHT), ("bag", BOUGHT)]


def test_one_coincidence_is_not_worth_more_than_a_habit() -> None:
    once, often = product("oddity", bought=1), product("saucer", bought=60)
    rare = product("curio", bought=1)
    evidence = Evidence([rare, MUG], [tied(once, bought=1, to=rare), tied(often, bought=50)], [])
    assert ranked(evidence) == [("saucer", BOUGHT), ("oddity", BOUGHT)]


def test_a_purchase_says_more_than_a_look() -> None:
    seen, bought = product("rope", bought=10, viewed=400), product("lamp", bought=10, viewed=40)
    evidence = Evidence([MUG], [tied(seen, viewed=40), tied(bought, bought=4)], [])
    assert ranked(evidence) == [("lamp", BOUGHT), ("rope", VIEWED)]


def test_what_goes_with_all_of_a_cart_comes_before_what_goes_with_one_of_it() -> None:
    pot, tray, whisk = product("pot", bought=100), product("tray", bought=50), product("whisk", bought=50)
    ties = [tied(tray, bought=20), tied(tray, bought=20, to=pot), tied(whisk, bought=30)]
    assert ranked(Evidence([MUG, pot], ties, [])) == [("tray", BOUGHT), ("whisk", BOUGHT)]


def test_what_is_left_comes_by_category_and_popularity_and_says_so() -> None:
    others = [
        product("bell", category="deck"),
        product("anchor", bought=90, category="deck"),
        product("bowl", category="galley"),
        product("plate", viewed=8, category="galley"),
    ]
    saucer = product("saucer", bought=30, category="galley")
    assert ranked(Evidence([MUG], [tied(saucer, bought=3)], [*others, saucer])) == [
        ("saucer", BOUGHT),
        ("plate", Reason.POPULAR),
        ("bowl", Reason.SAME_CATEGORY),
        ("anchor", Reason.POPULAR),
        ("bell", Reason.OTHER),
    ]


def test_products_without_a_category_are_not_of_the_same() -> None:
    assert ranked(Evidence([product("mug")], [], [product("bell")])) == [("bell", Reason.OTHER)]


def test_nothing_known_is_nothing_recommended() -> None:
    assert ranked(Evidence([], [], [])) == []


PRODUCTS = [product(f"p{n}", n % 3, n % 5, "ab"[n % 2]) for n in range(12)]
ASKED = [MUG, product("pot", bought=3, viewed=7), product("pan", bought=7, viewed=3)]
TIES = st.lists(
    st.builds(
        tied,
        st.sampled_from(PRODUCTS),
        st.sampled_from([0.0, 1.0, 2.0]),
        st.sampled_from([0.0, 4.0]),
        st.sampled_from(ASKED),
    ),
    max_size=30,
    unique_by=lambda tie: (tie.product_id, tie.other),
)
EVIDENCE = st.builds(Evidence, st.just(ASKED), TIES, st.lists(st.sampled_from(PRODUCTS), unique=True))


@given(EVIDENCE, st.integers(-(2**63), 2**63 - 1), st.randoms(use_true_random=False))
def test_the_answer_depends_on_what_is_known_and_on_the_seed_alone(
    evidence: Evidence, seed: int, chance: random.Random
) -> None:
    shuffled = Evidence(
        evidence.asked,
        chance.sample(list(evidence.ties), len(evidence.ties)),
        chance.sample(list(evidence.others), len(evidence.others)),
    )
    assert ranked(shuffled, seed=seed) == ranked(evidence, seed=seed)


@given(EVIDENCE, st.integers(0, 20), st.integers(0, 9))
def test_fewer_are_the_first_of_more_and_each_comes_once(evidence: Evidence, count: int, seed: int) -> None:
    everything = ranked(evidence, len(PRODUCTS), seed)
    assert ranked(evidence, count, seed) == everything[:count]
    names = [product_id for product_id, _ in everything]
    known = {tie.other.product_id for tie in evidence.ties} | {each.product_id for each in evidence.others}
    assert sorted(names) == sorted(known)


def test_another_seed_draws_other_lots() -> None:
    equal = Evidence([], [], [product(f"p{number}") for number in range(20)])
    firsts = {ranked(equal, 1, seed)[0][0] for seed in range(200)}
    assert len(firsts) == 20


def test_equally_good_is_equal_in_whatever_order_it_was_found() -> None:
    asked = {product("pan"): 0.2, product("pot"): 0.4, product("pail"): 0.6}
    one, other = product("lid"), product("rack")
    ties = [tied(one, bought=weight, to=each) for each, weight in asked.items()]
    ties += [tied(other, bought=weight, to=each) for each, weight in reversed(asked.items())]
    firsts = {ranked(Evidence(list(asked), ties, []), 1, seed)[0][0] for seed in range(50)}
    assert firsts == {"lid", "rack"}


def test_seeds_never_outweigh_what_is_known() -> None:
    known = Evidence([], [], [product("mug", bought=2), product("rope", bought=1)])
    assert {tuple(ranked(known, seed=seed)) for seed in range(50)} == {
        (("mug", Reason.POPULAR), ("rope", Reason.POPULAR))
    }


def test_a_recommendation_is_a_product_and_a_reason() -> None:
    assert best(Evidence([], [], [product("mug")]), count=1, factor=1, today=1.0) == [
        Recommendation("mug", Reason.OTHER)
    ]
