# ruff: noqa: S311 - choices, not secrets

from random import Random

import pytest

from loadtest.shopping import GOOD_CARD, REFUSED_CARDS, ShelvesEmpty, pick_card, wish

PRODUCTS = ("brass-compass", "enamel-mug", "manila-rope")


def choices(seed: int) -> list[tuple[str, list[tuple[str, int]]]]:
    random = Random(seed)
    wanted = [wish(random, PRODUCTS, "someone", pick_card(random)).request for _ in range(50)]
    return [(each.card.number, [(line.product_id, line.quantity) for line in each.lines]) for each in wanted]


def test_the_same_seed_buys_the_same_things() -> None:
    assert choices(7) == choices(7)
    assert choices(7) != choices(8)


def test_the_same_seed_never_uses_an_idempotency_key_twice() -> None:
    keys = [wish(Random(seed), PRODUCTS, "someone").request.idempotency_key for seed in (1, 1, 1)]
    assert len(set(keys)) == 3


def test_an_order_names_each_product_once() -> None:
    random = Random(1)
    for _ in range(100):
        ids = [line.product_id for line in wish(random, PRODUCTS, "someone").request.lines]
        assert len(ids) == len(set(ids)) > 0


def test_the_order_of_the_catalog_does_not_change_what_is_bought() -> None:
    forward, backward = (wish(Random(3), ids, "someone").request.lines for ids in (PRODUCTS, PRODUCTS[::-1]))
    assert list(forward) == list(backward)


def test_a_few_cards_are_refused() -> None:
    random = Random(1)
    picked = [pick_card(random) for _ in range(1000)]
    assert 20 < sum(card in REFUSED_CARDS for card in picked) < 100
    assert all(not card.deserved.success for card in REFUSED_CARDS)
    assert GOOD_CARD.deserved.success


def test_empty_shelves_are_said_and_not_ordered_from() -> None:
    with pytest.raises(ShelvesEmpty):
        wish(Random(1), (), "someone")
