"""Payments, and the ledger of the mock card gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payments",
        sa.Column("idempotency_key", sa.String(36), primary_key=True),
        sa.Column("payment_id", sa.String(36), nullable=False, unique=True),
        sa.Column("order_id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3)),
        sa.Column("units", sa.BigInteger),
        sa.Column("nanos", sa.Integer),
        sa.Column("last_four", sa.String(4), nullable=False),
        sa.Column("body", sa.String(64), nullable=False),
        sa.Column("decline", sa.String(18)),
        sa.CheckConstraint("state IN ('CHARGED', 'REFUNDED', 'VOIDED', 'DECLINED')", name="payment_state"),
        sa.CheckConstraint("(state = 'VOIDED') = (currency IS NULL)", name="payment_amount"),
        sa.CheckConstraint("(state = 'DECLINED') = (decline IS NOT NULL)", name="payment_decline"),
    )
    op.create_table(
        "gateway_ledger",
        sa.Column("idempotency_key", sa.String(36), primary_key=True),
        sa.Column("order_id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3)),
        sa.Column("units", sa.BigInteger),
        sa.Column("nanos", sa.Integer),
        sa.Column("last_four", sa.String(4), nullable=False),
        sa.Column("body", sa.String(64), nullable=False),
        sa.Column("decline", sa.String(18)),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("gateway_ledger_by_change", "gateway_ledger", ["changed_at", "idempotency_key"])


def downgrade() -> None:
    op.drop_table("gateway_ledger")
    op.drop_table("payments")
