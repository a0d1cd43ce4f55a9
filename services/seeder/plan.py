"""What does a shop lack of these goods? Pure: what is there against what should be.

A product that is there is left alone, whatever has become of it: an admin may have changed it. So are its pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

from shop.catalog.v1.catalog_pb2 import Product

from services.seeder.goods import Goods

_FIRST_STOCK = UUID("5f0e3f1c-6c55-5d8f-9a53-0a8f6f3f3d21")


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what is left alone."""

    to_add: list[Product]
    to_stock: list[Goods]
    changed: list[str]
    """Products that are there with another content, by id."""


def plan(goods: Iterable[Goods], there: Mapping[str, Product], received: Mapping[str, int]) -> Plan:
    """What `there` (by id) and `received` (pieces, ever) lack of `goods`."""
    listed = list(goods)
    return Plan(
        to_add=[one.product for one in listed if one.product.id not in there],
        to_stock=[one for one in listed if one.stock and not received.get(one.product.id)],
        changed=[
            one.product.id
            for one in listed
            if one.product.id in there and content(there[one.product.id]) != content(one.product)
        ],
    )


def content(product: Product) -> Product:
    """The product without what the server writes into it."""
    copied = Product()
    copied.CopyFrom(product)
    copied.ClearField("etag")
    copied.ClearField("update_time")
    return copied


def first_stock_of(product_id: str) -> str:
    """The idempotency key of a product's first delivery: the same for every seeder, so that it arrives once."""
    return str(uuid5(_FIRST_STOCK, product_id))
