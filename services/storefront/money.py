"""How does an amount of money look to people, and how is one read that they typed? Exact: no floats."""

from __future__ import annotations

import re
from decimal import Decimal

from shop.money.v1.money_pb2 import Money

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_WITHOUT_CENTS = frozenset({"JPY", "KRW", "ISK", "VND"})
_TYPED = re.compile(r"([0-9]{1,7})(?:[.,]([0-9]{1,9}))?")
_NANOS = 1_000_000_000

LARGEST = 1_000_000
"""Units that a price has at most (money.proto)."""
OURS = "EUR"
"""In which currency people type prices here."""


def amount(money: Money) -> Decimal:
    """Its exact value."""
    return Decimal(money.units) + Decimal(money.nanos) / _NANOS


def shown(money: Money) -> str:
    """For people: €12.50; a currency without a sign of its own by its code, CHF 12.50."""
    return worded(amount(money), money.currency_code)


def worded(value: Decimal, currency: str) -> str:
    """As `shown`, of a sum."""
    least = 0 if currency in _WITHOUT_CENTS else 2
    digits = max(least, -int(value.normalize().as_tuple().exponent))
    sign = _SYMBOLS.get(currency, f"{currency} ")
    return f"{sign}{value:,.{digits}f}"


def typed(text: str, currency: str) -> Money | None:
    """The amount somebody typed ("12.5", "12,50"); None when it is none that the shop could ask for."""
    found = _TYPED.fullmatch(text.strip())
    if found is None or int(found[1]) > LARGEST:
        return None
    return Money(currency_code=currency, units=int(found[1]), nanos=int((found[2] or "").ljust(9, "0") or 0))


def editable(money: Money) -> str:
    """What a field for `typed` is filled with: "12.50"."""
    value = amount(money)
    least = 0 if money.currency_code in _WITHOUT_CENTS else 2
    digits = max(least, -int(value.normalize().as_tuple().exponent))
    return f"{value:.{digits}f}"
