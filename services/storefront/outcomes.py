"""What came of a check-out, and what does the customer do next? Each refusal in two sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from services.storefront.refusals import Refusal


@dataclass(frozen=True)
class Outcome:
    """Why nothing was bought, or why nobody knows yet."""

    headline: str
    advice: str
    status: HTTPStatus = HTTPStatus.CONFLICT
    field: str = ""  # of the check-out form
    same_key: bool = False  # the next try is the same order again: it is never bought twice
    order_id: str = ""  # to be shown instead


_CARD = HTTPStatus.UNPROCESSABLE_ENTITY
_OUTCOMES: Mapping[str, Outcome] = MappingProxyType(
    {
        "CARD_DECLINED": Outcome(
            "The bank declined this card.", "Nothing was charged. Try another card.", _CARD, "number"
        ),
        "INSUFFICIENT_FUNDS": Outcome(
            "There is not enough money on this card.", "Nothing was charged. Try another card.", _CARD, "number"
        ),
        "CARD_EXPIRED": Outcome(
            "This card has expired.", "Nothing was charged. Check the date, or try another card.", _CARD, "expiry_month"
        ),
        "OUT_OF_STOCK": Outcome(
            "Somebody was quicker: there are too few pieces left.",
            "Nothing was charged. Take fewer of what is marked below, or none.",
        ),
        "PRICE_CHANGED": Outcome(
            "A price has changed while you were here.",
            "Nothing was ordered. The prices below are those of now: if they please you, place the order again.",
        ),
        "RESERVATION_LOST": Outcome(
            "The pieces could not be held long enough.", "What was charged is given back. Please try again."
        ),
        "INTERRUPTED": Outcome(
            "A ship of ours went down while it carried your order.",
            "Nothing was kept: what was charged is given back. Please try again.",
        ),
        "IDEMPOTENCY_KEY_REUSED": Outcome(
            "This form has been used for another order.", "That one is in your orders. This is a fresh form."
        ),
        "PRODUCT_NOT_FOUND": Outcome(
            "Something here is no longer sold.", "Nothing was ordered. Take it out of the cart, and try again."
        ),
        "NOT_YOURS": Outcome(
            "This is not yours to buy with.", "Sign in again, and try once more.", HTTPStatus.FORBIDDEN
        ),
    }
)
_UNKNOWN = Outcome(
    "We do not know yet whether your order came through.",
    "Press the button again: the same order is never placed twice.",
    HTTPStatus.SERVICE_UNAVAILABLE,
    same_key=True,
)
_FAILED = Outcome(
    "A service behind the shop does not answer.",
    "Nothing was kept: what was charged is given back. Please try again in a minute.",
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_IN_PROGRESS = frozenset({"ORDER_IN_PROGRESS", "ORDER_PENDING"})


def outcome(said: Refusal) -> Outcome:
    """What a refusal of PlaceOrder means to the customer."""
    order_id = said.facts.get("order_id", "")
    if said.reason in _IN_PROGRESS and order_id:
        return Outcome("Your order is under way.", "Its page tells more.", order_id=order_id)
    if said.reason in _OUTCOMES:
        return _OUTCOMES[said.reason]
    if said.silence:
        return _FAILED if order_id else _UNKNOWN  # with an id it was begun and has failed for good
    if said.status is HTTPStatus.NOT_FOUND:
        return _OUTCOMES["PRODUCT_NOT_FOUND"]
    return Outcome("The order was refused.", f"{said.message[:200]}. Nothing was charged.".replace("..", "."))
