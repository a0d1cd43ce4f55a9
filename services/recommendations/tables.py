"""Which tables hold what is known? The migrations make them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, MetaData, String, Table, text

METADATA = MetaData()

PRODUCTS = Table(
    "products",
    METADATA,
    Column("product_id", String(64), primary_key=True),
    Column("category", String(32), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("bought", Double, nullable=False),
    Column("viewed", Double, nullable=False),
)
"""Products that exist, because catalog lists them or somebody has bought them. No other is ever recommended."""

PAIRS = Table(
    "pairs",
    METADATA,
    Column("product_id", String(64), primary_key=True),
    Column("other_id", String(64), primary_key=True),
    Column("bought", Double, nullable=False),
    Column("viewed", Double, nullable=False),
)
"""Products bought or seen together: each pair twice, and of a product only the strongest."""

VIEWS = Table(
    "views",
    METADATA,
    Column("customer_id", String(64), primary_key=True),
    Column("product_id", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Index("views_by_age", "at"),
)
"""Who looked at what in the last half hour."""

ORDERS_READ = Table(
    "orders_read",
    METADATA,
    Column("order_id", String(36), primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Index("orders_read_by_age", "created"),
    Index("orders_open", "asked", sqlite_where=text("open"), postgresql_where=text("open")),
)
"""Orders that may be listed again, so that none counts twice; and those whose end is still open."""

CURSORS = Table(
    "cursors",
    METADATA,
    Column("feed", String(16), primary_key=True),
    Column("floor", BigInteger, nullable=False),
    Column("ceiling", BigInteger, nullable=False),
    Column("page_token", String(256), nullable=False),
)
"""How far orders have been read: one row, which whoever learns from orders locks."""
