"""Which tables hold the carts? The migrations make them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, MetaData, String, Table

METADATA = MetaData()

CARTS = Table(
    "carts",
    METADATA,
    Column("customer_id", String(64), primary_key=True),
    Column("contents", JSON, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Index("carts_by_age", "updated"),
)
"""One row each, items included: a cart is only ever read and written as a whole."""

DEEDS = Table(
    "deeds",
    METADATA,
    Column("customer_id", String(64), primary_key=True),
    Column("deed", String(9), primary_key=True),
    Column("key", String(36), primary_key=True),
    Column("contents", JSON, nullable=False),
    Column("at", BigInteger, nullable=False),
    CheckConstraint("deed IN ('ADD', 'CHECK_OUT')", name="deed_known"),
    Index("deeds_by_age", "at"),
)
"""What was done under which key, so that none is done twice. A key counts for one cart: nobody can use up another's."""
