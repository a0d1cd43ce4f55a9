"""How are sales reported? As a table for people, or as JSON lines for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from services.reporter.sales import BILLION, Fate, Item, Sales

_NAMES, _NUMBERS = ("product_id", "currency"), ("units", "revenue", "returned", "refunded")


def facts(sales: Sales, days: Sequence[date]) -> list[dict[str, Any]]:
    """Of each day: a row for every product and currency, then one for the day itself, also when nothing was sold."""
    return [row for day in days for row in (*_products(sales, day), _day(sales, day))]


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each row."""
    return "\n".join(json.dumps(row, separators=(",", ":")) for row in rows)


def as_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table for each day, and what its orders came to."""
    return "\n\n".join(
        "\n".join(_table(day, [row for row in rows if row["day"] == day["day"] and "product_id" in row]))
        for day in rows
        if "orders" in day
    )


def _products(sales: Sales, day: date) -> Iterator[dict[str, Any]]:
    for item in sales.items(day):
        yield {
            "day": day.isoformat(),
            "product_id": item.product_id,
            "currency": item.currency,
            "units": sales.units[item, Fate.SOLD],
            "revenue": decimal(sales.amounts[item, Fate.SOLD]),
            "returned": sales.units[item, Fate.RETURNED],
            "refunded": decimal(sales.amounts[item, Fate.RETURNED]),
        }


def _day(sales: Sales, day: date) -> dict[str, Any]:
    items = sales.items(day)
    return {
        "day": day.isoformat(),
        "orders": {fate.value: sales.orders[day, fate] for fate in Fate},
        "revenue": _by_currency(sales, items, Fate.SOLD),
        "refunded": _by_currency(sales, items, Fate.RETURNED),
    }


def _by_currency(sales: Sales, items: Sequence[Item], fate: Fate) -> dict[str, str]:
    amounts: Counter[str] = Counter()
    for item in items:
        amounts[item.currency] += sales.amounts[item, fate]
    return {currency: decimal(amount) for currency, amount in amounts.items()}


def decimal(billionths: int) -> str:
    """The exact amount, with two decimals at least; as text, because readers of JSON make floats of numbers."""
    units, nanos = divmod(billionths, BILLION)
    return f"{units}.{f'{nanos:09d}'.rstrip('0'):0<2}"


def _table(day: Mapping[str, Any], products: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"Sales of {day['day']} (UTC)"
    if products:
        yield from _aligned([{name: name for name in (*_NAMES, *_NUMBERS)}, *products])
    yield f"orders: {', '.join(f'{number} {fate}' for fate, number in day['orders'].items())}"
    for what in ("revenue", "refunded"):
        yield f"{what}: {', '.join(f'{currency} {amount}' for currency, amount in day[what].items()) or 'nothing'}"


def _aligned(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    widths = {name: max(len(str(row[name])) for row in rows) for name in (*_NAMES, *_NUMBERS)}
    for row in rows:
        names = [f"{row[name]:<{widths[name]}}" for name in _NAMES]
        numbers = [f"{row[name]:>{widths[name]}}" for name in _NUMBERS]
        yield "  ".join([*names, *numbers])
