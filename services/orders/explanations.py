"""Why has an order not come about, and what can the customer do? One sentence for each reason.

Each is true whether or not money was taken on the way: what was is given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from services.orders import saga
from services.orders.saga import Progress

OUT_OF_STOCK = "OUT_OF_STOCK"

_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        OUT_OF_STOCK: "Something in this order is sold out, so you pay nothing: leave it out and order again.",
        "CARD_DECLINED": "The card was declined, so you pay nothing: order again with another card.",
        "INSUFFICIENT_FUNDS": "The card has insufficient funds, so you pay nothing: order again with another card.",
        "CARD_EXPIRED": "The card has expired, so you pay nothing: order again with another card.",
        saga.RESERVATION_LOST: "We could not hold the pieces long enough, so you pay nothing: please order again.",
        saga.INTERRUPTED: "Something of ours stopped amid your order, so you pay nothing: please order again.",
        saga.OUT_OF_TIME: "There was too little time to place the order, so you pay nothing: please order again.",
        saga.INVENTORY_UNAVAILABLE: "The warehouse did not answer, so you pay nothing: please order again.",
        saga.PAYMENTS_UNAVAILABLE: "Nobody could charge the card, so you pay nothing: please order again.",
    }
)
_OTHERWISE = "The order was refused, so you pay nothing: look it over and order again."


def explanation(progress: Progress) -> str:
    """The sentence for an order that FAILED, or is about to; empty for any other."""
    if not progress.reason:
        return ""
    if progress.reason == OUT_OF_STOCK and progress.product_id:
        return _too_few(progress.product_id, progress.available)
    return _SENTENCES.get(progress.reason, _OTHERWISE)


def _too_few(product_id: str, available: int | None) -> str:
    match available:
        case None:
            return f"There are too few of {product_id}, so you pay nothing: order again with fewer, or without it."
        case 0:
            return f"{product_id} is sold out, so you pay nothing: leave it out and order again."
        case 1:
            return f"Only 1 of {product_id} is left, so you pay nothing: order again with no more than that."
    return f"Only {available} of {product_id} are left, so you pay nothing: order again with no more than that."
