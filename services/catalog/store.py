"""How are products kept? One row each; works of one transaction (see services/hosting/database.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Row, Select, String, Table, Text, select

from services.catalog.products import Product, Stored
from services.hosting.database import insert_new
from services.hosting.errors import Aborted, AlreadyExists, NotFound

METADATA = MetaData()

PRODUCTS = Table(
    "products",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("description", Text, nullable=False),
    Column("currency_code", String(3), nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("nanos", Integer, nullable=False),
    Column("etag", String(32), nullable=False),
    Column("updated_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("searched", Text, nullable=False),  # name and description, case-folded
)


def find(connection: Connection, ids: Sequence[str]) -> dict[str, Stored]:
    """Those of `ids` that exist."""
    rows = connection.execute(select(PRODUCTS).where(PRODUCTS.c.id.in_(set(ids))))
    return {row.id: _stored(row) for row in rows}


def page(connection: Connection, words: Sequence[str], after: str, limit: int) -> list[Stored]:
    """Up to `limit` products that hold every one of `words` (folded), by id, after the id `after`."""
    query: Select[tuple[object, ...]] = select(PRODUCTS).where(PRODUCTS.c.id > after)
    for word in words:
        query = query.where(PRODUCTS.c.searched.contains(word, autoescape=True))
    return [_stored(row) for row in connection.execute(query.order_by(PRODUCTS.c.id).limit(limit))]


def create(connection: Connection, product: Product, now: int) -> Stored:
    """The product, added unless it is there already. Raises AlreadyExists when it is another one."""
    if insert_new(connection, PRODUCTS, **_row(product, now)):
        return Stored(product, product.etag, now)
    there = find(connection, [product.id])[product.id]
    if there.etag != product.etag:
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


def add_absent(connection: Connection, products: Iterable[Product], now: int) -> int:
    """Add those products whose ids are new; how many that were."""
    return sum(insert_new(connection, PRODUCTS, **_row(product, now)) for product in products)


def _row(product: Product, now: int) -> dict[str, object]:
    return {**asdict(product), "etag": product.etag, "updated_at": now, "searched": product.searched}


def _stored(row: Row[tuple[object, ...]]) -> Stored:
    facts = row._mapping  # noqa: SLF001  # SQLAlchemy's documented name
    product = Product(**{name: facts[name] for name in Product.__dataclass_fields__})
    return Stored(product, facts["etag"], facts["updated_at"])
