"""What was sold on which day? Units and money by product and currency, summed in whole billionths; pure.

An order belongs to the day, in UTC, on which it was placed, and counts as what it is now:

    sold        CONFIRMED
    returned    CANCELLED: its units and its money went back
    failed      FAILED: nothing was sold and no money kept
    unfinished  anything else; a later report knows more
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple

from shop.money.v1 import money_pb2
from shop.orders.v1 import orders_pb2

BILLION = 1_000_000_000


class Fate(StrEnum):
    """What became of an order."""

    SOLD = "sold"
    RETURNED = "returned"
    FAILED = "failed"
    UNFINISHED = "unfinished"


_FATES: Mapping[int, Fate] = {
    orders_pb2.ORDER_STATE_CONFIRMED: Fate.SOLD,
    orders_pb2.ORDER_STATE_CANCELLED: Fate.RETURNED,
    orders_pb2.ORDER_STATE_FAILED: Fate.FAILED,
}


class Item(NamedTuple):
    """One product in one currency on one day."""

    day: date
    currency: str
    product_id: str


@dataclass(frozen=True)
class Sales:
    """Orders by day, and their pieces and billionths by item."""

    orders: Counter[tuple[date, Fate]] = field(default_factory=Counter)
    units: Counter[tuple[Item, Fate]] = field(default_factory=Counter)
    amounts: Counter[tuple[Item, Fate]] = field(default_factory=Counter)

    def items(self, day: date) -> list[Item]:
        """What was sold or returned that day, by currency and product."""
        return sorted({item for item, fate in self.units if item.day == day and fate in {Fate.SOLD, Fate.RETURNED}})


class WrongSum(Exception):
    """The lines of an order do not come to its total, so no sum of lines can be trusted."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"the lines of order {order_id} do not come to its total: is orders older than the reporter?")


def sales(orders: Iterable[orders_pb2.Order]) -> Sales:
    """All of them summed. Raises WrongSum."""
    found = Sales()
    for order in orders:
        day = placed(order).date()
        fate = _FATES.get(order.state, Fate.UNFINISHED)
        found.orders[day, fate] += 1
        amounts = [line.quantity * _billionths(line.unit_price) for line in order.lines]
        if sum(amounts) != _billionths(order.total):
            raise WrongSum(order.order_id)
        for line, amount in zip(order.lines, amounts, strict=True):
            item = Item(day, order.total.currency_code, line.product_id)
            found.units[item, fate] += line.quantity
            found.amounts[item, fate] += amount
    return found


def placed(order: orders_pb2.Order) -> datetime:
    """When the order was placed."""
    return order.create_time.ToDatetime(UTC)


def _billionths(money: money_pb2.Money) -> int:
    return money.units * BILLION + money.nanos
