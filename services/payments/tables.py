"""Which tables hold the payments, and which are the mock gateway's? The migrations make them; a test compares."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, MetaData, String, Table

METADATA = MetaData()

PAYMENTS = Table(
    "payments",
    METADATA,
    Column("idempotency_key", String(36), primary_key=True),
    Column("payment_id", String(36), nullable=False, unique=True),
    Column("order_id", String(36), nullable=False),
    Column("state", String(8), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("currency", String(3)),
    Column("units", BigInteger),
    Column("nanos", Integer),
    Column("last_four", String(4), nullable=False),
    Column("body", String(64), nullable=False),
    Column("decline", String(18)),
    CheckConstraint("state IN ('CHARGED', 'REFUNDED', 'VOIDED', 'DECLINED')", name="payment_state"),
    CheckConstraint("(state = 'VOIDED') = (currency IS NULL)", name="payment_amount"),
    CheckConstraint("(state = 'DECLINED') = (decline IS NOT NULL)", name="payment_decline"),
)
"""What payments wrote down."""

GATEWAY = Table(
    "gateway_ledger",
    METADATA,
    Column("idempotency_key", String(36), primary_key=True),
    Column("order_id", String(36), nullable=False),
    Column("state", String(8), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("currency", String(3)),
    Column("units", BigInteger),
    Column("nanos", Integer),
    Column("last_four", String(4), nullable=False),
    Column("body", String(64), nullable=False),
    Column("decline", String(18)),
    Column("changed_at", BigInteger, nullable=False),
    Index("gateway_ledger_by_change", "changed_at", "idempotency_key"),
)
"""What the mock card gateway knows: another company's books, in our file only because the company is not real."""
