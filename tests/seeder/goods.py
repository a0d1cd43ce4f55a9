"""Entries of a seed file, as tests need them."""

from __future__ import annotations

from typing import Any


def entry(product_id: str, stock: Any = 40, **other: Any) -> dict[str, Any]:
    """An entry that is right, but for what is `other`."""
    price = {"currency_code": "EUR", "units": 12, "nanos": 500_000_000}
    return {
        "id": product_id,
        "name": product_id.title(),
        "description": "A thing.",
        "price": price,
        "stock": stock,
    } | other
