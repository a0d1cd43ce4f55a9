"""How is money counted? In whole billionths of its currency; `Money` is for the wire only."""

from __future__ import annotations

from shop.money.v1 import money_pb2

BILLION = 1_000_000_000

LARGEST = 1_000_000 * BILLION
"""The most one order may cost: what the contract lets `Money.units` hold."""


def billionths(money: money_pb2.Money) -> int:
    """The amount, whatever its currency."""
    return money.units * BILLION + money.nanos


def money(currency: str, amount: int) -> money_pb2.Money:
    """`amount` billionths of `currency`, as the contracts write it."""
    units, nanos = divmod(amount, BILLION)
    return money_pb2.Money(currency_code=currency, units=units, nanos=nanos)


def written(amount: int) -> str:
    """`amount` billionths as people write it: "12.50", or "1500" where there is no fraction."""
    units, nanos = divmod(amount, BILLION)
    return f"{units}.{f'{nanos:09}'.rstrip('0'):0<2}" if nanos else str(units)
