"""How are products kept? One row each; works of one transaction (see services/hosting/database.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from services.catalog.index import index_of
from services.catalog.products import Product, Stored
from services.catalog.tables import PRODUCTS
from services.hosting.database import insert_new
from services.hosting.errors import Aborted, AlreadyExists, NotFound

STORED = [PRODUCTS.c[field.name] for field in fields(Product)] + [PRODUCTS.c.etag, PRODUCTS.c.updated_at]
"""The columns of which `stored` makes a product."""
_FIND = select(*STORED).where(PRODUCTS.c.id.in_(bindparam("ids", expanding=True)))  # made once: every order asks it


def find(connection: Connection, ids: Sequence[str]) -> dict[str, Stored]:
    """Those of `ids` that exist."""
    return {row.id: stored(row) for row in connection.execute(_FIND, {"ids": list(set(ids))})}


def create(connection: Connection, product: Product, now: int) -> Stored:
    """The product, added unless it is there already. Raises AlreadyExists when it is another one."""
    if _add(connection, product, now):
        return Stored(product, product.etag, now)
    there = find(connection, [product.id])[product.id]
    if there.product != product:
        raise AlreadyExists(
            "PRODUCT_EXISTS",
            "there is another product with this id",
            field="product.id",
            metadata={"product_id": product.id, "etag": there.etag},
        )
    return there


def update(connection: Connection, product: Product, etag: str, now: int) -> Stored:
    """The product with its new content. Raises NotFound, or Aborted when `etag` is not the current one."""
    known = PRODUCTS.c.id == product.id
    changed = connection.execute(
        PRODUCTS.update().where(known, PRODUCTS.c.etag == etag).values(**_row(product, now))
    ).rowcount
    if changed:
        index_of(connection).put(connection, product)
        return Stored(product, product.etag, now)
    current = connection.execute(select(PRODUCTS.c.etag).where(known)).scalar()
    if current is None:
        raise NotFound("PRODUCT_NOT_FOUND", "there is no product with this id", field="product.id")
    raise Aborted(
        "ETAG_MISMATCH",
        "the product has changed since it was read",
        field="product.etag",
        metadata={"product_id": product.id, "etag": current},
    )


def sow(connection: Connection, products: Iterable[Product], now: int) -> int:
    """Add those products whose ids are new; how many that were. What the version before has added is indexed."""
    added = sum(_add(connection, product, now) for product in products)
    index = index_of(connection)
    strays = select(*STORED).where(PRODUCTS.c.id.not_in(index.known))
    for row in connection.execute(strays).all():
        product = stored(row).product
        filed = PRODUCTS.update().where(PRODUCTS.c.id == product.id).values(filed_under=product.filed_under)
        connection.execute(filed)
        index.put(connection, product)
    return added


def stored(row: Row[Any]) -> Stored:
    """The product in a row that begins with the columns STORED."""
    *content, etag, updated_at = row[: len(STORED)]
    return Stored(Product(*content), etag, updated_at)


def _add(connection: Connection, product: Product, now: int) -> bool:
    added = insert_new(connection, PRODUCTS, **_row(product, now))
    if added:
        index_of(connection).put(connection, product)
    return added


def _row(product: Product, now: int) -> dict[str, object]:
    return {
        **asdict(product),
        "etag": product.etag,
        "updated_at": now,
        "filed_under": product.filed_under,
        "searched": f"{product.name}\n{product.description}".casefold(),
    }
