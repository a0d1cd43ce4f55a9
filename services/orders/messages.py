"""How does an order look on the wire?"""

from __future__ import annotations

from shop.orders.v1 import orders_pb2

from services.hosting.clock import timestamp
from services.orders.explanations import explanation
from services.orders.money import money
from services.orders.order import Line, Order


def message(order: Order) -> orders_pb2.Order:
    """The order as the contract writes it."""
    return orders_pb2.Order(
        order_id=order.order_id,
        customer_id=order.customer_id,
        lines=[_line(order.currency, line) for line in order.lines],
        total=money(order.currency, order.total),
        state=orders_pb2.OrderState.Value(f"ORDER_STATE_{order.progress.state.value}"),
        failure_reason=order.progress.reason,
        create_time=timestamp(order.created),
        update_time=timestamp(order.updated),
        reservation_id=order.reservation_id,
        charge_idempotency_key=order.charge_key,
        version=order.version,
        failure_explanation=explanation(order.progress),
    )


def _line(currency: str, line: Line) -> orders_pb2.OrderLine:
    price = money(currency, line.unit_price)
    return orders_pb2.OrderLine(product_id=line.product_id, quantity=line.quantity, unit_price=price)
