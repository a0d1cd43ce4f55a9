"""Whatever customers do, and in whatever order, carts keep their limits and no piece appears from nowhere."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from services.cart.carts import MOST_PIECES, MOST_PRODUCTS, Cart, Item, added, checked_out, having, merged
from services.hosting.errors import PreconditionFailed

PRODUCTS = st.integers(0, 60).map(lambda number: f"p{number}")
ITEMS = st.lists(st.builds(Item, PRODUCTS, st.integers(1, 100)), max_size=80)


def filled(items: list[Item], customer: str = "guest") -> Cart:
    cart = Cart(customer)
    for item in items:
        with suppress(PreconditionFailed):  # it is full
            cart = added(cart, item, 1)
    return cart


def pieces(cart: Cart) -> dict[str, int]:
    assert len({item.product_id for item in cart.items}) == len(cart.items) <= MOST_PRODUCTS
    assert all(0 < item.quantity <= MOST_PIECES for item in cart.items)
    return {item.product_id: item.quantity for item in cart.items}


@given(ITEMS, ITEMS)
def test_a_merged_cart_holds_what_both_held_up_to_the_limits(ours: list[Item], theirs: list[Item]) -> None:
    one, other = filled(ours), filled(theirs, "customer")
    both = pieces(merged(one, other, 2))
    assert both == {
        product: min(MOST_PIECES, pieces(one).get(product, 0) + pieces(other).get(product, 0)) for product in both
    }
    missing = (pieces(one).keys() | pieces(other).keys()) - both.keys()
    assert not missing or (len(both) == MOST_PRODUCTS and not missing & pieces(one).keys())
    assert merged(one, Cart("nobody"), 2) is one


@given(ITEMS, ITEMS)
def test_checking_out_leaves_exactly_what_was_not_ordered(cart: list[Item], later: list[Item]) -> None:
    before = filled(cart)
    meanwhile = before
    for item in later:
        with suppress(PreconditionFailed):
            meanwhile = added(meanwhile, item, 2)
    left = pieces(checked_out(meanwhile, before.items, 3))
    assert left == {
        product: more for product, all_ in pieces(meanwhile).items() if (more := all_ - pieces(before).get(product, 0))
    }


@given(ITEMS, st.builds(Item, PRODUCTS, st.integers(0, 100)))
def test_setting_a_product_touches_no_other(cart: list[Item], item: Item) -> None:
    before = filled(cart)
    try:
        after = pieces(having(before, item, 2))
    except PreconditionFailed:
        assert len(before.items) == MOST_PRODUCTS
        return
    assert after.pop(item.product_id, 0) == item.quantity
    assert after == {product: all_ for product, all_ in pieces(before).items() if product != item.product_id}
