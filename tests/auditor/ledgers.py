"""Balanced books, to plant discrepancies in."""

from __future__ import annotations

from shop.inventory.v1 import inventory_pb2
from shop.money.v1 import money_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from services.auditor.books import Books

CONFIRMED, FAILED, CANCELLED = "confirmed", "failed", "cancelled"


def eur(units: int) -> money_pb2.Money:
    return money_pb2.Money(currency_code="EUR", units=units, nanos=500_000_000)


class Ledgers:
    """One confirmed, one failed and one cancelled order of two mugs each, and everything as it should be."""

    def __init__(self) -> None:
        self.orders = {
            CONFIRMED: _order(CONFIRMED, orders_pb2.ORDER_STATE_CONFIRMED),
            FAILED: _order(FAILED, orders_pb2.ORDER_STATE_FAILED),
            CANCELLED: _order(CANCELLED, orders_pb2.ORDER_STATE_CANCELLED),
        }
        self.payments = {
            CONFIRMED: _payment(CONFIRMED, payments_pb2.PAYMENT_STATE_CHARGED),
            FAILED: _payment(FAILED, payments_pb2.PAYMENT_STATE_DECLINED),
            CANCELLED: _payment(CANCELLED, payments_pb2.PAYMENT_STATE_REFUNDED),
        }
        self.reservations = {
            CONFIRMED: _reservation(CONFIRMED, inventory_pb2.RESERVATION_STATE_COMMITTED),
            FAILED: _reservation(FAILED, inventory_pb2.RESERVATION_STATE_EXPIRED),
            CANCELLED: _reservation(CANCELLED, inventory_pb2.RESERVATION_STATE_RELEASED),
        }
        self.mugs = inventory_pb2.Stock(product_id="mug", received=10, available=8, reserved=0, committed=2)

    def books(self) -> Books:
        return Books(
            orders=list(self.orders.values()),
            payments=list(self.payments.values()),
            reservations=list(self.reservations.values()),
            stock=[self.mugs],
        )

    def hold(self, name: str) -> None:
        """Hold two more mugs, under a reservation for order `name`."""
        self.reservations["held"] = _reservation(name, inventory_pb2.RESERVATION_STATE_HELD)
        self.reservations["held"].reservation_id = "reservation of nobody"
        self.mugs.available -= 2
        self.mugs.reserved += 2


def _order(name: str, state: orders_pb2.OrderState.ValueType) -> orders_pb2.Order:
    return orders_pb2.Order(
        order_id=f"order {name}",
        lines=[orders_pb2.OrderLine(product_id="mug", quantity=2)],
        total=eur(25),
        state=state,
        reservation_id=f"reservation {name}",
        charge_idempotency_key=f"charge {name}",
    )


def _payment(name: str, state: payments_pb2.PaymentState.ValueType) -> payments_pb2.Payment:
    return payments_pb2.Payment(
        payment_id=f"payment {name}",
        idempotency_key=f"charge {name}",
        order_id=f"order {name}",
        amount=eur(25),
        state=state,
    )


def _reservation(name: str, state: inventory_pb2.ReservationState.ValueType) -> inventory_pb2.Reservation:
    return inventory_pb2.Reservation(
        reservation_id=f"reservation {name}",
        order_id=f"order {name}",
        lines=[inventory_pb2.StockLine(product_id="mug", quantity=2)],
        state=state,
    )
