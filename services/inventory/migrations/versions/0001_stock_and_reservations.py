"""Stock, reservations and restocks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock",
        sa.Column("product_id", sa.String(64), primary_key=True),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("available", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("committed", sa.BigInteger, nullable=False),
        sa.CheckConstraint("received = available + reserved + committed", name="stock_conserved"),
        sa.CheckConstraint("available >= 0 AND reserved >= 0 AND committed >= 0", name="stock_not_negative"),
    )
    op.create_table(
        "reservations",
        sa.Column("reservation_id", sa.String(36), primary_key=True),
        sa.Column("order_id", sa.String(36), nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("state IN ('HELD', 'COMMITTED', 'RELEASED', 'EXPIRED')", name="reservation_state"),
    )
    op.create_index(
        "reservations_to_expire",
        "reservations",
        ["expires_at"],
        sqlite_where=sa.text("state = 'HELD'"),
        postgresql_where=sa.text("state = 'HELD'"),
    )
    op.create_table(
        "restocks",
        sa.Column("idempotency_key", sa.String(36), primary_key=True),
        sa.Column("lines", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("restocks")
    op.drop_table("reservations")
    op.drop_table("stock")
