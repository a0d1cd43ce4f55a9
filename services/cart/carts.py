"""What becomes of a cart when somebody puts in, takes out, signs in or buys? Pure: one function each.

A cart is small (50 products), so it is read, changed and written as a whole. What does not change anything
returns the cart itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.hosting.errors import PreconditionFailed

MOST_PIECES = 100  # of one product
MOST_PRODUCTS = 50


class Price(NamedTuple):
    """What a piece cost when somebody looked."""

    currency_code: str
    units: int
    nanos: int


class Item(NamedTuple):
    """Pieces of one product."""

    product_id: str
    quantity: int
    seen_price: Price | None = None  # as the customer saw it last


@dataclass(frozen=True, slots=True)
class Cart:
    """What somebody is about to buy; `updated` is in microseconds since 1970, 0 for one never used."""

    customer_id: str
    items: tuple[Item, ...] = ()
    updated: int = 0

    def item(self, product_id: str) -> Item | None:
        return next((item for item in self.items if item.product_id == product_id), None)


def added(cart: Cart, item: Item, now: int) -> Cart:
    """The cart with these pieces more. Raises PreconditionFailed when that is too much."""
    there = cart.item(item.product_id)
    more = _sum(there, item) if there else item
    if more.quantity > MOST_PIECES:
        raise _too_much("TOO_MANY_PIECES", f"a cart holds {MOST_PIECES} pieces of a product at most", "item.quantity")
    return _with(cart, more, "item.product_id", now)


def having(cart: Cart, item: Item, now: int) -> Cart:
    """The cart with exactly these pieces of the product, none for 0. Raises PreconditionFailed when it is full."""
    if item.quantity == 0:
        return _changed(cart, (each for each in cart.items if each.product_id != item.product_id), now)
    there = cart.item(item.product_id)
    return _with(cart, item._replace(seen_price=_seen(there, item)) if there else item, "product_id", now)


def merged(cart: Cart, other: Cart, now: int) -> Cart:
    """The cart with everything of the other, up to the limits: whoever signs in is not stopped by a full cart."""
    items = {item.product_id: item for item in cart.items}
    for item in other.items:
        there = items.get(item.product_id)
        if there:
            both = _sum(there, item)
            items[item.product_id] = both._replace(quantity=min(MOST_PIECES, both.quantity))
        elif len(items) < MOST_PRODUCTS:
            items[item.product_id] = item
    return _changed(cart, items.values(), now)


def emptied(cart: Cart, now: int) -> Cart:
    return _changed(cart, (), now)


def checked_out(cart: Cart, ordered: Iterable[Item], now: int) -> Cart:
    """The cart without the pieces that were ordered. Those put in meanwhile stay."""
    bought = {item.product_id: item.quantity for item in ordered}
    left = (item._replace(quantity=item.quantity - bought.get(item.product_id, 0)) for item in cart.items)
    return _changed(cart, (item for item in left if item.quantity > 0), now)


def _with(cart: Cart, item: Item, field: str, now: int) -> Cart:
    if cart.item(item.product_id):
        return _changed(cart, (item if each.product_id == item.product_id else each for each in cart.items), now)
    if len(cart.items) == MOST_PRODUCTS:
        raise _too_much("CART_FULL", f"a cart holds {MOST_PRODUCTS} products at most", field)
    return _changed(cart, (*cart.items, item), now)


def _changed(cart: Cart, items: Iterable[Item], now: int) -> Cart:
    changed = tuple(items)
    return cart if changed == cart.items else replace(cart, items=changed, updated=now)


def _sum(there: Item, more: Item) -> Item:
    return there._replace(quantity=there.quantity + more.quantity, seen_price=_seen(there, more))


def _seen(there: Item, later: Item) -> Price | None:
    return later.seen_price or there.seen_price


def _too_much(reason: str, message: str, field: str) -> PreconditionFailed:
    return PreconditionFailed(reason, message, field=field)
