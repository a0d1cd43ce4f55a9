"""Which tables hold the stock? The migrations make them; a test compares the two."""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, MetaData, String, Table, text

METADATA = MetaData()

STOCK = Table(
    "stock",
    METADATA,
    Column("product_id", String(64), primary_key=True),
    Column("received", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("committed", BigInteger, nullable=False),
    CheckConstraint("received = available + reserved + committed", name="stock_conserved"),
    CheckConstraint("available >= 0 AND reserved >= 0 AND committed >= 0", name="stock_not_negative"),
)
"""The books of each product, in pieces. The database itself refuses books that do not balance."""

RESERVATIONS = Table(
    "reservations",
    METADATA,
    Column("reservation_id", String(36), primary_key=True),
    Column("order_id", String(36), nullable=False),
    Column("lines", JSON, nullable=False),
    Column("state", String(9), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    CheckConstraint("state IN ('HELD', 'COMMITTED', 'RELEASED', 'EXPIRED')", name="reservation_state"),
    Index(
        "reservations_to_expire",
        "expires_at",
        sqlite_where=text("state = 'HELD'"),
        postgresql_where=text("state = 'HELD'"),
    ),
)
"""One row each, lines included: a reservation is only ever written and read as a whole."""

RESTOCKS = Table(
    "restocks",
    METADATA,
    Column("idempotency_key", String(36), primary_key=True),
    Column("lines", JSON, nullable=False),
)
"""The restocks that were counted, so that none is counted twice."""
