"""What is a caller told of an order that has not come about? The same, however often it asks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from grpc import StatusCode

from services.hosting.errors import DependencyUnavailable, PreconditionFailed, ShopError
from services.orders import saga
from services.orders.order import Order

_UNAVAILABLE: Mapping[str, str] = MappingProxyType(
    {
        saga.INVENTORY_UNAVAILABLE: "inventory",
        saga.PAYMENTS_UNAVAILABLE: "payments",
    }
)
_EXPLAINED: Mapping[str, str] = MappingProxyType(
    {
        "OUT_OF_STOCK": "there are too few pieces",
        "CARD_DECLINED": "the card was declined",
        "INSUFFICIENT_FUNDS": "the card has insufficient funds",
        "CARD_EXPIRED": "the card has expired",
        saga.RESERVATION_LOST: "the pieces could not be held long enough",
        saga.INTERRUPTED: "a server stopped while the order was being placed",
    }
)
_NOTHING_KEPT = "nothing was kept; to try again, place a new order under a new key"


class OutOfTime(ShopError):
    """The caller's deadline was too close to begin what would have had to be undone."""

    code: ClassVar[StatusCode] = StatusCode.DEADLINE_EXCEEDED


def failure(order: Order) -> ShopError:
    """Why this order FAILED, or is about to."""
    reason, facts = order.progress.reason, {"order_id": order.order_id}
    if reason in _UNAVAILABLE:
        dependency = _UNAVAILABLE[reason]
        message = f"{dependency} did not answer; {_NOTHING_KEPT}"
        return DependencyUnavailable(dependency, message, reason=reason, metadata=facts)
    if reason == saga.OUT_OF_TIME:
        return OutOfTime(reason, f"the deadline left too little time; {_NOTHING_KEPT}", metadata=facts)
    explained = _EXPLAINED.get(reason, f"the order was refused: {reason}")
    field, short = _short_line(order)
    return PreconditionFailed(reason, f"{explained}; {_NOTHING_KEPT}", field=field, metadata=facts | short)


def _short_line(order: Order) -> tuple[str, dict[str, str]]:
    """The line whose product was too few, as a field of the request and as metadata; nothing if it was not that."""
    product_id = order.progress.product_id
    for index, line in enumerate(order.lines):
        if line.product_id == product_id:
            return f"lines[{index}].product_id", {"product_id": product_id}
    return "", {}


def pending(order: Order, dependency: str) -> ShopError:
    """The next step of this order is owed and will be done, but not before the caller is answered."""
    return DependencyUnavailable(
        dependency,
        f"{dependency} does not answer; the order is finished as soon as it does, and the same call tells how",
        reason="ORDER_PENDING",
        metadata={"order_id": order.order_id, "state": order.progress.state.value},
    )
