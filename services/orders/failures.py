"""What is a caller told of an order that has not come about? The same, however often it asks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from grpc import StatusCode

from services.hosting.errors import Aborted, DependencyUnavailable, PreconditionFailed, ShopError
from services.orders import saga
from services.orders.explanations import explanation
from services.orders.order import Order
from services.orders.steps import DEPENDENCY

_UNAVAILABLE: Mapping[str, str] = MappingProxyType(
    {
        saga.INVENTORY_UNAVAILABLE: "inventory",
        saga.PAYMENTS_UNAVAILABLE: "payments",
    }
)


class OutOfTime(ShopError):
    """The caller's deadline was too close to begin what would have had to be undone."""

    code: ClassVar[StatusCode] = StatusCode.DEADLINE_EXCEEDED


def failure(order: Order) -> ShopError:
    """Why this order FAILED, or is about to: the reason for programs, the message for the customer."""
    reason, message = order.progress.reason, explanation(order.progress)
    facts = {"order_id": order.order_id}
    if reason in _UNAVAILABLE:
        return DependencyUnavailable(_UNAVAILABLE[reason], message, reason=reason, metadata=facts)
    if reason == saga.OUT_OF_TIME:
        return OutOfTime(reason, message, metadata=facts)
    field, short = _short_line(order)
    return PreconditionFailed(reason, message, field=field, metadata=facts | short)


def _short_line(order: Order) -> tuple[str, dict[str, str]]:
    """The line whose product was too few, as a field of the request and as metadata; nothing if it was not that."""
    product_id, available = order.progress.product_id, order.progress.available
    for index, line in enumerate(order.lines):
        if line.product_id == product_id:
            facts = {"product_id": product_id, "requested": str(line.quantity)}
            return f"lines[{index}].product_id", facts | ({} if available is None else {"available": str(available)})
    return "", {}


def pending(order: Order) -> ShopError:
    """The next step of this order is owed and will be done, but not before the caller is answered."""
    step = order.progress.next_step
    dependency = DEPENDENCY[step] if step else "orders"
    return DependencyUnavailable(
        dependency,
        f"{dependency} does not answer; the order is finished as soon as it does, and the same call tells how",
        reason="ORDER_PENDING",
        metadata={"order_id": order.order_id, "state": order.progress.state.value},
    )


def in_progress(order: Order) -> ShopError:
    """Somebody else is at work on this order."""
    return Aborted("ORDER_IN_PROGRESS", "another call is at work on this order", metadata={"order_id": order.order_id})
