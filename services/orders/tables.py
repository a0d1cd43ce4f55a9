"""Which tables hold the orders? The migrations make them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table

METADATA = MetaData()

ORDERS = Table(
    "orders",
    METADATA,
    Column("order_id", String(36), primary_key=True),
    Column("idempotency_key", String(36), nullable=False, unique=True),
    Column("customer_id", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("lines", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("todo", String(64), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("product_id", String(64), nullable=False),
    Column("available", Integer),
    Column("reservation", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("owner", String(253)),
    Column("lease_until", BigInteger),
    Column("stalls", Integer, nullable=False),
    Index("orders_by_age", "created", "order_id"),
    Index("orders_of_customer", "customer_id", "created", "order_id"),
    Index("orders_to_recover", "lease_until"),
)
"""The orders as they are. Recovery looks for `lease_until`, which final orders do not have."""

SAGA_LOG = Table(
    "saga_log",
    METADATA,
    Column("order_id", String(36), ForeignKey("orders.order_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("event", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("todo", String(64), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("reservation", Integer, nullable=False),
    Column("owner", String(253)),
)
"""How they came to be so: a row for every version, written in the same transaction."""
